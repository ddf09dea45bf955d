"""The roster: every half minute, who has left the policy, and who and what must be looked at from now on."""

from datetime import timedelta

from sqlmodel import select

from access.actors import system
from access.comparisons import resources_to_compare
from access.core import Core
from access.grants import cleanup, integrity
from access.ids import CheckId, ulid
from access.models import CheckKind, PeriodicCheck
from access.monitor import offboarding
from access.monitor.approver_checks import approvers_to_look_at
from access.monitor.stale_checks import note_silence
from access.periodic_checks import keep_checks
from access.reconcile import drift, standing_access
from access.store import compare_and_set, insert_unless_there

EVERY = timedelta(seconds=30)
EVERYBODY = "everybody"


def schedule_checks(core: Core) -> None:
    """When it is due; of several timekeepers one does it."""
    with core.database.read() as session:
        known = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.ROSTER, subject=EVERYBODY)).first()
    if known is not None and known.due_at > core.clock.now():
        return
    last_call, channel = known.looked_at if known else None, core.security_channel()
    with core.work(system("timekeeper")) as work:
        row = known or PeriodicCheck(
            id=CheckId(ulid(work.now)), kind=CheckKind.ROSTER, subject=EVERYBODY, due_at=work.now
        )
        if known is None:
            insert_unless_there(work.session, row)
        values = {"fence": row.fence + 1, "due_at": work.now + EVERY, "looked_at": work.now}
        if not compare_and_set(work.session, PeriodicCheck, row.id, expected={"fence": row.fence}, values=values):
            return
        members = offboarding.members_with_something_open(work.session)
        resources = resources_to_compare(core, work.session)
        at_people = dict[str, timedelta].fromkeys(members, offboarding.EVERY) | dict(approvers_to_look_at(work.policy))
        keep_checks(work, {
            CheckKind.MEMBER: at_people,
            CheckKind.DRIFT: dict.fromkeys(resources, drift.EVERY),
            CheckKind.CLEANUP: dict.fromkeys(cleanup.resources(work.session), cleanup.EVERY),
        })  # fmt: skip
        standing_access.give_up(work, resources)
        note_silence(work, last_call, channel=channel)
    offboarding.end_for_unknown_people(core)
    integrity.check_open(core)
