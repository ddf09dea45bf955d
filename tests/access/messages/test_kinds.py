"""What differs between the kinds of messages is said once, in the table of them; nothing else lists them."""

import pytest

from access.actors import system
from access.alerts.undelivered import WaitingMessage
from access.message_kinds import KEPT_TRUE, KINDS, PLANNED, SECRETS, TOLD, Shows, Until, Way
from access.messages import expiry, facts
from access.models import MessageKind
from bot.views.undelivered import named
from tests.world import World
from workers.message_views import VIEWS

SENT_WITH_THEIR_OWN_WORDS = (Way.DIGEST, Way.HOME, Way.MODAL, Way.PAGE)


@pytest.mark.parametrize("kind", MessageKind)
def test_a_message_of_any_kind_can_be_named_when_it_does_not_arrive(kind: MessageKind) -> None:
    """Else the alert about it could not be drawn, and would not arrive either."""
    assert named(WaitingMessage(kind=kind, stands=False, request=None, alert=None)) == KINDS[kind].name


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_of_message_has_words_and_one_who_says_it(kind: MessageKind) -> None:
    assert (kind in VIEWS) == (KINDS[kind].way not in SENT_WITH_THEIR_OWN_WORDS)
    assert (kind in TOLD) != (kind in SECRETS)


def test_what_an_entry_may_name_is_there() -> None:
    assert set(facts._FACTS) == set(Shows)
    assert set(expiry._LASTS) == set(Until)


@pytest.mark.parametrize("kind", MessageKind)
def test_a_message_is_told_anew_when_its_subject_changes_if_its_entry_says_so(world: World, kind: MessageKind) -> None:
    request = world.ask()
    _tell(world, kind, request.id)
    with world.core.work(system("test")) as work:
        work.changed(request.id)

    (message,) = [one for one in world.messages(kind) if one.recipient == "U0NEW"]
    assert message.wanted_version == (2 if KINDS[kind].kept_true else 1)
    assert (kind in KEPT_TRUE, kind in PLANNED) == (KINDS[kind].kept_true, KINDS[kind].planned)


def _tell(world: World, kind: MessageKind, subject: str) -> None:
    with world.core.work(system("test")) as work:
        work.tell(kind, subject, "U0NEW")
