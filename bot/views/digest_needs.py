"""What of a digest needs a person, each with the button that leads there."""

from collections.abc import Callable, Iterator

from access.durations import format_duration
from access.ids import short
from access.messages.digest.content import Access, Content, Listed, OpenAlert
from access.models import GrantStatus
from bot import ids
from bot.views.blocks import Block, at_second, button, code, header, note, section
from bot.views.digest_pieces import Piece

_STATES = {
    GrantStatus.SCHEDULED: "approved and not open yet",
    GrantStatus.ACTIVATING: "being opened",
    GrantStatus.ACTIVE: "open",
    GrantStatus.REVOKING: "being ended",
}


def needs(content: Content) -> list[Piece]:
    """Said first, and also when it is nothing."""
    if not content.needs_a_person:
        return [Piece([section("*Nothing needs a person.*")])]
    return [
        Piece([header(f"Needs a person: {content.needs_a_person:,}")]),
        *_broken_log(content),
        *_listed("Past its end, and not proven to be gone", content.overdue, lambda one: _overdue(content, one)),
        *_listed("Could not be opened", content.failed, _failed),
        *_alerts(content),
        *_listed("Open, but today's policy would refuse it", content.refused_now, _refused),
        *_no_policy(content),
    ]


def _broken_log(content: Content) -> Iterator[Piece]:
    if content.flaw:
        words = (
            "*The audit log does not hold.* It was changed behind Countersign's back. Keep the database as it is, and "
            "compare it with the heads in earlier digests; `countersign audit verify` looks at all of it."
        )
        yield Piece([section(words), note(f"{content.flaw[:1].upper()}{content.flaw[1:]}.")])


def _no_policy(content: Content) -> Iterator[Piece]:
    if content.policy_unusable:
        words = "*The access policy cannot be used*, so it is not known which open access it would refuse."
        yield Piece([section(f"{words} Nothing new is granted until it is mended.")])


def _listed(title: str, listed: Listed, draw: Callable[[Access], Piece]) -> Iterator[Piece]:
    if not listed.total:
        return
    yield Piece([section(f"*{title}* ({listed.total:,})")])
    yield from (draw(access) for access in listed.first)
    if listed.total > len(listed.first):
        yield Piece([note(f"And {listed.total - len(listed.first):,} more.")])


def _overdue(content: Content, access: Access) -> Piece:
    if access.ends is None:  # nothing is overdue without an end
        return _piece(access, _what(access))
    late = format_duration(content.at - access.ends)
    return _piece(
        access, f"{_what(access)} should have ended {at_second(access.ends)}, {late} ago; it is {_state(access)}."
    )


def _failed(access: Access) -> Piece:
    return _piece(access, f"{_what(access)} was given up {at_second(access.at)}.")


def _refused(access: Access) -> Piece:
    ends = f" until {at_second(access.ends)}" if access.ends else ""
    revoke = button(
        "Revoke", action=ids.REVOKE, value=access.id, style="danger",
        label=f"Revoke {access.entitlement} of {access.subject}, request {short(access.request_id)}",
    )  # fmt: skip
    words = section(f"{_what(access)} is {_state(access)}{ends}.") | {"accessory": revoke}
    return Piece([words, note(access.problem)])


def _alerts(content: Content) -> Iterator[Piece]:
    if not content.alerts_open:
        return
    yield Piece([section(f"*Open alerts* ({content.alerts_open:,})")])
    yield from (_alert(alert) for alert in content.alerts)
    if content.alerts_open > len(content.alerts):
        yield Piece([note(f"And {content.alerts_open - len(content.alerts):,} more.")])


def _alert(alert: OpenAlert) -> Piece:
    told = f"said in Slack {at_second(alert.delivered_at)}" if alert.delivered_at else "*not told yet*"
    words = section(f"Alert {code(short(alert.id))}, open since {at_second(alert.opened_at)}, {told}:")
    return Piece([words, note(alert.sentence)], alert.message, about=f"alert {short(alert.id)}")


def _piece(access: Access, words: str) -> Piece:
    blocks: list[Block] = [section(words)]
    if access.problem:
        blocks.append(note(access.problem))
    return Piece(
        blocks, access.card, about=f"{access.entitlement} of {access.subject}, request {short(access.request_id)}"
    )


def _what(access: Access) -> str:
    return f"{code(access.entitlement)} of {code(access.subject)} (grant {code(access.id)})"


def _state(access: Access) -> str:
    return _STATES[GrantStatus(access.status)]
