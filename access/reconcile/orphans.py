"""What is left of a role that is gone, such as a session: whose it was, by the number that a receipt has."""

import sqlalchemy as sa
from sqlmodel import col, select

from access.core import held_grants
from access.models import Grant
from access.unit_of_work import UnitOfWork


def grant_of_orphan(work: UnitOfWork, resource: str, oid: int | None) -> Grant | None:
    """The newest grant for this resource with that number, ended ones included; held until the commit.

    For this resource alone: servers count alike, so that the number of another target's grant proves nothing.
    """
    number = sa.cast(col(Grant.receipt)["details"]["oid"].as_string(), sa.String)
    same = select(Grant.id).where(Grant.resource == resource, number == str(oid))
    newest = work.session.exec(same.order_by(col(Grant.created_at).desc(), col(Grant.id).desc()).limit(1)).first()
    return next(iter(held_grants(work.session, [newest] if newest else [])), None)
