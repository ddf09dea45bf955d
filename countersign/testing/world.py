"""The truth about a target, by another path than the provider's, so that none grades itself."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from access.ports import GrantSpec, Secret

FaultKind = Literal["before", "after", "silence"]
"""A call is cut before it arrives; or it arrives and its answer is lost; or it arrives and no answer ever comes."""


class Refused(Exception):
    """The target did not let the person in."""


class LiveSession(Protocol):
    """A session of the person, opened while access was there."""

    def is_alive(self) -> bool:
        """Uses it: whether the target still serves the granted thing on it."""
        ...

    def close(self) -> None: ...


class Fault(Protocol):
    """A fault that was ordered."""

    @property
    def fired(self) -> bool:
        """Whether a call came that it could strike."""
        ...


Left = Callable[[], list[str]]
"""What the adversary can still do, in words; nothing after a good end."""


@dataclass(frozen=True)
class Obstacle:
    """Something that a holder, or another on the same target, does before the end so that it fails."""

    promise: str
    """Of which promise: C31 the holder's locks, C32 another's, C33 code of the holder, C34 planted names, C35 hidden
    sessions, C36 very much that is left behind."""
    name: str
    played: Callable[[GrantSpec, Secret | None], AbstractContextManager[Left]]
    """Is there inside the block; says at its end what it was good for."""
    by_hand: bool = True
    """Who ends the access by hand can be met by it."""


class Imposter(Protocol):
    """Answers where the target is expected, and asks for the bot's secret without having proven that it is the target,
    or in a form in which it could keep it."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of the provider, as the policy would have them: they lead here, with the bot's real secret."""
        ...

    @property
    def cure(self) -> str:
        """What the sentence of a refusal has to name, such as the setting that is missing."""
        ...

    @property
    def demands_proof(self) -> bool:
        """The settings demand what this one cannot prove: then no call tells it anything, an end neither.

        Where they demand too little, nothing is opened, and what was opened before still ends over them.
        """
        ...

    def heard(self) -> bytes:
        """Every byte that it was told; asked when the provider is closed."""
        ...

    def answered(self) -> bool:
        """Whether it got an answer where it asked who we are: the secret, a hash of it, a proof that we have it."""
        ...


class World(Protocol):
    """Adapter to one real target. Each method acts as the person or as the target's owner, never as the provider."""

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> LiveSession:
        """Logs in as the person and reaches the granted thing once. Raises Refused.

        `secret` is what the provider revealed; None before that, or where it reveals nothing.
        """
        ...

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        """Tries, as the person, everything near the granted thing that was not granted; names what worked."""
        ...

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        """Removes the access as the target's owner would by hand."""
        ...

    def standing(self, spec: GrantSpec) -> AbstractContextManager[Callable[[], bool]]:
        """The owner gives the person what the spec would give, at another level where there are levels.

        The value says whether it still stands; at the end of the block it is taken away again.
        """
        ...

    def tamper(self, spec: GrantSpec) -> None:
        """The owner adds rights to what was granted: rights that go when all that was granted goes."""
        ...

    def too_much(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        """Each makes the bot's account, or what the spec would give, mightier than may be granted, for its block; the
        value says how. None where the target has nothing of the kind."""
        ...

    def wrong_credentials(self) -> Sequence[AbstractContextManager[str]]:
        """Each has the target refuse the bot's own credential for its block; the value says how.

        None where the bot needs none, and `no_obstacles` says why (C21).
        """
        ...

    def too_little(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        """Each takes from the bot's account a right that it needs for the spec, for its block; the value is the word by
        which the check has to name it. None where the target knows no such rights."""
        ...

    def outlasting(self, spec: GrantSpec, secret: Secret | None) -> AbstractContextManager[Mapping[str, bool]]:
        """Tries, as the person, to move the end, to shake it off, and to give the access to another.

        The value is what was tried, in words, and whether it worked; what was made for it is gone after the block.
        Nothing where a person can try nothing, and `no_obstacles` says why (C29).
        """
        ...

    def widened(self, spec: GrantSpec) -> AbstractContextManager[None]:
        """For its block the owner lets the role of the spec allow one thing more, of another kind."""
        ...

    def look_alike(self, spec: GrantSpec) -> AbstractContextManager[str]:
        """Something with the name that a grant of this spec would have, but made by the owner; gives the name."""
        ...

    def own_end(self, spec: GrantSpec) -> datetime | None:
        """When the target itself ends this access; None where it does not."""
        ...

    def snapshot(self) -> object:
        """All on the target that a provider could have changed; equal when nothing did."""
        ...

    def obstacles(self) -> Sequence[Obstacle]:
        """What an adversary inside this target can do; of a promise that has none, `no_obstacles` says why."""
        ...

    def imposters(self) -> Sequence[AbstractContextManager[Imposter]]:
        """Each is there for its block. None where a secret can reach no other, and `no_obstacles` says why (C39)."""
        ...

    def type_by_hand(self, statements: Sequence[str]) -> None:
        """The target's owner does what the plan says, one after the other; what was refused once more, then no more."""
        ...

    def fault(self, kind: FaultKind, at: int) -> AbstractContextManager[Fault]:
        """The `at`-th call (from 1) that the provider makes to the target inside the block is struck; once."""
        ...

    def answer(self, code: str) -> AbstractContextManager[None]:
        """The next call inside the block is answered with this error of the target, and is not done."""
        ...

    def written(self) -> str:
        """What the target itself wrote down: its log."""
        ...

    def credentials(self) -> list[str]:
        """The bot's own secrets on this target."""
        ...
