"""How each kind of alert came to be closed: what is known by then, and no more."""

from access.durations import format_duration
from access.models import Alert, AlertKind, AlertVariant
from bot.views.blocks import Block, at_second, escaped, section

_GONE = "The access is proven gone."
_BECAUSE = {
    AlertKind.OVERDUE: _GONE,
    AlertKind.UNREMOVABLE: _GONE,
    AlertKind.PROVIDER: "The provider works again.",
    AlertKind.POLICY: "The policy can be used again.",
    AlertKind.TIMEKEEPING: "A timekeeper runs again.",
    AlertKind.QUEUE: "What waited in the queue was taken.",
    AlertKind.JOBS: "In the last five minutes no job was refused or failed.",
    AlertKind.SWEEP: "The sweep works again.",
    AlertKind.TIMERS: "Redis can be used again.",
    AlertKind.DRIFT: "It is gone, or explained by now.",
    AlertKind.LEFTOVER: "Nothing is left behind.",
    AlertKind.RIGHTS: "The role allows no more than the security team has accepted.",
    AlertKind.CANARY: "The canary went well again, or is no longer configured.",
    AlertKind.CLOCKS: "The clocks agree again, or no process runs on that host any more.",
    AlertKind.RESTORED: "Requests are taken again.",
    AlertKind.STANDING: "Each role is accepted or gone.",
    AlertKind.UNANSWERABLE: "It can be approved again, or is over.",
    AlertKind.UNDELIVERED: "No message waits there any more.",
}
_OF_ITS_OWN: dict[tuple[AlertKind, str], str] = {
    (AlertKind.DRIFT, AlertVariant.CHANGED): _GONE,
    (AlertKind.DRIFT, AlertVariant.UNANSWERED): "The target was looked at again.",
    (AlertKind.DRIFT, AlertVariant.UNCOMPARED): "The comparison was declared over by hand.",
    (AlertKind.SWEEP, AlertVariant.MEMBERS): "Slack has answered about every person.",
    (AlertKind.SWEEP, AlertVariant.UNLISTED): "What is overdue has been listed.",
    (AlertKind.SWEEP, AlertVariant.UNWRITTEN): "The database can be written again.",
    (AlertKind.TIMERS, AlertVariant.EMPTIED): "Timers and rows have been compared.",
    (AlertKind.JOBS, AlertVariant.FOREIGN_MARK): "No other such mark was found in five minutes.",
}


def closed(alert: Alert, because: str | None = None) -> Block:
    """When, after how long, and why: of its kind, where nothing nearer is known."""
    if because is None:
        kind = AlertKind(alert.kind)
        because = _OF_ITS_OWN.get((kind, alert.variant), _BECAUSE[kind])
    assert alert.closed_at is not None, "an open one has other words"
    lasted = escaped(format_duration(alert.closed_at - alert.opened_at))
    return section(f"*Closed {at_second(alert.closed_at)}*, {lasted} after it was opened. {because}".rstrip())
