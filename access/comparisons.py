"""Which targets can be compared with the rows, and having them compared now."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from access.actors import system
from access.core import Core
from access.ids import CheckId, ulid
from access.lifecycle import ON_TARGET
from access.models import CheckKind, Grant, PeriodicCheck
from access.periodic_checks import check_item
from access.store import compare_and_set, insert_unless_there
from access.unit_of_work import UnitOfWork

SECOND_LOOK = timedelta(seconds=60)
"""A grant that is being given or taken away at this moment differs for a moment; that is no news."""


def resources_to_compare(core: Core, session: Session) -> set[str]:
    """Those whose provider can list what is ours: of the policy, and of what is open whatever the policy says now."""
    return {resource for resource, provider in _places(core, session) if can_list(core, provider)}


def not_comparable(core: Core, session: Session) -> list[str]:
    """The other ones: whoever wants to know what stands there looks himself."""
    return sorted({resource for resource, provider in _places(core, session) if not can_list(core, provider)})


def _places(core: Core, session: Session) -> set[tuple[str, str]]:
    """Resources with their providers."""
    on_targets = select(Grant.resource, Grant.provider).where(col(Grant.status).in_(ON_TARGET)).distinct()
    places = set(session.exec(on_targets))
    policy = core.known_policy()  # without one, what is open is looked at all the same
    return places | {(one.id, one.provider) for one in policy.resources.values()} if policy else places


def can_list(core: Core, provider: str) -> bool:
    """Whether this provider is installed and says that it can list what is ours."""
    known = core.providers.get(provider)
    able = (known.capabilities, *known.capabilities.modes.values()) if known else ()
    return any(one.list_managed or one.list_holders for one in able)


def ask(core: Core, resources: Sequence[str]) -> None:
    """Somebody wants these looked at now. What was seen before counts, so that this may be the second look."""
    with core.work(system("drift")) as work:
        hurry(work, resources)


def compare_anew(work: UnitOfWork, resources: Sequence[str]) -> None:
    """Makes these due now, and none counts as compared until it was looked at again."""
    hurry(work, resources, looked_at=None)


def hurry(work: UnitOfWork, resources: Sequence[str], **values: Any) -> None:
    """Makes these due now.

    A look that is under way is taken again, for it may have begun before.
    """
    for resource in sorted(resources):
        row = PeriodicCheck(id=CheckId(ulid(work.now)), kind=CheckKind.DRIFT, subject=resource, due_at=work.now)
        insert_unless_there(work.session, row)
    wanted = select(PeriodicCheck).where(
        PeriodicCheck.kind == CheckKind.DRIFT, col(PeriodicCheck.subject).in_(resources)
    )
    for row in work.session.exec(wanted.order_by(col(PeriodicCheck.id))).all():
        # One whose second look is near is not hurried: the minute between the two is what makes it count.
        is_near = bool(row.suspects) and row.due_at - work.now <= SECOND_LOOK
        soon = values if is_near else values | {"due_at": work.now, "fence": row.fence + 1}
        if not soon:
            continue
        won = compare_and_set(work.session, PeriodicCheck, row.id, expected={"fence": row.fence}, values=soon)
        if won and not is_near:
            work.due.append((check_item(row.id), work.now))


def looks(core: Core) -> dict[str, PeriodicCheck]:
    """By resource."""
    with core.database.read() as session:
        return {row.subject: row for row in session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT))}
