"""Binds a request to what is asked: by the newest formula that every process at work knows."""

from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from access.ids import RequestId
from access.models import Heartbeat
from access.policy import facts, facts_v1
from access.policy.decide import Ask, Terms
from access.policy.fingerprint import fingerprint
from access.unit_of_work import UnitOfWork

GONE = timedelta(minutes=1)
"""Twelve signs of life: a process that gave none for so long has ended, and its version does not start any more."""


def bound(work: UnitOfWork, request_id: RequestId, version: int, ask: Ask, terms: Terms) -> dict[str, Any]:
    """The columns of a request that bind it, with those that its fingerprint spells out in its own way."""
    if _version_before_is_at_work(work):
        return facts_v1.columns(request_id, version, ask, terms)
    said = facts.asked(request_id, version, ask, terms)
    return {
        "facts": said, "facts_version": facts.VERSION, "fingerprint": fingerprint(said),
        "settings": said["settings"], "definition": said["definition"],
    }  # fmt: skip


def _version_before_is_at_work(work: UnitOfWork) -> bool:
    """It would take a request of version 2 for one that was changed, and end what was approved (ADR 13)."""
    older = select(Heartbeat.name).where(
        col(Heartbeat.facts_version) < facts.VERSION, col(Heartbeat.beat_at) > work.now - GONE
    )
    return work.session.exec(older.limit(1)).first() is not None
