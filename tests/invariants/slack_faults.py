"""Wrong variants of what has to do with Slack and the people in it: alerts that nobody is told of, leavers who stay."""

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

from sqlalchemy import update
from sqlmodel import col

from access.messages import outbox
from access.models import Message, MessageKind
from access.monitor import offboarding
from access.monitor.offboarding import Members, Membership
from access.unit_of_work import UnitOfWork
from tests.invariants.faults import Fault, around
from tests.invariants.machine import Life
from workers.member_lookup import MemberLookup

READ = "customers-db/read"


def _but_alerts(tell: Callable[..., None]) -> Callable[..., None]:
    def wrong(self: UnitOfWork, kind: MessageKind, *rest: Any, **more: Any) -> None:
        if kind != MessageKind.ALERT:
            tell(self, kind, *rest, **more)

    return wrong


def _once(write: Callable[..., None]) -> Callable[..., None]:
    def wrong(work: UnitOfWork, told: outbox.Delivery) -> None:
        write(work, told)
        if told.problem:
            of_it = update(Message).where(col(Message.id) == told.claimed.id)
            work.session.connection().execute(of_it.values(due_at=None))

    return wrong


def _overdue(life: Life) -> None:
    """With a look after the one that opens the alert."""
    life.opens("ann", READ, 1, None)
    life.weather("one", "down")
    life.nobody_looks_for(1800)
    life.look(None)
    life.look(None)


def _overdue_while_slack_refuses(life: Life) -> None:
    life.weather_in_slack("refuses")
    _overdue(life)
    life.weather_in_slack("fine")
    life.all_is_done_in_time_for(300)


def _silence_is_gone(act: Callable[..., Membership]) -> Callable[..., Membership]:
    def wrong(self: MemberLookup, claimed: Any, deadline: Any) -> Membership:
        answer = act(self, claimed, deadline)
        return Membership(claimed, gone="Slack does not say.") if answer.problem else answer

    return wrong


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _deactivated(life: Life) -> None:
    life.opens("ann", READ, 60, None)
    life.leaves_slack_or_comes_back("ann")
    life.all_is_done_in_time_for(900)


def _deactivated_while_she_waits(life: Life) -> None:
    life.ask("ann", READ, 60, None)
    life.leaves_slack_or_comes_back("ann")
    life.all_is_done_in_time_for(900)


def _gone_from_the_policy(life: Life) -> None:
    life.opens("ann", READ, 60, None)
    life.leaves_the_policy_or_comes_back("ann")
    life.all_is_done_in_time_for(900)


def _slack_is_down(life: Life) -> None:
    life.opens("ann", READ, 60, None)
    life.weather_in_slack("down")
    life.all_is_done_in_time_for(900)


SLACK_FAULTS: Mapping[str, Fault] = {
    "opened, nobody told": Fault(
        "an alert is a row that nobody reads", around(UnitOfWork, "tell", _but_alerts), _overdue
    ),
    "told once": Fault(
        "what Slack refused is not said again", around(outbox, "_write", _once), _overdue_while_slack_refuses
    ),
    "nobody asks Slack": Fault(
        "who is deactivated keeps what is open", lambda: patch.object(Members, "claim", lambda *_: []), _deactivated
    ),
    "only what is held": Fault(
        "what a leaver asked for waits on", lambda: patch.object(offboarding, "_cancel", _nothing),
        _deactivated_while_she_waits,
    ),
    "the policy forgets": Fault(
        "who is gone from the policy keeps what is open",
        lambda: patch.object(offboarding, "end_for_unknown_people", _nothing),
        _gone_from_the_policy,
    ),
    "no answer is gone": Fault(
        "a Slack that is down ends what members have", around(MemberLookup, "act", _silence_is_gone), _slack_is_down
    ),
}  # fmt: skip
