"""What is known about Slack's limits, as data: the number, where it was read, and whether it is assumed."""

from dataclasses import dataclass

BLOCKS = "docs.slack.dev/reference/block-kit/blocks"
ELEMENTS = "docs.slack.dev/reference/block-kit/block-elements"
OBJECTS = "docs.slack.dev/reference/block-kit/composition-objects"
MODALS = "docs.slack.dev/surfaces/modals"
INTERACTION = "docs.slack.dev/interactivity/handling-user-interaction"
METHODS = "docs.slack.dev/reference/methods"
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


FACTS = (
    Fact("message.blocks", 50, "blocks of a message", BLOCKS),
    Fact("modal.blocks", 100, "blocks of a modal", BLOCKS),
    Fact("message.characters", 10_000, "characters over all blocks of a posted message", "bolt-js#2509", assumed=True),
    Fact("text", 3000, "characters of a text object", f"{OBJECTS}/text-object"),
    Fact("section.fields", 10, "fields of a section", f"{BLOCKS}/section-block"),
    Fact("section.field", 2000, "characters of a field of a section", f"{BLOCKS}/section-block"),
    Fact("header.text", 150, "characters of a header", f"{BLOCKS}/header-block"),
    Fact("context.elements", 10, "elements of a context block", f"{BLOCKS}/context-block"),
    Fact("actions.elements", 25, "elements of an actions block", f"{BLOCKS}/actions-block"),
    Fact("input.label", 2000, "characters of an input's label", f"{BLOCKS}/input-block"),
    Fact("input.hint", 2000, "characters of an input's hint", f"{BLOCKS}/input-block"),
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
)

_BY_ID = {fact.id: fact.value for fact in FACTS}


def limit(fact_id: str) -> int:
    """The number of one fact."""
    return _BY_ID[fact_id]
