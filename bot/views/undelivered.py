"""Words for messages that do not arrive: why, the cure, the alert to the security team, the message to who asked."""

from access.alerts.undelivered import EVERYWHERE, NeverAsked, Undelivered, WaitingMessage
from access.ids import SlackChannel, SlackUser, short
from access.message_kinds import traits_of
from access.messages.facts import CardFacts
from access.models import Alert, Request, RequestStatus
from access.unit_of_work import WEBHOOK
from access.words import counted
from bot.views.alert_closed import closed
from bot.views.blocks import (
    Block,
    Rendered,
    at,
    at_second,
    channel,
    code,
    context,
    escaped,
    header,
    mention,
    note,
    section,
    sentence,
)

TITLE = "Messages do not arrive"
_CHANNEL = ("C", "G")
_POSTING = (
    "A setting of Slack lets only some people post there, and Countersign is not one of them.",
    "Let Countersign post there (in Slack: the channel's settings, Posting permissions), or name another channel in "
    "the policy.",
)
_REPORT = "Please report it with this alert. Other messages are not touched by it."
_FORM = ("Slack does not take the form of the message.", _REPORT)
_LONG = ("The message is longer than Slack takes.", _REPORT)
_PERSON = (
    "Slack takes no direct message from Countersign to this person.",
    "See in Slack whether this account is active, and correct its id in the policy.",
)
_TOKEN = (
    "Slack does not accept the bot's token.",
    "Install the app to the workspace again, put its token into SLACK_BOT_TOKEN, and start the bot and the workers "
    "again. `countersign doctor` tries it.",
)
_PAGER = "Correct COUNTERSIGN_PAGE_URL, or what answers there, for all processes."
_REASONS = {
    "restricted_action": _POSTING,
    "restricted_action_read_only_channel": _POSTING,
    "restricted_action_thread_only_channel": _POSTING,
    "restricted_action_non_threadable_channel": _POSTING,
    "restricted_action_thread_locked": _POSTING,
    "not_in_channel": (
        "Countersign is not in the channel.",
        "Invite Countersign there: /invite @Countersign; or name another channel in the policy.",
    ),
    "channel_not_found": (
        "There is no such channel, or it is private and Countersign is not in it.",
        "Invite Countersign there: /invite @Countersign; or correct the channel's id in the policy.",
    ),
    "is_archived": ("The channel is archived.", "Unarchive the channel, or name another one in the policy."),
    "is_ext_shared": (
        "The channel is shared with another company, whose people would read every request.",
        "Stop sharing the channel, or name one in the policy that only your own people are in.",
    ),
    "msg_too_long": _LONG,
    "msg_blocks_too_long": _LONG,
    "invalid_blocks": _FORM,
    "invalid_blocks_format": _FORM,
    "undrawable": ("The message cannot be drawn.", _REPORT),
    "user_not_found": _PERSON,
    "users_not_found": _PERSON,
    "user_not_visible": _PERSON,
    "user_disabled": _PERSON,
    "cannot_dm_bot": _PERSON,
    "messages_tab_disabled": (
        "The app's Messages tab is switched off in Slack.",
        "Update the app from its manifest, which switches it on.",
    ),
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "account_inactive": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "no_permission": _TOKEN,
    "not_allowed_token_type": _TOKEN,
    "missing_scope": (
        "The app lacks a scope.",
        "Update the app from its manifest and install it again. `countersign doctor` names the scope.",
    ),
    "unavailable": (
        "Slack cannot be reached.",
        "Let the workers' hosts reach slack.com by HTTPS, and see whether Slack itself is down. `countersign doctor` "
        "tries it.",
    ),
    "ratelimited": (
        "Slack asks us to slow down.",
        "Wait: messages are sent as fast as Slack takes them. If it lasts, see in the log of `countersign worker tell` "
        "what is said so often.",
    ),
    "page_refused": ("The address for pages does not take them.", _PAGER),
    "page_unreachable": ("The address for pages cannot be reached.", _PAGER),
}
KNOWN = frozenset(_REASONS)
"""The codes that have words of their own."""


def why(where: str, error: str) -> str:
    """A sentence; an error that is not known is quoted."""
    if error == "channel_not_found" and not where.startswith(_CHANNEL):
        return _PERSON[0]
    known = _REASONS.get(error)
    return known[0] if known else f"Slack refuses the message ({error})."


def cure(where: str, error: str) -> str:
    """What a person can do about it."""
    if error == "channel_not_found" and not where.startswith(_CHANNEL):
        return _PERSON[1]
    known = _REASONS.get(error)
    return known[1] if known else f"Look up {error} in Slack's documentation of chat.postMessage, or ask Slack."


def named(message: WaitingMessage) -> str:
    """Which message it is, in our own words and the policy's."""
    name = traits_of(message.kind).name
    if message.alert is not None:
        name = f"{name} ({message.alert.sentence.rstrip('.')})"
    if message.request is not None:
        request = message.request
        name = f"{name} (request {short(request.id)}, {request.entitlement} for {request.subject})"
    return f"{name}, whose posted version is out of date" if message.stands else name


def undelivered_card(alert: Alert, waiting: Undelivered | None) -> Rendered:
    """Of one place and cause, kept true until everything has arrived."""
    where, error = alert.name or "", alert.variant
    about = {EVERYWHERE: "Slack", WEBHOOK: "the address for pages"}.get(where, where)
    if alert.closed_at is not None:
        said = f"Alert closed: {TITLE}"
        blocks = [header(said), closed(alert), *_place(where), note(f"The alert said: {alert.sentence}")]
        return Rendered(text=f"{said}, {about}", blocks=blocks)
    said = f"Alert: {TITLE}"
    blocks = [
        header(said),
        sentence(alert.sentence),
        *_place(where),
        *_waiting(waiting),
        context(f"Open since {at_second(alert.opened_at)}."),
        section(f"*What to do:* {escaped(cure(where, error))}"),
        note("Each message is tried again, at least once a minute. This closes by itself when they have arrived."),
    ]  # fmt: skip
    return Rendered(text=f"{said}, {about}", blocks=blocks)


def unasked(facts: CardFacts) -> Rendered:
    """To who asked: that the card could not be posted; afterwards, what became of that."""
    request, identifier = facts.request, short(facts.request.id)
    state, became = _state(facts)
    blocks = [
        header(state),
        *became,
        context(f"Request {code(identifier)}, {code(request.entitlement)}{_beside(facts)}"),
    ]
    return Rendered(text=f"{state}: {request.entitlement}, request {identifier}", blocks=blocks)


def _beside(facts: CardFacts) -> str:
    """The others of which the same card asks, and the same is so."""
    waiting = [one for one in facts.beside if one.status == RequestStatus.PENDING]
    named = ", ".join(f"{code(short(one.id))}, {code(one.entitlement)}" for one in waiting)
    return f". On the same card: {named}" if waiting else ""


def _state(facts: CardFacts) -> tuple[str, list[Block]]:
    request = facts.request
    if request.status != RequestStatus.PENDING:
        because = [sentence(request.decided_because)] if request.status == RequestStatus.LAPSED else []
        return "This request is over", because or [section("A message of its own says what became of it.")]
    if facts.never_asked is None:
        return "The approvers are asked after all", [
            section(f"The card is in {channel(request.channel)} now. {_lapses(request)}")
        ]
    take_back = context(f"To take it back: {code(f'/access cancel {short(request.id)}')}")
    return "The approvers have not been asked yet", [*not_asked_yet(facts), take_back]


def not_asked_yet(facts: CardFacts) -> list[Block]:
    """Of a request whose card could not be posted: why, and what who asked can do."""
    assert facts.never_asked is not None, "else they were asked"
    request, told = facts.request, _told(facts.never_asked)
    return [
        section(f"{_what_fails(facts.never_asked, request.channel)}:"),
        sentence(facts.never_asked.problem),
        section(
            f"*What you can do:* wait; there is no need to ask again. {told}, and the card is tried again "
            f"by itself. If it is urgent, ask the security team. {_lapses(request)}"
        ),
    ]


def why_not_asked(never: NeverAsked, place: SlackChannel) -> str:
    """The same in a line of markup."""
    return f"{_what_fails(never, place)}. {escaped(never.problem)} {_told(never)}."


def _what_fails(never: NeverAsked, place: SlackChannel) -> str:
    if never.place == EVERYWHERE:
        return "Slack takes no messages of Countersign at present"
    if never.place:
        return f"{channel(place)} takes no messages at present"
    return f"The card of your request cannot be posted in {channel(place)}"


def _told(never: NeverAsked) -> str:
    return "The security team has been told" if never.told else "The security team is being told"


def _lapses(request: Request) -> str:
    return f"Unanswered, your request lapses {at(request.lapses_at)}."


def _place(where: str) -> list[Block]:
    if where in (EVERYWHERE, WEBHOOK):
        return []
    if where.startswith(_CHANNEL):
        return [section(f"Channel <#{escaped(where)}>")]
    return [section(f"Direct messages to {mention(SlackUser(where))}")]


def _waiting(waiting: Undelivered | None) -> list[Block]:
    if waiting is None:
        return []
    more = waiting.number - len(waiting.first)
    listed = [f"• {named(one)}" for one in waiting.first] + ([f"• and {more:,} more"] if more else [])
    count = counted(waiting.number, "message has", "messages have")
    return [section(f"*{count} not arrived,* the first since {at_second(waiting.since)}:"), sentence("\n".join(listed))]
