"""What the policy of now has against what was asked before it changed, in words for those who did not ask."""

from access.durations import format_duration
from access.policy.decide import Ask, Refused

_ASKER_CAN_HELP = ("time", "start", "reason")


def what_changed(refused: Refused, ask: Ask) -> str:
    """One sentence. The words of the refusal itself are for who asked."""
    if refused.step == "time" and refused.longest is None:
        return "The end that was asked for has passed, or is seconds away."
    return f"The policy has changed: {_holds_now(refused, ask)}."


def to_the_approver(refused: Refused, ask: Ask) -> str:
    """The same, and what to do."""
    asks = f"ask {ask.requester} to ask again" if refused.step in _ASKER_CAN_HELP else "ask the security team"
    return f"{what_changed(refused, ask)} Deny it, or {asks}."


def _holds_now(refused: Refused, ask: Ask) -> str:
    if refused.longest is not None:
        return f"at most {format_duration(refused.longest)}{' from now' if ask.extends else ''} is allowed now"
    return {
        "person": f"{' or '.join(dict.fromkeys((ask.requester, ask.subject)))} is not in it any more",
        "rule": f"{ask.requester} may not ask for {ask.entitlement} any more",
        "extension": "this access may not be extended again",
        "start": "its start lies too far ahead",
        "reason": "it wants a longer reason now",
        "approvers": f"no other person can approve {ask.entitlement} any more",
    }.get(refused.step, "it does not allow this any more")
