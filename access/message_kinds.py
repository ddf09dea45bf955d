"""The kinds of messages: one entry says all that differs between them but their words.

The words are the views' (`workers/message_views.py`). What an entry names is done once: the facts in
`access/messages/facts.py`, the end of a message's use in `access/messages/expiry.py`, each way in `workers`.
How a message is added: `docs/extending.md`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from access.models import MessageKind


class Shows(Enum):
    """Which facts a message shows; they are of what its row's `subject` names."""

    REQUEST = auto()
    """The request, its votes and what was granted."""
    GRANT = auto()
    """The same, of the access that the subject names."""
    REMINDER = auto()
    ALERT = auto()
    HOME = auto()
    DIGEST = auto()
    BATCH = auto()
    """Each of the requests that share a card."""
    BATCH_ANSWER = auto()
    """Each of the requests that were answered together."""
    BATCH_REMINDER = auto()
    """Those of them that still wait."""


class Way(Enum):
    """How it gets there."""

    MESSAGE = auto()
    """Posted, and updated where it stands."""
    REPLY = auto()
    """Posted beneath the card of its request."""
    DIGEST = auto()
    """Posted one after the other in a thread."""
    HOME = auto()
    """Published on a person's Home tab."""
    MODAL = auto()
    """Put into a modal that waits for it, by who holds the targets' keys."""
    PAGE = auto()
    """Posted to a webhook."""


class Until(Enum):
    """What must still be so for a message to be said that has not been said yet; else its row is dropped."""

    SAID = auto()
    """Nothing: it is tried until it arrives."""
    CARD_ASKS = auto()
    """It has not been refused, or the request still waits for this very card."""
    REQUEST_WAITS = auto()
    CARD_IS_OF_USE = auto()
    """The request still waits for an answer on this version."""
    BATCH_CARD_ASKS = auto()
    """It has not been refused, or one of its requests still waits."""
    PART_WAITS = auto()
    """One of the requests on the card still waits there for an answer."""
    NOT_ASKED = auto()
    """The request waits, and its card stands nowhere."""
    END_COMES = auto()
    """The access is open, and its end was not moved."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What is so of all messages of a kind."""

    name: str
    """What to call one, in a sentence about messages that do not arrive."""
    shows: Shows
    kept_true: bool
    """Told anew whenever its subject changes; the others are said once."""
    rank: int
    """Who needs it most comes first: alerts, answers to who waits, new cards, what is over, updates, Homes."""
    rank_of_update: int | None = None
    """Where it stands already; the same if not given."""
    way: Way = Way.MESSAGE
    until: Until = Until.SAID
    planned: bool = False
    """Its time is known before."""


KINDS: Mapping[MessageKind, Traits] = {
    MessageKind.ALERT: Traits(name="an alert", shows=Shows.ALERT, kept_true=True, rank=0),
    MessageKind.PAGE: Traits(name="a page", shows=Shows.ALERT, kept_true=True, rank=0, way=Way.PAGE),
    MessageKind.REVEAL: Traits(name="a secret", shows=Shows.GRANT, kept_true=False, rank=1, way=Way.MODAL),
    MessageKind.ANSWER: Traits(name="the answer to the requester", shows=Shows.REQUEST, kept_true=True, rank=1),
    MessageKind.ASKED_FOR: Traits(
        name="that another person asked, to who would receive it", shows=Shows.REQUEST, kept_true=True, rank=1
    ),
    MessageKind.WARNING: Traits(
        name="that the end is near, to its holder", shows=Shows.REQUEST, kept_true=True, rank=1,
        until=Until.END_COMES, planned=True,
    ),
    MessageKind.UNDELIVERED: Traits(
        name="that the card could not be posted, to the requester", shows=Shows.REQUEST, kept_true=True, rank=1,
        until=Until.NOT_ASKED,
    ),
    MessageKind.REVIEW: Traits(
        name="the card for the approvers", shows=Shows.REQUEST, kept_true=True, rank=2, rank_of_update=4,
        until=Until.CARD_ASKS,
    ),
    MessageKind.ESCALATED: Traits(
        name="the card for those who are asked too", shows=Shows.REQUEST, kept_true=True, rank=2, rank_of_update=4,
        until=Until.CARD_IS_OF_USE, planned=True,
    ),
    MessageKind.REMINDER: Traits(
        name="the reminder for the approvers", shows=Shows.REMINDER, kept_true=False, rank=3, way=Way.REPLY,
        until=Until.REQUEST_WAITS, planned=True,
    ),
    MessageKind.NEXT_STAGE: Traits(
        name="the call to the approvers of the next stage", shows=Shows.REMINDER, kept_true=False, rank=2,
        way=Way.REPLY, until=Until.REQUEST_WAITS,
    ),
    MessageKind.BATCH_ANSWER: Traits(
        name="the answer to several requests, to the requester", shows=Shows.BATCH_ANSWER, kept_true=True, rank=1
    ),
    MessageKind.BATCH_REVIEW: Traits(
        name="the card of several requests for the approvers", shows=Shows.BATCH, kept_true=True, rank=2,
        rank_of_update=4, until=Until.BATCH_CARD_ASKS,
    ),
    MessageKind.BATCH_ESCALATED: Traits(
        name="the card of several requests for those who are asked too", shows=Shows.BATCH, kept_true=True, rank=2,
        rank_of_update=4, until=Until.PART_WAITS, planned=True,
    ),
    MessageKind.BATCH_REMINDER: Traits(
        name="the reminder of several requests for the approvers", shows=Shows.BATCH_REMINDER, kept_true=False,
        rank=3, way=Way.REPLY, until=Until.PART_WAITS, planned=True,
    ),
    MessageKind.BATCH_NEXT_STAGE: Traits(
        name="the call to the approvers of the next stage of several requests", shows=Shows.BATCH_REMINDER,
        kept_true=False, rank=2, way=Way.REPLY, until=Until.PART_WAITS,
    ),
    MessageKind.ENDED: Traits(
        name="that the access is over, to its holder", shows=Shows.GRANT, kept_true=False, rank=3
    ),
    MessageKind.DIGEST: Traits(name="the digest", shows=Shows.DIGEST, kept_true=False, rank=5, way=Way.DIGEST),
    MessageKind.HOME: Traits(name="a Home tab", shows=Shows.HOME, kept_true=True, rank=6, way=Way.HOME),
}  # fmt: skip


def traits_of(kind: str) -> Traits:
    return KINDS[MessageKind(kind)]


def _those(which: Callable[[Traits], bool]) -> tuple[MessageKind, ...]:
    return tuple(kind for kind, traits in KINDS.items() if which(traits))


KEPT_TRUE = _those(lambda one: one.kept_true)
PLANNED = _those(lambda one: one.planned)
CARDS = (
    MessageKind.REVIEW, MessageKind.ESCALATED, MessageKind.BATCH_REVIEW, MessageKind.BATCH_ESCALATED,
)  # fmt: skip
"""With the buttons of who decides."""
FIRST_CARDS = (MessageKind.REVIEW, MessageKind.BATCH_REVIEW)
"""Those in whose threads is reminded."""
SECRETS = _those(lambda one: one.way == Way.MODAL)
"""What only who holds the targets' keys can say."""
TOLD = _those(lambda one: one.way != Way.MODAL)
"""What the queue `tell` says."""
