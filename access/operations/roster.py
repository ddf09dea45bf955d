"""The roster: every half minute, who has left the policy, and who and what must be looked at from now on."""

from datetime import timedelta

from sqlmodel import select

from access.ids import LookId, ulid
from access.models import Look, LookKind
from access.operations import cleanup, drift, integrity, leave, standing
from access.operations.approver_looks import approvers_to_look_at
from access.operations.comparing import resources_to_compare
from access.operations.core import Core
from access.operations.look import keep_looks
from access.operations.silence import note_silence
from access.store import compare_and_set, insert_unless_there

EVERY = timedelta(seconds=30)
EVERYBODY = "everybody"


def call_the_roster(core: Core) -> None:
    """When it is due; of several timekeepers one does it."""
    with core.database.read() as session:
        known = session.exec(select(Look).filter_by(kind=LookKind.ROSTER, subject=EVERYBODY)).first()
    if known is not None and known.due_at > core.clock.now():
        return
    last_call, channel = known.looked_at if known else None, core.security_channel()
    with core.work("system:timekeeper") as work:
        row = known or Look(id=LookId(ulid(work.now)), kind=LookKind.ROSTER, subject=EVERYBODY, due_at=work.now)
        if known is None:
            insert_unless_there(work.session, row)
        values = {"fence": row.fence + 1, "due_at": work.now + EVERY, "looked_at": work.now}
        if not compare_and_set(work.session, Look, row.id, expected={"fence": row.fence}, values=values):
            return
        members = leave.members_with_something_open(work.session)
        resources = resources_to_compare(core, work.session)
        at_people = dict[str, timedelta].fromkeys(members, leave.EVERY) | dict(approvers_to_look_at(work.policy))
        keep_looks(work, {
            LookKind.MEMBER: at_people,
            LookKind.DRIFT: dict.fromkeys(resources, drift.EVERY),
            LookKind.CLEANUP: dict.fromkeys(cleanup.resources(work.session), cleanup.EVERY),
        })  # fmt: skip
        standing.give_up(work, resources)
        note_silence(work, last_call, channel=channel)
    leave.end_for_strangers(core)
    integrity.check_open(core)
