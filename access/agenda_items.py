"""What the agenda holds: items, each a kind and the id of a row.

Redis and the processes of the version before hold items too, so the words of the kinds stay as they are (ADR 29).
"""

from collections.abc import Iterable
from typing import Literal, get_args

from access.ports import AgendaItem

ItemKind = Literal["grant", "notice", "checkup", "look"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)


def item_of(kind: str, identifier: str) -> AgendaItem:
    return AgendaItem(f"{kind}:{identifier}")


def kind_of(item: str) -> str:
    return item.partition(":")[0]


def id_of(item: str) -> str:
    return item.partition(":")[2]


def ids_by_kind(items: Iterable[str]) -> dict[str, list[str]]:
    """The ids of these items, in their order."""
    found = dict[str, list[str]]()
    for item in items:
        found.setdefault(kind_of(item), []).append(id_of(item))
    return found
