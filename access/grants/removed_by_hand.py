"""Somebody has removed on the target what we could not: a word that is written down, and a reason to look at once."""

from dataclasses import dataclass
from datetime import datetime

from access.actors import Actor
from access.alert_rows import GRANT_ALERTS
from access.core import Core, load_grant
from access.errors import AlreadyEnded, NotInCharge, NotOver
from access.ids import GrantId, SlackUser
from access.lifecycle import FINISHED
from access.models import Grant
from access.people import People

REMOVED_BY_HAND = "grant.removed-by-hand"


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """Who said that access was removed by hand, and when. A word, no proof."""

    person: SlackUser
    at: datetime


def removed_by_hand(core: Core, *, grant_id: GrantId, by: Actor) -> Grant:
    """Has the target asked at once; whether the access is gone is for the target to say. Raises a Refusal."""
    with core.refusals_recorded(by, REMOVED_BY_HAND, grant_id):
        policy = core.policy.last_valid()
        person, people = core.person(by, policy), People(policy)
        with core.work(by) as work:
            grant = load_grant(work.session, grant_id, held=True)
            if person.name not in people.security() | people.owners(grant.resource):
                raise NotInCharge
            _refuse_unless_over(grant, work.now)
            # The pauses grew while the target did not help; now there is reason to hope.
            work.set_grant(
                grant, due_at=work.now, attempts=0, problem="", removed_by_hand_by=by.slack, removed_by_hand_at=work.now
            )
            work.record(REMOVED_BY_HAND, grant.id, person=person.name, slack=by.slack)
            work.alerts_changed(grant.id, *GRANT_ALERTS)
            work.changed(grant.request_id)
    return grant


def said_by_hand(grant: Grant) -> ByHand | None:
    """The last who said so."""
    if grant.removed_by_hand_by is None or grant.removed_by_hand_at is None:
        return None
    return ByHand(person=grant.removed_by_hand_by, at=grant.removed_by_hand_at)


def _refuse_unless_over(grant: Grant, now: datetime) -> None:
    if grant.status in FINISHED:
        raise AlreadyEnded("This access is already proven gone; there is nothing left to remove.")
    over = grant.end_due_at or grant.expires_at
    if over is None or over > now:
        raise NotOver
