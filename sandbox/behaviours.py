"""How Slack behaves, as data: what the sandbox does, where that was read, and how sure it is."""
# ruff: noqa: E501 - a table reads best with one row a line

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["documented", "reported", "assumed", "ours"]
"""documented: in Slack's own pages. reported: by people who saw it. assumed: nobody says. ours: a choice of this sandbox."""


@dataclass(frozen=True)
class Behaviour:
    """One thing Slack does; `subject` is what it is about."""

    subject: str
    what: str
    confidence: Confidence
    source: str


MESSAGES, MODALS, HOME, DELIVERY, PEOPLE, API = "Messages", "Modals", "Home", "Delivery", "People", "Web API"
_UPDATE = "docs.slack.dev/reference/methods/chat.update"
_POST = "docs.slack.dev/reference/methods/chat.postMessage"
_EPHEMERAL = "docs.slack.dev/reference/methods/chat.postEphemeral"
_FORMAT = "docs.slack.dev/messaging/formatting-message-text"
_MODALS = "docs.slack.dev/surfaces/modals"
_INTERACTION = "docs.slack.dev/interactivity/handling-user-interaction"
_COMMANDS = "docs.slack.dev/interactivity/implementing-slash-commands"
_EVENTS = "docs.slack.dev/apis/events-api"
_SOCKETS = "docs.slack.dev/apis/events-api/using-socket-mode"
_HOME = "docs.slack.dev/reference/events/app_home_opened"
_NOWHERE = "—"

BEHAVIOURS = (
    Behaviour(MESSAGES, "`chat.update` with a text and no blocks takes the blocks away and marks the message as edited", "documented", _UPDATE),
    Behaviour(MESSAGES, "`chat.update` parses its text like a client unless `parse` is `none`; `chat.postMessage` does not", "documented", _UPDATE),
    Behaviour(MESSAGES, "`chat.update` wants the id of the conversation; `chat.postMessage` takes a person's id too, `W…` on Grid as well", "documented", _UPDATE),
    Behaviour(MESSAGES, "A timestamp that is not a string is `invalid_arguments`", "assumed", _NOWHERE),
    Behaviour(MESSAGES, "A mrkdwn text parses `@here`, `#channel` and bare addresses by itself unless it is `verbatim`", "documented", _FORMAT),
    Behaviour(MESSAGES, "Control sequences are found first and entities decoded last: an escaped `&lt;!channel&gt;` stays words", "documented", _FORMAT),
    Behaviour(MESSAGES, "The cap on all text of a message holds for posts and updates, not for response URLs", "reported", "bolt-js#2509, bolt-js#2867"),
    Behaviour(MESSAGES, "An ephemeral message cannot be updated; its timestamp is good for nothing but the answer to a click", "documented", _EPHEMERAL),
    Behaviour(MESSAGES, "An ephemeral reply in a thread nobody has answered in is accepted, and seen by nobody", "documented", _EPHEMERAL),
    Behaviour(MESSAGES, "A reply's timestamp as `thread_ts` is `thread_not_found`; Slack says only that it must not be done", "assumed", _POST),
    Behaviour(MESSAGES, "A person's id in an update, a reply's or an ephemeral's timestamp where another is wanted: a violation, for it is wrong in every workspace", "ours", _NOWHERE),
    Behaviour(MESSAGES, "A private channel without the bot is `channel_not_found`, a public one `not_in_channel`, an archived one `is_archived`", "assumed", _POST),
    Behaviour(MESSAGES, "A message to a person who is deactivated is `channel_not_found`, to a bot `cannot_dm_bot`", "assumed", _POST),
    Behaviour(MESSAGES, "A response URL answers to one click or command, five times in half an hour; then 404 with `used_url` or `expired_url`", "assumed", _INTERACTION),
    Behaviour(MESSAGES, "An answer over a response URL is for the person's eyes only unless it says `in_channel`", "documented", _INTERACTION),
    Behaviour(MESSAGES, "An answer with a key that is not one of a message's, or with attachments, is refused, where Slack ignores it or takes it", "ours", _NOWHERE),
    Behaviour(MESSAGES, "Emoji sent as characters are kept, and come back, as `:name:`; here only the few that the page draws", "documented", _FORMAT),
    Behaviour(MODALS, "A trigger id opens one modal within three seconds of being sent, checked after the view, so that a refused view does not use it up", "assumed", _MODALS),
    Behaviour(MODALS, "`views.open` from inside a modal replaces what was open", "assumed", _MODALS),
    Behaviour(MODALS, "`views.push` with a trigger that came from no modal is `not_found`", "assumed", "docs.slack.dev/reference/methods/views.push"),
    Behaviour(MODALS, "An empty acknowledgement of a submission closes that view; `{}`, a text, or errors that name no input block are “We had some trouble connecting. Try again?”", "documented", _MODALS),
    Behaviour(MODALS, "`views.update` keeps what was typed where block id and action id stay; a stale `hash` is `hash_conflict`; a closed view is `not_found`", "documented", "docs.slack.dev/reference/methods/views.update"),
    Behaviour(MODALS, "Clicks in an input block are told to the app only with `dispatch_action`", "documented", "docs.slack.dev/reference/interaction-payloads/block_actions-payload"),
    Behaviour(MODALS, "`response_urls` come with a submission for conversations chosen in a field with `response_url_enabled`", "documented", _MODALS),
    Behaviour(HOME, "`app_home_opened` is sent each time a person enters, for the Messages tab too; it carries the view once there is one", "documented", _HOME),
    Behaviour(HOME, "`views.publish` without the Home tab in the manifest is `not_enabled`; with a `hash` before anything was published `hash_conflict`", "assumed", "docs.slack.dev/reference/methods/views.publish"),
    Behaviour(HOME, "`views.publish` for somebody who is deactivated, or nobody, is `invalid_arguments` that names `user_id`", "assumed", "docs.slack.dev/reference/methods/views.publish"),
    Behaviour(HOME, "A click on the Home tab carries the view and neither channel nor response URL; its trigger opens modals and pushes none", "documented", _HOME),
    Behaviour(DELIVERY, "Events come at least once: again at once, after one and after five more minutes, with the same `event_id`", "documented", _EVENTS),
    Behaviour(DELIVERY, "Commands and interactions are sent once, whatever becomes of them", "reported", "bolt-python#1071"),
    Behaviour(DELIVERY, "Each payload goes to one of the connections, in turn; Slack says any of them", "documented", _SOCKETS),
    Behaviour(DELIVERY, "An acknowledgement counts over whatever connection it comes", "assumed", _SOCKETS),
    Behaviour(DELIVERY, "With a request URL, or once Socket Mode is turned off, `apps.connections.open` is `forbidden_team`", "assumed", _SOCKETS),
    Behaviour(DELIVERY, "A request URL that fails says `dispatch_failed` to a command, one that is slow `operation_timeout`", "reported", "python-slack-sdk#1065"),
    Behaviour(DELIVERY, "A request URL may redirect an event twice, nothing else", "documented", _EVENTS),
    Behaviour(DELIVERY, "An event that comes again says why: `http_timeout`, `http_error`, `connection_failed`, `ssl_error`, `too_many_redirects` or `unknown_error`", "documented", _EVENTS),
    Behaviour(DELIVERY, "Slash commands carry no thread and `is_enterprise_install` as a string; private channels are called `privategroup`", "documented", _COMMANDS),
    Behaviour(DELIVERY, "Global shortcuts carry a trigger id and no response URL", "documented", "docs.slack.dev/interactivity/implementing-shortcuts"),
    Behaviour(DELIVERY, "Selects that ask the app carry neither trigger id nor response URL; one option that is too long spoils all", "documented", "docs.slack.dev/reference/interaction-payloads/block_suggestion-payload"),
    Behaviour(PEOPLE, "User groups list guests and those who left", "reported", "docs.slack.dev/reference/methods/usergroups.users.list"),
    Behaviour(PEOPLE, "A user group that is disabled or unknown is `no_such_subteam`; plans without groups say `plan_upgrade_required`", "assumed", "docs.slack.dev/reference/methods/usergroups.users.list"),
    Behaviour(PEOPLE, "Payloads about a stranger name this team, and his own in `user.team_id`", "assumed", _INTERACTION),
    Behaviour(PEOPLE, "On Grid, an app installed for the organisation gets `team: null`, and `user.team_id` starts with E", "documented", _INTERACTION),
    Behaviour(PEOPLE, "Whoever is deactivated can do nothing; a session may be left alive for a moment to stand for a click on its way", "ours", _NOWHERE),
    Behaviour(API, "An invalid view is `invalid_arguments`, invalid blocks of a message are `invalid_blocks`, with the places in `response_metadata.messages`; the sentences are close to Slack's", "reported", "grafana/oncall#5121"),
    Behaviour(API, "A block id twice in a surface, an action id twice in a block, an option value twice in a select: refused", "assumed", "docs.slack.dev/reference/block-kit/blocks"),
    Behaviour(API, "A key whose value is null counts as given, and is refused where an object is wanted", "assumed", _NOWHERE),
    Behaviour(API, "An argument a method does not list is refused, where Slack ignores it", "ours", _NOWHERE),
    Behaviour(API, "One call too many is HTTP 429 with `Retry-After` and `ratelimited`; buckets refill evenly, a minute's worth at once is allowed", "assumed", "docs.slack.dev/apis/web-api/rate-limits"),
    Behaviour(API, "`apps.connections.open` is tier 1: the method's page says 3, java-slack-sdk's table 1", "assumed", "docs.slack.dev/reference/methods/apps.connections.open"),
    Behaviour(API, "`blocks.validate` needs no token and answers with `errors` as `[{code, message, field, pointer}]`", "reported", "slack-skills-plugin, skills/block-kit"),
    Behaviour(MESSAGES, "Code stops formatting and not control sequences: a mention between backticks is a mention", "assumed", _FORMAT),
    Behaviour(MESSAGES, "A `@name` of somebody here is a mention wherever a text is parsed further", "assumed", _FORMAT),
    Behaviour(API, "After the app was uninstalled every call is `account_inactive`", "documented", "docs.slack.dev/reference/methods/auth.test"),
    Behaviour(API, "Elements inside a card, a carousel or a container report the outer block's id", "assumed", _NOWHERE),
)  # fmt: skip
