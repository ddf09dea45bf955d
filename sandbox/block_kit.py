"""The table of blocks: their keys, lengths and counts, and the surfaces each may stand on."""

from sandbox.elements import BUTTONS, IN_ACTIONS, IN_CONTEXT_ACTIONS, IN_INPUT, IN_SECTION
from sandbox.facts import limit
from sandbox.objects import ALL, GROUPS, IMAGE, IMAGE_KEYS, OPTION, marked, plain, words
from sandbox.rich_text import PARTS, RICH_TEXT
from sandbox.shapes import Flag, Many, Number, OneOf, Shape, Spec, Typed, Words

_ID: dict[str, Spec] = {"block_id": Words(limit("block_id"))}
_IMAGE = Typed({"image": IMAGE})
_TEXTS = words("text").shapes

_SIMPLE = {
    "header": Shape({"text": plain("header.text")}, _ID | {"level": Number(1, 4)}),
    "section": Shape(
        {},
        _ID
        | {
            "text": words("text"),
            "fields": Many(words("section.field"), limit("section.fields")),
            "accessory": IN_SECTION,
            "expand": Flag(),
        },
    ),
    "context": Shape({"elements": Many(Typed({**_TEXTS, "image": IMAGE}), limit("context.elements"))}, _ID),
    "divider": Shape({}, _ID),
    "actions": Shape({"elements": Many(IN_ACTIONS, limit("actions.elements"))}, _ID),
    "input": Shape(
        {"label": plain("input.label"), "element": IN_INPUT},
        _ID | {"hint": plain("input.hint"), "optional": Flag(), "dispatch_action": Flag()},
    ),
    "image": Shape({"alt_text": Words(limit("image.alt_text"))}, _ID | IMAGE_KEYS | {"title": plain("image.title")}),
    "rich_text": Shape({"elements": PARTS}, _ID),
    "video": Shape(
        {
            "video_url": Words(limit("image.url")),
            "thumbnail_url": Words(limit("image.url")),
            "alt_text": Words(limit("image.alt_text")),
            "title": plain("video.title"),
        },
        _ID
        | {
            "title_url": Words(ALL),
            "author_name": Words(limit("video.author")),
            "provider_name": Words(limit("video.author")),
            "provider_icon_url": Words(ALL),
            "description": plain("video.title"),
        },
    ),
    "file": Shape({"source": OneOf(("remote",)), "external_id": Words(255)}, _ID),
    "alert": Shape(
        {"text": words("alert.text")}, _ID | {"level": OneOf(("default", "info", "warning", "error", "success"))}
    ),
    "markdown": Shape({"text": Words(limit("markdown.text"))}, _ID),
}

_CARD = Shape(
    {},
    _ID
    | {
        "hero_image": _IMAGE,
        "icon": _IMAGE,
        "title": marked("card.title"),
        "subtitle": marked("card.title"),
        "body": marked("card.body"),
        "subtext": marked("card.body"),
        "actions": Many(BUTTONS, limit("card.actions")),
    },
)
_CELL = Typed(
    {
        "raw_text": Shape({"text": Words(ALL, least=0)}),
        "raw_number": Shape({"value": Number(-(2**53), 2**53), "text": Words(ALL)}),
        **RICH_TEXT.shapes,
    }
)
_COLUMN = Shape({}, {"align": OneOf(("left", "center", "right")), "is_wrapped": Flag()})
_TABLE = Shape(
    {"rows": Many(Many(_CELL, limit("table.columns")), limit("table.rows"))},
    _ID | {"column_settings": Many(_COLUMN, limit("table.columns"))},
)
_TASK = Shape(
    {
        "task_id": Words(255),
        "title": Words(ALL),
        "status": OneOf(("pending", "in_progress", "complete", "error")),
    },
    _ID
    | {
        "details": RICH_TEXT,
        "output": RICH_TEXT,
        "sources": Many(Typed({"url": Shape({"url": Words(ALL), "text": Words(ALL)})}), 1000),
    },
)
_CHILDREN = ("actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "video")
_CONTAINER = Shape(
    {
        "child_blocks": Many(
            Typed({kind: _SIMPLE[kind] for kind in _CHILDREN} | {"table": _TABLE}), limit("container.children")
        )
    },
    _ID
    | {
        "title": plain("container.title"),
        "rich_text_title": RICH_TEXT,
        "subtitle": words("container.title"),
        "width": OneOf(("narrow", "standard", "wide", "full")),
        "icon": _IMAGE,
        "is_collapsible": Flag(),
        "default_collapsed": Flag(),
        "has_header_divider": Flag(),
    },
)
BLOCKS = _SIMPLE | {
    "card": _CARD,
    "carousel": Shape({"elements": Many(Typed({"card": _CARD}), limit("carousel.cards"))}, _ID),
    "container": _CONTAINER,
    "context_actions": Shape({"elements": Many(IN_CONTEXT_ACTIONS, limit("context_actions.elements"))}, _ID),
    "data_table": Shape(
        {
            "rows": Many(Many(_CELL, limit("table.columns")), limit("data_table.rows"), least=2),
            "caption": Words(ALL),
        },
        _ID
        | {
            "page_size": Number(1, limit("data_table.page_size")),
            "row_header_column_index": Number(0, limit("table.columns") - 1),
        },
    ),
    "plan": Shape({"title": Words(ALL)}, _ID | {"tasks": Many(Typed({"task_card": _TASK}), limit("plan.tasks"))}),
    "table": _TABLE,
    "task_card": _TASK,
}

_EVERYWHERE = ("actions", "card", "context", "divider", "header", "image", "input", "rich_text", "section", "video")
_IN_HOME = (*_EVERYWHERE, "carousel", "container", "data_table", "table")
ON = {
    "message": (*_IN_HOME, "context_actions", "file", "markdown", "plan", "task_card"),
    "modal": (*_EVERYWHERE, "alert"),
    "home": _IN_HOME,
}
"""Which blocks each surface takes."""


def _blocks(surface: str, least: int) -> Many:
    return Many(Typed({kind: BLOCKS[kind] for kind in ON[surface]}), limit(f"{surface}.blocks"), least=least)


_VIEW: dict[str, Spec] = {
    "private_metadata": Words(limit("view.private_metadata"), least=0),
    "callback_id": Words(limit("view.callback_id"), least=0),
    "external_id": Words(limit("view.external_id"), least=0),
}
MESSAGE_BLOCKS = _blocks("message", 0)
MODAL = Typed(
    {
        "modal": Shape(
            {"title": plain("view.title"), "blocks": _blocks("modal", 1)},
            _VIEW
            | {
                "submit": plain("view.button"),
                "close": plain("view.button"),
                "notify_on_close": Flag(),
                "clear_on_close": Flag(),
                "submit_disabled": Flag(),
            },
        )
    }
)
HOME = Typed({"home": Shape({"blocks": _blocks("home", 0)}, _VIEW)})
SUGGESTION = Shape({}, {"options": Many(OPTION, limit("select.options"), least=0), "option_groups": GROUPS})
