"""The table of limits: each is allowed at the number and refused one over it; rules between parts hold."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.block_kit import HOME, ON
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


def image(**changes: Any) -> list[Json]:
    return [{"type": "image", "image_url": "https://example.org/x.png", "alt_text": "x"} | changes]


def video(**changes: Any) -> list[Json]:
    address = "https://example.org/x"
    shown = {"type": "video", "video_url": address, "thumbnail_url": address, "alt_text": "x", "title": plain("x")}
    return [shown | changes]


def mark(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def cell(text: str = "x") -> Json:
    return {"type": "raw_text", "text": text}


def data_table(**changes: Any) -> list[Json]:
    return [{"type": "data_table", "caption": "x", "rows": [[cell()], [cell()]]} | changes]


def container(**changes: Any) -> list[Json]:
    return [{"type": "container", "child_blocks": dividers(1)} | changes]


def task(status: str = "complete") -> Json:
    return {"type": "task_card", "task_id": "t", "title": "x", "status": status}


def trash(**changes: Any) -> Json:
    return {"type": "icon_button", "icon": "trash", "text": plain("Away")} | changes


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

MESSAGES |= {
    "image.url": lambda n: image(image_url=x(n)),
    "image.alt_text": lambda n: image(alt_text=x(n)),
    "image.title": lambda n: image(title=plain(x(n))),
    "video.title": lambda n: video(description=plain(x(n))),
    "video.author": lambda n: video(author_name=x(n)),
    "markdown.text": lambda n: [{"type": "markdown", "text": x(n - 1)}, {"type": "markdown", "text": "x"}],
    "table.rows": lambda n: [{"type": "table", "rows": [[cell()]] * n}],
    "table.columns": lambda n: [{"type": "table", "rows": [[cell()] * n]}],
    "message.tables": lambda n: [{"type": "table", "rows": [[cell()]]}] * n,
    "data_table.rows": lambda n: data_table(rows=[[cell()]] * n),
    "data_table.page_size": lambda n: data_table(page_size=n),
    "data_table.characters": lambda n: data_table(
        rows=[[cell(x(2000))] * 5, [cell(x(2000))] * 4 + [cell(x(n - 18000))]]
    ),
    "card.title": lambda n: [{"type": "card", "title": mark(x(n))}],
    "card.body": lambda n: [{"type": "card", "body": mark(x(n))}],
    "card.actions": lambda n: [{"type": "card", "actions": [button()] * n}],
    "carousel.cards": lambda n: [{"type": "carousel", "elements": [{"type": "card"}] * n}],
    "container.title": lambda n: container(title=plain(x(n))),
    "container.children": lambda n: container(child_blocks=dividers(n)),
    "context_actions.elements": lambda n: [{"type": "context_actions", "elements": [trash()] * n}],
    "plan.tasks": lambda n: [{"type": "plan", "title": "x", "tasks": [task("pending")] * n}],
    "icon_button.users": lambda n: [
        {"type": "context_actions", "elements": [trash(visible_to_user_ids=["U0ANN"] * n)]}
    ],
}

VIEWS: dict[str, Callable[[int], Json]] = {
    "modal.blocks": lambda n: modal(*dividers(n)),
    "input.label": lambda n: modal(text_input() | {"label": plain(x(n))}),
    "input.hint": lambda n: modal(text_input() | {"hint": plain(x(n))}),
    "input.max_length": lambda n: modal(text_input(max_length=n)),
    "alert.text": lambda n: modal({"type": "alert", "text": plain(x(n))}),
    "file_input.files": lambda n: modal(text_input() | {"element": {"type": "file_input", "max_files": n}}),
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
    "socket.warning_seconds",
    "home.blocks",
    *("event.retry_1", "event.retry_2", "event.retry_3"),
    *("rate.channel_second", "rate.channel_burst", "rate.team_minute"),
    *("rate.tier_1", "rate.tier_2", "rate.tier_3", "rate.tier_4"),
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
        ([{"type": "data_visualization"}], "unsupported type: data_visualization"),
        (image(slack_file={"id": "F0"}), "either image_url or slack_file is needed"),
        ([task("pending")], "only a task of a plan can be pending"),
        (data_table(rows=[[cell()]]), "no fewer than 2 items required"),
        (actions({"type": "datepicker", "initial_date": "1/2/2027"}), "must provide a date as YYYY-MM-DD"),
        (actions({"type": "timepicker", "initial_time": "24:00"}), "must provide a time as HH:mm"),
        (actions({"type": "number_input"}), "unsupported type: number_input"),
        ([text_input() | {"element": {"type": "number_input"}}], "missing required field: is_decimal_allowed"),
        ([{"type": "context", "elements": [{"type": "image", "alt_text": "x"}]}], "either image_url or slack_file"),
        ([{"type": "alert", "text": plain("x")}], "unsupported type: alert"),
        ([{}], "missing required field: type"),
        ([{"type": "divider", "block_id": "a"}] * 2, "block_id 'a' is used 2 times"),
        (actions(), "no fewer than 1 items required"),
        (actions(button(action_id="a"), button(action_id="a")), "action_id 'a' is used 2 times"),
        (actions(button(style="default")), "must be one of primary, danger"),
        (actions(button(value="")), "must be more than 0 characters"),
        (actions({"type": "plain_text_input"}), "unsupported type: plain_text_input"),
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
    rich.append({"type": "rich_text_preformatted", "elements": spans[:2], "border": 0})
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


SAMPLES: dict[str, Json] = {
    "actions": actions(button())[0],
    "alert": {"type": "alert", "text": plain("x")},
    "card": {"type": "card"},
    "carousel": {"type": "carousel", "elements": [{"type": "card"}]},
    "container": container()[0],
    "context": {"type": "context", "elements": [plain("x")]},
    "context_actions": {"type": "context_actions", "elements": [trash()]},
    "data_table": data_table()[0],
    "divider": {"type": "divider"},
    "file": {"type": "file", "source": "remote", "external_id": "x"},
    "header": {"type": "header", "text": plain("x")},
    "image": image()[0],
    "input": text_input(),
    "markdown": {"type": "markdown", "text": "x"},
    "plan": {"type": "plan", "title": "x"},
    "rich_text": {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
    },
    "section": section()[0],
    "table": {"type": "table", "rows": [[cell()]]},
    "task_card": task(),
    "video": video()[0],
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_each_surface_takes_its_own_blocks(kind: str) -> None:
    on_home = view_problems({"type": "home", "blocks": [SAMPLES[kind]]}, HOME)
    refusals = {
        "message": message_problems([SAMPLES[kind]]),
        "modal": view_problems(modal(SAMPLES[kind])),
        "home": on_home,
    }
    for surface, problems in refusals.items():
        assert [each.message for each in problems] == ([] if kind in ON[surface] else [f"unsupported type: {kind}"])


def test_a_home_takes_a_hundred_blocks() -> None:
    assert view_problems({"type": "home", "blocks": dividers(limit("home.blocks"))}, HOME) == []
    assert view_problems({"type": "home", "blocks": dividers(limit("home.blocks") + 1)}, HOME) != []


def test_offered_options_have_their_limits_too() -> None:
    assert suggestion_problems({"options": []}) == []
    assert suggestion_problems({"options": options(100)}) == []
    assert suggestion_problems({"options": options(101)}) != []
    assert suggestion_problems({"options": [option(text=plain(x(76)))]}) != []
    assert suggestion_problems({"options": [], "option_groups": []}) != []
    assert suggestion_problems({}) != []
    assert suggestion_problems(None) != []
