"""Why the policy says no: each reason's id, which never changes once it was written down, and its sentence."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from access.durations import format_duration
from access.words import counted

_NAME_ANOTHER = "Ask the security team to name another approver in the policy."


class Reason(StrEnum):
    REQUESTER_NOT_IN_POLICY = "requester_not_in_policy"
    SUBJECT_NOT_IN_POLICY = "subject_not_in_policy"
    UNKNOWN_ENTITLEMENT = "unknown_entitlement"
    NO_RULE = "no_rule"
    SEVERAL_RULES = "several_rules"
    EXTENDED_TOO_OFTEN = "extended_too_often"
    START_TOO_FAR_AHEAD = "start_too_far_ahead"
    NEITHER_OR_BOTH_TIMES = "neither_or_both_times"
    END_NOT_LATER = "end_not_later"
    END_PASSED = "end_passed"
    END_BEFORE_START = "end_before_start"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    EXTENSION_TOO_LONG = "extension_too_long"
    NO_REASON = "no_reason"
    REASON_TOO_SHORT = "reason_too_short"
    REASON_TOO_LONG = "reason_too_long"
    REASON_HAS_TOO_MANY_LINES = "reason_has_too_many_lines"
    NO_APPROVER = "no_approver"
    APPROVERS_NOT_IN_SLACK = "approvers_not_in_slack"
    TOO_FEW_APPROVERS = "too_few_approvers"


def sentence_of(reason: Reason, parameters: Mapping[str, Any]) -> str:
    """For the person who asks. Of what others may ask for, it tells no more than of what does not exist."""
    sentence = _SENTENCES[reason]
    if isinstance(sentence, str):
        return sentence.format_map({name: _shown(value) for name, value in parameters.items()})
    return sentence(**parameters)


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _no_such_thing(entitlement: str, nearest: str | None, receiver: str | None = None) -> str:
    whom = f" on behalf of {receiver}" if receiver else ""
    sentence = f"There is no {entitlement} that you may ask for{whom}."
    return f"{sentence} Did you mean {nearest}?" if nearest else sentence


def _several_rules(rules: Sequence[str]) -> str:
    found = " and ".join(rules)
    return f"More than one rule of the access policy answers this ({found}). Ask the security team to mend it."


def _extended(most: int) -> str:
    how_often = f"can be extended {'once' if most == 1 else f'{most} times'} only" if most else "can't be extended"
    return f"This access {how_often}; when it has ended you can ask for it again."


def _say_more(least: int, given: int) -> str:
    needed = counted(least, "character", "characters")
    return f"Say more: the reason needs at least {needed} here, this has {given}."


def _no_approver(entitlement: str, receiver: str | None = None) -> str:
    whom = receiver or "you"
    return f"No other person can approve {entitlement} for {whom}, so it can't be asked for. {_NAME_ANOTHER}"


def _not_in_slack(entitlement: str, named: Sequence[str]) -> str:
    *first, last = named
    shown = f"{', '.join(first)} and {last}" if first else last
    members = "full members" if first else "a full member"
    return (
        f"{entitlement} can't be asked for now: Slack does not show {shown}, who would approve it, as {members} of "
        f"this workspace. {_NAME_ANOTHER}"
    )


def _too_few(entitlement: str, wanted: int, groups: Sequence[str], receiver: str | None = None) -> str:
    besides = f"you and {receiver}" if receiver else "you"
    return (
        f"{entitlement} needs the approval of {wanted} different people, and there are too few besides {besides} in "
        f"{' and '.join(groups)}, so it can't be asked for. {_NAME_ANOTHER}"
    )


_SENTENCES: Mapping[Reason, str | Callable[..., str]] = {
    Reason.REQUESTER_NOT_IN_POLICY: "You are not in the access policy. Ask the security team to add you.",
    Reason.SUBJECT_NOT_IN_POLICY: "{person} is not in the access policy.",
    Reason.UNKNOWN_ENTITLEMENT: _no_such_thing,
    Reason.NO_RULE: _no_such_thing,
    Reason.SEVERAL_RULES: _several_rules,
    Reason.EXTENDED_TOO_OFTEN: _extended,
    Reason.START_TOO_FAR_AHEAD: "A start lies at most {most} ahead.",
    Reason.NEITHER_OR_BOTH_TIMES: (
        "Say how long you need it, like 2h, or until when, like until 17:00: one of the two."
    ),
    Reason.END_NOT_LATER: "It is open until then already; say a later time, or how much longer.",
    Reason.END_PASSED: "That end has already passed.",
    Reason.END_BEFORE_START: "That end is not after the start.",
    Reason.TOO_SHORT: "The shortest access is {least}.",
    Reason.TOO_LONG: "The longest access to {entitlement} is {longest}; you asked for {asked}.",
    Reason.EXTENSION_TOO_LONG: "{longest} from now is the most for {entitlement}; this would be {asked} from now.",
    Reason.NO_REASON: "Say why you need it: the approver decides by that.",
    Reason.REASON_TOO_SHORT: _say_more,
    Reason.REASON_TOO_LONG: "Shorten the reason: it may have {most} characters, this has {given}.",
    Reason.REASON_HAS_TOO_MANY_LINES: "Shorten the reason: it may have {most} lines, this has {given}.",
    Reason.NO_APPROVER: _no_approver,
    Reason.APPROVERS_NOT_IN_SLACK: _not_in_slack,
    Reason.TOO_FEW_APPROVERS: _too_few,
}
