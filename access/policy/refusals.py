"""The one place where the policy's no becomes an exception, with the sentence that the person reads."""

from collections.abc import Iterable, Mapping

from access.errors import InvalidInput, PolicyRefuses, Refusal, UnknownPerson
from access.policy.decide import Denied, Step
from access.policy.reasons import Reason, sentence_of

_STRANGER = (Reason.REQUESTER_NOT_IN_POLICY, Reason.SUBJECT_NOT_IN_POLICY)
_INPUT = ("start", "duration", "reason")
"""The fields in which the person can mend it."""


class Refused(Refusal):
    """The access policy does not allow this."""

    field: str
    """What the form should point at: entitlement, start, duration or reason."""
    trace: tuple[Step, ...] = ()
    """For the audit log and the security team: it may name what the requester may not know of."""


class RefusedInput(Refused, InvalidInput):
    """What you typed cannot be used."""


class PartsRefused(RefusedInput):
    """Some of what was asked for together is refused, so nothing was asked."""

    def __init__(self, refused: Mapping[str, str], possible: Iterable[str]) -> None:
        """`refused`: each part, and why; `possible`: the others, which could be asked for."""
        lines = [f"{name}: {because}" for name, because in refused.items()]
        super().__init__("entitlement", "\n".join(["Nothing was asked, for a part of it is refused.", *lines]))
        self.refused, self.possible = dict(refused), tuple(possible)


class RefusedByPolicy(Refused, PolicyRefuses):
    """The access policy does not allow this."""

    field = "entitlement"

    def __init__(self, sentence: str | None = None, *, trace: Iterable[Step] = ()) -> None:
        super().__init__(sentence)
        self.trace = tuple(trace)


class RefusedStranger(Refused, UnknownPerson):
    """You are not in the access policy. Ask the security team to add you."""

    field = "entitlement"


def refusal_of(denied: Denied) -> Refused:
    """In the words for who asks; with all that is wrong besides, in other fields."""
    refusal = _refusal(denied)
    refusal.trace = denied.trace
    return refusal


def _refusal(denied: Denied) -> Refused:
    sentence = sentence_of(denied.reason_id, denied.parameters)
    if denied.reason_id in _STRANGER:
        return RefusedStranger(sentence)
    if denied.field in _INPUT:
        return RefusedInput(denied.field, sentence, also=[_input(one) for one in denied.also])
    return RefusedByPolicy(sentence)


def _input(denied: Denied) -> RefusedInput:
    return RefusedInput(denied.field, sentence_of(denied.reason_id, denied.parameters))
