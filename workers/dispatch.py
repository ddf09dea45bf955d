"""Which handler an item belongs to: each queue has a table of them by the item's kind, and no other is asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from access.agenda_items import ItemKind, ids_by_kind, item_of
from access.ports import Deadline
from workers.handlers import Claimed, Handler, Result

Handlers = Mapping[ItemKind, Sequence[Handler[Any, Any]]]
"""Of one queue. Where a kind has several, the row says whose it is: access is opened, or its target told of a later
end; a resource is compared, or tidied up."""


@dataclass(frozen=True)
class Dispatched:
    """A row that was won, with the handler that won it. Its id is the item, as it waited in the lane."""

    id: str
    handler: Handler[Any, Any]
    claimed: Claimed


@dataclass(frozen=True)
class DispatchedResult:
    """What came of it, and who writes it."""

    handler: Handler[Any, Any]
    result: Result

    @property
    def healthy(self) -> bool:
        return self.result.healthy


@dataclass(frozen=True)
class Dispatcher:
    """The business of one queue. Implements `Handler`, of items."""

    handlers: Handlers

    def claim(self, ids: Sequence[str]) -> list[Dispatched]:
        """Each kind is asked of its own handlers: claiming takes a transaction."""
        wanted = ids_by_kind(ids)
        return [
            Dispatched(item_of(kind, one.id), handler, one)
            for kind, handlers in self.handlers.items()
            if kind in wanted
            for handler in handlers
            for one in handler.claim(wanted[kind])
        ]

    def act(self, claimed: Dispatched, deadline: Deadline) -> DispatchedResult:
        return DispatchedResult(claimed.handler, claimed.handler.act(claimed.claimed, deadline))

    def commit(self, results: Sequence[DispatchedResult]) -> None:
        for handler, some in _by_handler(results):
            handler.commit([one.result for one in some])

    def release(self, claimed: Sequence[Dispatched]) -> None:
        for handler, some in _by_handler(claimed):
            handler.release([one.claimed for one in some])


def around(handlers: Handlers, wrapped: Callable[[Handler[Any, Any]], Handler[Any, Any]]) -> Handlers:
    """The same table, with something around each handler."""
    return {kind: [wrapped(one) for one in some] for kind, some in handlers.items()}


T = TypeVar("T", Dispatched, DispatchedResult)


def _by_handler(things: Iterable[T]) -> Iterable[tuple[Handler[Any, Any], list[T]]]:
    found = dict[int, list[T]]()  # by identity: a handler need not be hashable
    for one in things:
        found.setdefault(id(one.handler), []).append(one)
    return ((some[0].handler, some) for some in found.values())
