"""The table of limits: each is allowed at the number and refused one over it; rules between parts hold."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.facts import FACTS, limit
from sandbox.validator import message_problems, suggestion_problems, view_problems

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def x(count: int) -> str:
    return "x" * count


def option(name: str = "a", **changes: Any) -> Json:
    return {"text": plain(name), "value": name} | changes


def options(count: int) -> list[Json]:
    return [option(f"option {index}") for index in range(count)]


def button(**changes: Any) -> Json:
    return {"type": "button", "text": plain("Press")} | changes


def actions(*elements: Json) -> list[Json]:
    return [{"type": "actions", "elements": list(elements)}]


def section(**changes: Any) -> list[Json]:
    return [{"type": "section", "text": plain("x")} | changes]


def without(key: str, value: Json) -> Json:
    return {name: each for name, each in value.items() if name != key}


def confirm(**changes: Any) -> list[Json]:
    dialog = {"title": plain("t"), "text": plain("t"), "confirm": plain("y"), "deny": plain("n")} | changes
    return actions(button(confirm=dialog))


def select(**changes: Any) -> list[Json]:
    return actions({"type": "static_select"} | changes)


def text_input(**changes: Any) -> Json:
    element = {"type": "plain_text_input"} | changes
    return {"type": "input", "label": plain("Label"), "element": element}


def modal(*blocks: Json, **changes: Any) -> Json:
    shown = list(blocks) or section()
    return {"type": "modal", "title": plain("Title"), "submit": plain("Go"), "blocks": shown} | changes


def dividers(count: int) -> list[Json]:
    return [{"type": "divider"}] * count


MESSAGES: dict[str, Callable[[int], list[Json]]] = {
    "message.blocks": dividers,
    "text": lambda n: section(text=plain(x(n))),
    "section.fields": lambda n: section(fields=[plain("x")] * n),
    "section.field": lambda n: section(fields=[plain(x(n))]),
    "header.text": lambda n: [{"type": "header", "text": plain(x(n))}],
    "context.elements": lambda n: [{"type": "context", "elements": [plain("x")] * n}],
    "actions.elements": lambda n: actions(*[button()] * n),
    "block_id": lambda n: [{"type": "divider", "block_id": x(n)}],
    "action_id": lambda n: actions(button(action_id=x(n))),
    "button.text": lambda n: actions(button(text=plain(x(n)))),
    "button.value": lambda n: actions(button(value=x(n))),
    "button.url": lambda n: actions(button(url=x(n))),
    "button.accessibility_label": lambda n: actions(button(accessibility_label=x(n))),
    "placeholder": lambda n: select(options=options(1), placeholder=plain(x(n))),
    "option.text": lambda n: select(options=[option(text=plain(x(n)))]),
    "option.value": lambda n: select(options=[option(value=x(n))]),
    "option.description": lambda n: select(options=[option(description=plain(x(n)))]),
    "option.url": lambda n: actions({"type": "overflow", "options": [option(url=x(n))]}),
    "select.options": lambda n: select(options=options(n)),
    "select.groups": lambda n: select(
        option_groups=[{"label": plain("l"), "options": [option(str(index))]} for index in range(n)]
    ),
    "group.options": lambda n: select(option_groups=[{"label": plain("l"), "options": options(n)}]),
    "group.label": lambda n: select(option_groups=[{"label": plain(x(n)), "options": options(1)}]),
    "overflow.options": lambda n: actions({"type": "overflow", "options": options(n)}),
    "checkboxes.options": lambda n: actions({"type": "checkboxes", "options": options(n)}),
    "radio_buttons.options": lambda n: actions({"type": "radio_buttons", "options": options(n)}),
    "confirm.title": lambda n: confirm(title=plain(x(n))),
    "confirm.text": lambda n: confirm(text=plain(x(n))),
    "confirm.button": lambda n: confirm(deny=plain(x(n))),
    "rich_text.indent": lambda n: [
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "indent": n,
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
                }
            ],
        }
    ],
}

VIEWS: dict[str, Callable[[int], Json]] = {
    "modal.blocks": lambda n: modal(*dividers(n)),
    "input.label": lambda n: modal(text_input() | {"label": plain(x(n))}),
    "input.hint": lambda n: modal(text_input() | {"hint": plain(x(n))}),
    "input.max_length": lambda n: modal(text_input(max_length=n)),
    "alert.text": lambda n: modal({"type": "alert", "text": plain(x(n))}),
    "view.title": lambda n: modal(title=plain(x(n))),
    "view.button": lambda n: modal(submit=plain(x(n))),
    "view.callback_id": lambda n: modal(callback_id=x(n)),
    "view.external_id": lambda n: modal(external_id=x(n)),
    "view.private_metadata": lambda n: modal(private_metadata=x(n)),
}

ELSEWHERE = {
    "message.characters",
    "view.bytes",
    "view.stack",
    "post.text",
    "update.text",
    "trigger.seconds",
    "ack.seconds",
    "response_url.uses",
    "response_url.seconds",
    "socket.connections",
}
"""Limits of something else than a block: their tests are beside what they limit."""


def test_every_fact_is_tested() -> None:
    assert {fact.id for fact in FACTS} == set(MESSAGES) | set(VIEWS) | ELSEWHERE


@pytest.mark.parametrize("fact", MESSAGES)
def test_a_message_may_reach_a_limit_but_not_pass_it(fact: str) -> None:
    assert message_problems(MESSAGES[fact](limit(fact))) == []
    assert message_problems(MESSAGES[fact](limit(fact) + 1)) != []


@pytest.mark.parametrize("fact", VIEWS)
def test_a_modal_may_reach_a_limit_but_not_pass_it(fact: str) -> None:
    assert view_problems(VIEWS[fact](limit(fact))) == []
    assert view_problems(VIEWS[fact](limit(fact) + 1)) != []


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        (section(text=plain("")), "must be more than 0 characters"),
        ([without("text", section()[0])], "missing required field: text or fields"),
        (section(text={"type": "markdown", "text": "x"}), "unsupported type: markdown"),
        (section(text=plain("x") | {"verbatim": True}), "invalid additional property: verbatim"),
        (section(colour="red"), "invalid additional property: colour"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type: mrkdwn"),
        ([{"type": "table"}], "unsupported type: table"),
        ([{"type": "alert", "text": plain("x")}], "unsupported type: alert"),
        ([{}], "missing required field: type"),
        ([{"type": "divider", "block_id": "a"}] * 2, "block_id 'a' is used 2 times"),
        (actions(), "no fewer than 1 items required"),
        (actions(button(action_id="a"), button(action_id="a")), "action_id 'a' is used 2 times"),
        (actions(button(style="default")), "must be one of primary, danger"),
        (actions(button(value="")), "must be more than 0 characters"),
        (actions({"type": "plain_text_input"}), "unsupported type: plain_text_input"),
        (actions({"type": "datepicker"}), "unsupported type: datepicker"),
        (section(accessory={"type": "datetimepicker"}), "unsupported type: datetimepicker"),
        (select(), "either options or option_groups is needed"),
        (select(options=options(1), option_groups=[{"label": plain("l"), "options": options(1)}]), "either options"),
        (select(options=options(2) + options(1)), "option value 'option 0' is used 2 times"),
        (select(options=options(2), initial_option=option("other")), "an initial option must be one of the options"),
        (actions(button(confirm={"title": plain("t")})), "missing required field: confirm"),
        (section(accessory=None), "must provide an object"),
        (confirm(style="plain"), "must be one of primary, danger"),
        ([text_input() | {"element": button()}], "unsupported type: button"),
        (
            [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "html"}]}]}],
            "unsupported type: html",
        ),
    ],
)
def test_what_slack_refuses_in_blocks_is_refused(blocks: list[Json], said: str) -> None:
    assert any(said in problem.message for problem in message_problems(blocks)), message_problems(blocks)


@pytest.mark.parametrize(
    ("view", "said", "pointer"),
    [
        (without("submit", modal(text_input())), "missing required field: submit", "/view"),
        (without("title", modal()), "missing required field: title", "/view"),
        (modal(title={"type": "mrkdwn", "text": "x"}), "unsupported type: mrkdwn", "/view/title/type"),
        (modal() | {"type": "home"}, "unsupported type: home", "/view/type"),
        (modal() | {"blocks": []}, "no fewer than 1 items required", "/view/blocks"),
        (modal(state={}), "invalid additional property: state", "/view"),
        (modal(text_input(focus_on_load=True), text_input(focus_on_load=True)), "only one element", "/view/blocks"),
        (modal(text_input(min_length=5, max_length=4)), "min_length must not be more", "/view/blocks/0"),
    ],
)
def test_what_slack_refuses_in_a_modal_is_refused(view: Json, said: str, pointer: str) -> None:
    found = view_problems(view)
    assert any(said in problem.message and problem.pointer == pointer for problem in found), found


def test_everything_the_bot_may_use_is_accepted() -> None:
    spans = [
        {"type": "text", "text": "x", "style": {"bold": True}},
        {"type": "link", "url": "https://example.org", "text": "x"},
        {"type": "user", "user_id": "U0ANN"},
        {"type": "channel", "channel_id": "C0SEC"},
        {"type": "emoji", "name": "lock"},
        {"type": "date", "timestamp": 1_800_000_000, "format": "{time}", "fallback": "noon"},
    ]
    rich = [{"type": kind, "elements": spans} for kind in ("rich_text_section", "rich_text_quote")]
    rich.append({"type": "rich_text_preformatted", "elements": spans, "border": 0})
    choices = {"options": options(2), "action_id": "c"}
    blocks = [
        {"type": "header", "text": plain("Title")},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "*x*", "verbatim": True}]},
        {"type": "divider"},
        {"type": "rich_text", "elements": rich},
        *section(accessory={"type": "overflow", "options": options(2)}),
        *section(accessory={"type": "external_select", "min_query_length": 0, "action_id": "a"}),
        *actions(
            button(url="https://example.org", value="v", style="danger", accessibility_label="Press it"),
            {"type": "datetimepicker", "initial_date_time": 1_800_000_000},
            {"type": "checkboxes", "initial_options": options(1)} | choices,
        ),
        text_input(multiline=True, initial_value="", placeholder=plain("x")) | {"optional": True, "hint": plain("x")},
        text_input() | {"element": {"type": "radio_buttons", "initial_option": options(1)[0]} | choices},
    ]
    assert message_problems(blocks) == []
    assert view_problems(modal(*blocks, {"type": "alert", "text": plain("x"), "level": "warning"})) == []


def test_offered_options_have_their_limits_too() -> None:
    assert suggestion_problems({"options": []}) == []
    assert suggestion_problems({"options": options(100)}) == []
    assert suggestion_problems({"options": options(101)}) != []
    assert suggestion_problems({"options": [option(text=plain(x(76)))]}) != []
    assert suggestion_problems({"options": [], "option_groups": []}) != []
    assert suggestion_problems({}) != []
    assert suggestion_problems(None) != []
