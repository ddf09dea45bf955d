"""Every policy that was in force, with its text: for history and replay, and alerts find their channel by the last."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.catalog import Policy
from access.models import PolicyVersion
from access.store import insert_unless_there


def last_policy(session: Session) -> PolicyVersion | None:
    """The one that came into force last."""
    return session.exec(select(PolicyVersion).order_by(col(PolicyVersion.id).desc()).limit(1)).first()


def last_policy_kept() -> SelectOfScalar[str | None]:
    """The hash of the last; None where its text is not known, because the version before noted it."""
    kept = sa.case((col(PolicyVersion.text).is_not(None), col(PolicyVersion.sha256)))
    return select(kept).order_by(col(PolicyVersion.id).desc()).limit(1)


def keep_policy(session: Session, policy: Policy, now: datetime) -> bool:
    """Whether it comes into force by this: not where it is in force already and only its text was not known.

    Two processes that note a policy at once want the same number, and the slower one leaves it to the other.
    """
    last = last_policy(session)
    if last is not None and last.sha256 == policy.sha256:
        unknown = sa.update(PolicyVersion).where(col(PolicyVersion.id) == last.id, col(PolicyVersion.text).is_(None))
        session.connection().execute(unknown.values(text=policy.text))
        return False
    new = PolicyVersion(
        id=last.id + 1 if last else 1, sha256=policy.sha256, text=policy.text,
        security_channel=policy.security.channel, loaded_at=now,
    )  # fmt: skip
    return insert_unless_there(session, new)
