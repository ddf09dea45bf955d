"""What a rich_text block is made of."""

from sandbox.facts import limit
from sandbox.objects import ALL, ANY_TIME
from sandbox.shapes import Flag, Many, Number, OneOf, Shape, Spec, Typed, Words

_STYLE = Shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), Flag()))
_STYLED: dict[str, Spec] = {"style": _STYLE}
_TEXT = Shape({"text": Words(ALL)}, _STYLED)
_LINK = Shape({"url": Words(ALL)}, _STYLED | {"text": Words(ALL), "unsafe": Flag()})
_DATE = Shape({"timestamp": ANY_TIME, "format": Words(ALL)}, _STYLED | {"url": Words(ALL), "fallback": Words(ALL)})
_SPANS = Many(
    Typed(
        {
            "text": _TEXT,
            "link": _LINK,
            "user": Shape({"user_id": Words(255)}, _STYLED),
            "channel": Shape({"channel_id": Words(255)}, _STYLED),
            "usergroup": Shape({"usergroup_id": Words(255)}, _STYLED),
            "team": Shape({"team_id": Words(255)}, _STYLED),
            "emoji": Shape({"name": Words(255)}, _STYLED | {"unicode": Words(255), "url": Words(ALL)}),
            "broadcast": Shape({"range": OneOf(("here", "channel", "everyone"))}, _STYLED),
            "color": Shape({"value": Words(255)}, _STYLED),
            "date": _DATE,
        }
    ),
    most=1000,
)
_PREFORMATTED = Many(Typed({"text": _TEXT, "link": _LINK}), most=1000)
_SECTION = Shape({"elements": _SPANS})
_BORDER = Number(0, 1)
_LIST = Shape(
    {
        "elements": Many(Typed({"rich_text_section": _SECTION}), most=1000),
        "style": OneOf(("bullet", "ordered")),
    },
    {"indent": Number(0, limit("rich_text.indent")), "offset": Number(0, 10_000), "border": _BORDER},
)
PARTS = Many(
    Typed(
        {
            "rich_text_section": _SECTION,
            "rich_text_quote": Shape({"elements": _SPANS}, {"border": _BORDER}),
            "rich_text_preformatted": Shape({"elements": _PREFORMATTED}, {"border": _BORDER}),
            "rich_text_list": _LIST,
        }
    ),
    most=1000,
)
RICH_TEXT = Typed({"rich_text": Shape({"elements": PARTS}, {"block_id": Words(limit("block_id"))})})
