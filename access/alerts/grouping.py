"""Which alerts of a transaction have a message of their own, and of which one message tells (ADR 16)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from access.alert_rows import is_grouped, number_open
from access.ids import AlertId, ulid
from access.models import Alert, AlertVariant
from access.store import insert_unless_there

TOLD_ALONE = 5
"""So many open alerts of a kind about a resource have messages of their own; of more, one message tells."""
_SENTENCE = f"More than {TOLD_ALONE} alerts of this kind are open about {{resource}}; one message tells of all of them."


@dataclass(frozen=True, kw_only=True)
class GroupChange:
    """What is to be written and told of one group."""

    id: str
    kind: str
    resource: str
    begun: Alert | None = None
    """Just inserted."""
    channel: str | None = None
    """With `begun`, the security team's."""
    is_over: bool = False
    """None of its alerts is open any more."""

    @property
    def subject(self) -> str:
        return _subject(self.resource)


@dataclass
class AlertGrouping:
    """What was opened and closed of each kind and resource since the transaction began."""

    session: Session
    _counted: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """How many are open, where one was opened."""
    _touched: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Where one was opened or closed, so that a group may have changed."""
    _ungrouped: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Where one was opened that has no message of its own; with the security team's channel."""

    def count(self, kind: str, about: Iterable[tuple[str, str | None]]) -> None:
        """Before more of them are opened: of these variants, about these resources."""
        for resource in {one for variant, one in about if one is not None and is_grouped(kind, variant)}:
            if (kind, resource) not in self._counted:
                self._counted[kind, resource] = number_open(self.session, kind, resource)

    def has_own_message(self, kind: str, variant: str, resource: str | None, channel: str | None) -> bool:
        """Of one that has just been opened. Without a channel no message can tell of many."""
        if channel is None or resource is None or not is_grouped(kind, variant):
            return True
        self._touched.add((kind, resource))
        self._counted[kind, resource] += 1
        if self._counted[kind, resource] <= TOLD_ALONE:
            return True
        self._ungrouped[kind, resource] = channel
        return False

    def closed(self, kind: str, variant: str, resource: str | None) -> None:
        if resource is not None and is_grouped(kind, variant):
            self._touched.add((kind, resource))
            self._counted.clear()

    def look_at(self, groups: Iterable[tuple[str, str]]) -> None:
        """Of these kinds and resources a group may have changed without this transaction."""
        self._touched |= set(groups)

    def settle(self, now: datetime) -> Iterator[GroupChange]:
        """Holds the groups that begin, change or end; in one order, or two transactions could wait for each other."""
        for kind, resource in sorted(self._touched):
            group = self._held(kind, resource)
            if group is not None:
                is_over = not number_open(self.session, kind, resource)
                yield GroupChange(id=group, kind=kind, resource=resource, is_over=is_over)
            elif (kind, resource) in self._ungrouped:
                yield self._begun(kind, resource, now)

    def _held(self, kind: str, resource: str) -> str | None:
        """Until the commit nobody else opens or closes one of it, so that none is left that no message tells of."""
        group = select(Alert.id).where(
            Alert.kind == kind, Alert.subject == _subject(resource), col(Alert.closed_at).is_(None)
        )
        return self.session.exec(group.with_for_update()).first()

    def _begun(self, kind: str, resource: str, now: datetime) -> GroupChange:
        alert = Alert(
            id=AlertId(ulid(now)), kind=kind, subject=_subject(resource), resource=resource,
            variant=AlertVariant.GROUP, sentence=_SENTENCE.format(resource=resource), opened_at=now,
        )  # fmt: skip
        while not insert_unless_there(self.session, alert):
            group = self._held(kind, resource)
            if group is not None:  # another transaction has begun it
                return GroupChange(id=group, kind=kind, resource=resource)
        channel = self._ungrouped[kind, resource]
        return GroupChange(id=alert.id, kind=kind, resource=resource, begun=alert, channel=channel)


def _subject(resource: str) -> str:
    """The key of a group; no other alert's ends so."""
    return f"{resource}/*"
