"""All that is known of a request, for who may see why it was decided, and for no other."""

from datetime import timedelta

import pytest

from access.actors import by_slack
from access.errors import NotFound
from access.ids import SlackChannel, SlackUser
from access.models import Request
from access.queries.details import EARLIER_MOST, Details, details
from access.queries.why import why
from access.requests.cancel import cancel
from access.requests.comment import EACH_MOST, Card, Written, change_comment, delete_comment, keep_comment
from access.requests.remind import Place
from tests.cast import ANN, APPROVALS, BEN, EVE, KIM, LEA, SAM, SECURITY, STRANGER
from tests.world import World

pytestmark = pytest.mark.both_databases


def told(world: World, request: Request, by: SlackUser = KIM) -> Details:
    return details(world.core, request_id=request.id, by=by_slack(by))


def written(words: str, ts: str = "30.01") -> Written:
    return Written(place=Place(channel=APPROVALS, ts=ts), thread="17.01", words=words)


def write(world: World, request: Request, words: str, *, by: SlackUser = KIM, ts: str = "30.01") -> None:
    card = Card(request.id, request.version)
    assert keep_comment(world.core, by=by_slack(by), card=card, written=written(words, ts))


def ask_and_deny(world: World, by: SlackUser, entitlement: str = "customers-db/read") -> Request:
    request = world.deny(world.ask(by=by, entitlement=entitlement), by=KIM)
    world.clock.tick(minutes=1)
    return request


@pytest.mark.parametrize("who", [ANN, LEA, KIM, SAM])
def test_who_may_see_why_may_see_the_details(world: World, who: SlackUser) -> None:
    request = world.ask()
    assert told(world, request, who).why.request.id == request.id


@pytest.mark.parametrize("who", [BEN, EVE])
def test_for_others_they_are_not_there_and_that_is_recorded(world: World, who: SlackUser) -> None:
    request = world.ask()

    with pytest.raises(NotFound):
        told(world, request, who)
    assert world.refusals() == [("request.details", "NotFound")]
    with pytest.raises(Exception, match="access policy"):
        told(world, request, STRANGER)


def test_what_the_person_asked_before_on_this_resource_is_shown_with_who_decided(world: World) -> None:
    first = ask_and_deny(world, ANN, "customers-db/fix-orders")
    ask_and_deny(world, BEN)
    second = world.ask()
    cancel(world.core, request_id=second.id, by=by_slack(ANN))
    world.clock.tick(minutes=1)

    own = told(world, world.ask()).own

    assert [(one.id, one.role, one.status, one.decided_by) for one in own] == [
        (second.id, "read", "cancelled", ()), (first.id, "fix-orders", "denied", ("kim",)),
    ]  # fmt: skip


def test_what_others_asked_for_is_shown_to_who_decides_and_to_no_requester(world: World) -> None:
    bens = ask_and_deny(world, BEN)
    ask_and_deny(world, BEN, "customers-db/fix-orders")
    request = world.ask()

    for who in (KIM, LEA, SAM):
        assert [(one.id, one.subject) for one in told(world, request, who).others] == [(bens.id, "ben")]
    assert told(world, request, ANN).others == ()


def test_only_the_newest_are_shown(world: World) -> None:
    for _ in range(EARLIER_MOST + 1):
        ask_and_deny(world, ANN)

    assert len(told(world, world.ask()).own) == EARLIER_MOST


def test_whether_the_target_has_an_end_of_its_own_is_its_providers_word(world: World) -> None:
    known = world.core.providers["fake"].capabilities.native_expiry
    request = world.ask()

    assert told(world, request).own_expiry == known
    world.core.providers.clear()  # pyright: ignore[reportAttributeAccessIssue] -- a dict here
    assert told(world, request).own_expiry is None


def test_the_comments_of_the_thread_are_shown_with_their_first_words(world: World) -> None:
    request = world.ask()
    write(world, request, "Which refunds?")
    write(world, request, "Those of INC-12.", by=ANN, ts="31.01")
    world.clock.tick(minutes=1)
    new = written("Which refunds, and why?")
    card = Card(request.id, 1)
    change_comment(world.core, by=by_slack(KIM), card=card, written=new, before="", edited_ts="40.1")

    for shown in (told(world, request).why, why(world.core, text=request.id, by=by_slack(ANN))):
        assert [(one.author, one.words, one.first_words) for one in shown.thread.said] == [
            ("kim", "Which refunds, and why?", "Which refunds?"), ("ann", "Those of INC-12.", None),
        ]  # fmt: skip
    assert shown.thread.said[0].edited_at == request.asked_at + timedelta(minutes=1)


def test_the_words_of_a_deleted_comment_are_for_the_security_team_alone(world: World) -> None:
    request = world.ask()
    write(world, request, "the password is hunter2", by=ANN)
    card, gone = Card(request.id, 1), written("the password is hunter2")
    delete_comment(world.core, by=by_slack(ANN), card=card, written=gone)

    for who, words in ((ANN, ""), (KIM, ""), (LEA, ""), (SAM, "the password is hunter2")):
        (said,) = told(world, request, who).why.thread.said
        assert (said.author, said.words, said.first_words, said.deleted_at is not None) == ("ann", words, None, True)


def test_what_approvers_write_in_a_channel_of_their_own_is_not_for_who_asked(world: World) -> None:
    request = world.ask()
    write(world, request, "I would not trust her with it.")

    for shown in (told(world, request, ANN).why, why(world.core, text=request.id, by=by_slack(ANN))):
        assert (shown.thread.said, shown.thread.elsewhere) == ((), 1)
    for who in (KIM, LEA, SAM):
        assert len(why(world.core, text=request.id, by=by_slack(who)).thread.said) == 1


def test_who_asked_reads_what_stands_where_they_wrote_or_pressed_themselves(world: World) -> None:
    request = world.ask()
    write(world, request, "Which refunds?")
    card, elsewhere = Card(request.id, 1), Place(channel=SECURITY, ts="32.01")
    secret = Written(place=elsewhere, thread="17.02", words="Sam, what do you think?")
    keep_comment(world.core, by=by_slack(KIM), card=card, written=secret)

    def read(shown: Details) -> list[str]:
        return [one.words for one in shown.why.thread.said]

    here = SlackChannel(APPROVALS)
    assert read(details(world.core, request_id=request.id, by=by_slack(ANN), channel=here)) == ["Which refunds?"]
    assert read(told(world, request, ANN)) == []
    write(world, request, "Those of INC-12.", by=ANN, ts="31.01")
    assert sorted(read(told(world, request, ANN))) == ["Those of INC-12.", "Which refunds?"]


def test_who_voted_reads_it_after_leaving_the_group(world: World) -> None:
    request = world.ask()
    write(world, request, "Which refunds?")
    world.approve(request, by=LEA)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")

    assert len(told(world, request, LEA).why.thread.said) == 1


def test_whose_further_comments_are_not_kept_is_named(world: World) -> None:
    request = world.ask()
    write(world, request, "Which refunds?")
    assert told(world, request).why.thread.full == ()
    for number in range(EACH_MOST):
        write(world, request, "more", by=ANN, ts=f"5{number}.01")

    assert told(world, request).why.thread.full == ("ann",)
