"""What the policy of now has against what was asked before it changed, in words for those who did not ask."""

from collections.abc import Mapping

from access.durations import format_duration
from access.policy.decide import Ask, Denied
from access.policy.reasons import Reason

_ASKER_CAN_HELP = ("time", "start", "reason")
_OVER = (
    Reason.NEITHER_OR_BOTH_TIMES, Reason.END_NOT_LATER, Reason.END_PASSED, Reason.END_BEFORE_START, Reason.TOO_SHORT,
)  # fmt: skip
_HOLDS_NOW: Mapping[Reason, str] = {
    Reason.REQUESTER_NOT_IN_POLICY: "{people} is not in it any more",
    Reason.SUBJECT_NOT_IN_POLICY: "{people} is not in it any more",
    Reason.NO_RULE: "{requester} may not ask for {entitlement} any more",
    Reason.SEVERAL_RULES: "{requester} may not ask for {entitlement} any more",
    Reason.EXTENDED_TOO_OFTEN: "this access may not be extended again",
    Reason.START_TOO_FAR_AHEAD: "its start lies too far ahead",
    Reason.TOO_LONG: "at most {longest} is allowed now",
    Reason.EXTENSION_TOO_LONG: "at most {longest} from now is allowed now",
    Reason.NO_REASON: "it wants a longer reason now",
    Reason.REASON_TOO_SHORT: "it wants a longer reason now",
    Reason.NO_APPROVER: "no other person can approve {entitlement} any more",
    Reason.TOO_FEW_APPROVERS: "too few other people can approve {entitlement} now",
    Reason.APPROVERS_NOT_IN_SLACK: "no other person can approve {entitlement} any more",
}


def what_changed(denied: Denied, ask: Ask) -> str:
    """One sentence. The words of the refusal itself are for who asked."""
    if denied.reason_id in _OVER:
        return "The end that was asked for has passed, or is seconds away."
    return f"The policy has changed: {_holds_now(denied, ask)}."


def to_the_approver(denied: Denied, ask: Ask) -> str:
    """The same, and what to do."""
    asks = f"ask {ask.requester} to ask again" if denied.step in _ASKER_CAN_HELP else "ask the security team"
    return f"{what_changed(denied, ask)} Deny it, or {asks}."


def _holds_now(denied: Denied, ask: Ask) -> str:
    longest = denied.parameters.get("longest")
    people = " or ".join(dict.fromkeys((ask.requester, ask.subject)))
    return _HOLDS_NOW.get(denied.reason_id, "it does not allow this any more").format(
        people=people, requester=ask.requester, entitlement=ask.entitlement,
        longest="" if longest is None else format_duration(longest),
    )  # fmt: skip
