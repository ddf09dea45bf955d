"""What is known about Slack's limits, as data: the number, where it was read, and whether it is assumed."""

from dataclasses import dataclass

SLACK = "docs.slack.dev/"
BLOCKS = "docs.slack.dev/reference/block-kit/blocks"
ELEMENTS = "docs.slack.dev/reference/block-kit/block-elements"
OBJECTS = "docs.slack.dev/reference/block-kit/composition-objects"
MODALS = "docs.slack.dev/surfaces/modals"
INTERACTION = "docs.slack.dev/interactivity/handling-user-interaction"
METHODS = "docs.slack.dev/reference/methods"
EVENTS = "docs.slack.dev/apis/events-api"
RATES = "docs.slack.dev/apis/web-api/rate-limits"
SOCKETS = "docs.slack.dev/apis/events-api/using-socket-mode"
LIMITS = "PyPI slackblocks 3.0.0, _limits.py"


@dataclass(frozen=True)
class Fact:
    """A number Slack goes by; `assumed` when nobody could be found who says it for certain."""

    id: str
    value: int
    what: str
    source: str
    assumed: bool = False

    @property
    def confidence(self) -> str:
        """As for a behaviour: what is read elsewhere than in Slack's own pages is reported by others."""
        if self.assumed:
            return "assumed"
        return "documented" if self.source.startswith(SLACK) else "reported"


FACTS = (
    Fact("message.blocks", 50, "blocks of a message", BLOCKS),
    Fact("modal.blocks", 100, "blocks of a modal", BLOCKS),
    Fact("home.blocks", 100, "blocks of a Home tab", BLOCKS),
    Fact("message.characters", 10_000, "characters over all blocks of a posted message", "bolt-js#2509", assumed=True),
    Fact("text", 3000, "characters of a text object", f"{OBJECTS}/text-object"),
    Fact("section.fields", 10, "fields of a section", f"{BLOCKS}/section-block"),
    Fact("section.field", 2000, "characters of a field of a section", f"{BLOCKS}/section-block"),
    Fact("header.text", 150, "characters of a header", f"{BLOCKS}/header-block"),
    Fact("context.elements", 10, "elements of a context block", f"{BLOCKS}/context-block"),
    Fact("actions.elements", 25, "elements of an actions block", f"{BLOCKS}/actions-block"),
    Fact("input.label", 2000, "characters of an input's label", f"{BLOCKS}/input-block"),
    Fact("input.hint", 2000, "characters of an input's hint", f"{BLOCKS}/input-block"),
    Fact("image.url", 3000, "characters of an image's or a video's address", LIMITS),
    Fact("image.alt_text", 2000, "characters of an image's alternative text", LIMITS),
    Fact("image.title", 2000, "characters of an image's title", LIMITS),
    Fact("video.title", 200, "characters of a video's title, and of its description", LIMITS),
    Fact("video.author", 50, "characters of a video's author, and of its provider", LIMITS),
    Fact("markdown.text", 12_000, "characters of all markdown blocks of a message", LIMITS),
    Fact("table.rows", 100, "rows of a table", LIMITS),
    Fact("table.columns", 20, "columns of a table", LIMITS),
    Fact("message.tables", 1, "tables of a message", "slack-skills-plugin, skills/block-kit"),
    Fact("data_table.rows", 201, "rows of a data table", LIMITS),
    Fact("data_table.page_size", 100, "rows of a data table on one page", LIMITS),
    Fact("data_table.characters", 20_000, "characters of a data table", LIMITS),
    Fact("card.title", 150, "characters of a card's title, and of its subtitle", LIMITS),
    Fact("card.body", 200, "characters of a card's body, and of its subtext", LIMITS),
    Fact("card.actions", 3, "buttons of a card", LIMITS),
    Fact("carousel.cards", 10, "cards of a carousel", LIMITS),
    Fact("container.title", 150, "characters of a container's title, and of its subtitle", LIMITS),
    Fact("container.children", 10, "blocks of a container", LIMITS),
    Fact("context_actions.elements", 5, "elements of a context_actions block", LIMITS),
    Fact("plan.tasks", 50, "tasks of a plan", LIMITS),
    Fact("icon_button.users", 10, "people who may see an icon button", LIMITS),
    Fact("file_input.files", 10, "files of a file input", LIMITS),
    Fact("alert.text", 200, "characters of an alert", LIMITS),
    Fact("rich_text.indent", 8, "levels a rich text list is indented", LIMITS),
    Fact("block_id", 255, "characters of a block id", BLOCKS),
    Fact("action_id", 255, "characters of an action id", ELEMENTS),
    Fact("button.text", 75, "characters on a button", f"{ELEMENTS}/button-element"),
    Fact("button.value", 2000, "characters of a button's value", f"{ELEMENTS}/button-element"),
    Fact("button.url", 3000, "characters of a button's address", f"{ELEMENTS}/button-element"),
    Fact("button.accessibility_label", 75, "characters of an accessibility label", f"{ELEMENTS}/button-element"),
    Fact("placeholder", 150, "characters of a placeholder", ELEMENTS),
    Fact("option.text", 75, "characters of an option", f"{OBJECTS}/option-object"),
    Fact("option.value", 150, "characters of an option's value", f"{OBJECTS}/option-object"),
    Fact("option.description", 75, "characters of an option's description", f"{OBJECTS}/option-object"),
    Fact("option.url", 3000, "characters of an option's address, in an overflow menu", f"{OBJECTS}/option-object"),
    Fact("select.options", 100, "options of a select", f"{ELEMENTS}/select-menu-element"),
    Fact("select.groups", 100, "option groups of a select", f"{ELEMENTS}/select-menu-element"),
    Fact("group.options", 100, "options of an option group", f"{OBJECTS}/option-group-object"),
    Fact("group.label", 75, "characters of an option group's label", f"{OBJECTS}/option-group-object"),
    Fact("overflow.options", 5, "options of an overflow menu", f"{ELEMENTS}/overflow-menu-element"),
    Fact("checkboxes.options", 10, "checkboxes of a group", f"{ELEMENTS}/checkboxes-element"),
    Fact("radio_buttons.options", 10, "radio buttons of a group", f"{ELEMENTS}/radio-button-group-element"),
    Fact("input.max_length", 3000, "characters of a plain text input", f"{ELEMENTS}/plain-text-input-element"),
    Fact("confirm.title", 100, "characters of a confirmation's title", f"{OBJECTS}/confirmation-dialog-object"),
    Fact("confirm.text", 300, "characters of a confirmation's text", f"{OBJECTS}/confirmation-dialog-object"),
    Fact("confirm.button", 30, "characters on a confirmation's buttons", f"{OBJECTS}/confirmation-dialog-object"),
    Fact("view.title", 24, "characters of a modal's title", MODALS),
    Fact("view.button", 24, "characters on a modal's submit and close buttons", MODALS),
    Fact("view.callback_id", 255, "characters of a callback id", MODALS),
    Fact("view.external_id", 255, "characters of an external id", MODALS),
    Fact("view.private_metadata", 3000, "characters of private metadata", MODALS),
    Fact("view.bytes", 250_000, "bytes of a whole view", f"{METHODS}/views.open"),
    Fact("view.stack", 3, "modals on top of one another", MODALS),
    Fact("post.text", 40_000, "characters of a posted text", f"{METHODS}/chat.postMessage"),
    Fact("update.text", 4000, "characters of a text in an update", f"{METHODS}/chat.update"),
    Fact("trigger.seconds", 3, "seconds a trigger id is good for, once", INTERACTION),
    Fact("ack.seconds", 3, "seconds to acknowledge; over Socket Mode too", INTERACTION, assumed=True),
    Fact("response_url.uses", 5, "answers to one response URL", INTERACTION),
    Fact("response_url.seconds", 1800, "seconds a response URL is good for", INTERACTION),
    Fact("socket.connections", 10, "Socket Mode connections of one app", SOCKETS),
    Fact("socket.warning_seconds", 10, "seconds from a warning to the request to refresh", SOCKETS, assumed=True),
    Fact("event.retry_1", 0, "seconds to the first retry of an event", EVENTS),
    Fact("event.retry_2", 60, "seconds from there to the second", EVENTS),
    Fact("event.retry_3", 300, "seconds from there to the third and last", EVENTS),
    Fact("rate.channel_second", 1, "messages posted to one channel in a second", RATES),
    Fact("rate.channel_burst", 5, "messages posted to one channel at once", RATES, assumed=True),
    Fact("rate.team_minute", 300, "messages posted to the workspace in a minute", RATES, assumed=True),
    Fact("rate.tier_1", 1, "calls of a tier 1 method in a minute", RATES),
    Fact("rate.tier_2", 20, "calls of a tier 2 method in a minute", RATES),
    Fact("rate.tier_3", 50, "calls of a tier 3 method in a minute", RATES),
    Fact("rate.tier_4", 100, "calls of a tier 4 method in a minute", RATES),
)

_BY_ID = {fact.id: fact.value for fact in FACTS}


def limit(fact_id: str) -> int:
    """The number of one fact."""
    return _BY_ID[fact_id]
