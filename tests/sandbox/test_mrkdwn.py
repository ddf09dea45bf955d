"""What comes alive in a text, and what stays words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.living import living
from sandbox.mrkdwn import Live, Names, alive

WORKSPACE = Names(frozenset({"ann", "lea"}), frozenset({"general"}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain words", []),
        ("<!channel> now", [Live("broadcast", "channel")]),
        ("<!here|here>", [Live("broadcast", "here")]),
        ("<@U0ANN> <@U0ANN|ann>", [Live("person", "U0ANN")] * 2),
        ("<#C0SEC> <!subteam^S0PAY>", [Live("channel", "C0SEC"), Live("group", "S0PAY")]),
        ("<https://evil.example|https://console.example>", [Live("link", "https://evil.example")]),
        ("<javascript:alert(1)|x> <b> <!unknown|y>", []),
        ("<!date^1800000000^{time}|then>", [Live("date", "1800000000^{time}")]),
        ("<!date^soon^{time}|then>", []),
        ("*Approved* by _Lea_ ~now~", [Live("bold", "Approved"), Live("italic", "Lea"), Live("strike", "now")]),
        ("a*b*c 2 * 3 * 4 snake_case_name", []),
        ("*bold <@U0LEA>*", [Live("bold", "bold <@U0LEA>"), Live("person", "U0LEA")]),
        ("`*x*` ```_y_```", [Live("code", "*x*"), Live("preformatted", "_y_")]),
        ("`<!here>`", [Live("code", "<!here>"), Live("broadcast", "here")]),
        ("```never closed *x*", [Live("bold", "x")]),
        ("&gt; quoted\n> still\nnot", [Live("quote", "quoted")]),
        (":lock: 10:30:45 :100:", [Live("emoji", ":lock:"), Live("emoji", ":100:")]),
    ],
)
def test_what_slack_makes_of_a_text(text: str, found: list[Live]) -> None:
    assert alive(text, verbatim=True) == found


@pytest.mark.parametrize(
    "text", ["&lt;!channel&gt;", "&lt;@U0ANN&gt;", "&amp;lt;!here&amp;gt;", "&lt;https://e.example|x&gt;"]
)
def test_entities_are_decoded_after_the_search_for_control_sequences(text: str) -> None:
    assert alive(text, verbatim=True) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@here @channel @everyone", [Live("broadcast", each) for each in ("here", "channel", "everyone")]),
        ("@hereafter", []),
        ("@ann @nobody #general #nowhere", [Live("person", "ann"), Live("channel", "general")]),
        ("see https://e.example/a.", [Live("link", "https://e.example/a")]),
        ("www.e.example and a@e.example", [Live("link", "www.e.example"), Live("link", "a@e.example")]),
    ],
)
def test_only_a_verbatim_text_is_not_parsed_further(text: str, found: list[Live]) -> None:
    assert alive(text, names=WORKSPACE) == found
    assert alive(text, names=WORKSPACE, verbatim=True) == []


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1))
def test_words_in_rich_text_and_bare_plain_text_never_come_alive(words: str) -> None:
    span = {"type": "rich_text_section", "elements": [{"type": "text", "text": words}]}
    plain = {"type": "plain_text", "text": words, "emoji": False}
    assert (
        living({"text": "x", "blocks": [{"type": "rich_text", "elements": [span]}, {"type": "section", "text": plain}]})
        == []
    )


@given(st.text(alphabet="<>&!@#|:/.^*_~`\n hereannC0U"))
def test_escaped_and_verbatim_words_mention_nobody(words: str) -> None:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    kinds = {each.kind for each in alive(escaped, verbatim=True)}
    assert kinds <= {"bold", "italic", "strike", "code", "preformatted", "quote", "emoji"}


def test_every_surface_is_read() -> None:
    live = {"type": "mrkdwn", "text": "<@U0ANN>", "verbatim": True}
    person = Live("person", "U0ANN")
    assert living({"text": "<@U0ANN>", "blocks": [{"type": "section", "text": live, "fields": [live]}]}) == [person] * 3
    assert living(
        {
            "type": "modal",
            "title": {"type": "plain_text", "text": "x"},
            "blocks": [{"type": "context", "elements": [live]}],
        }
    ) == [person]
    option = {"text": live, "value": "v", "description": live}
    assert living([{"type": "actions", "elements": [{"type": "checkboxes", "options": [option]}]}]) == [person] * 2
    spans = [{"type": "broadcast", "range": "here"}, {"type": "text", "text": "x", "style": {"bold": True}}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": spans}]}
    assert living([rich]) == [Live("broadcast", "here"), Live("bold", "x")]
    assert living({"text": "@here"}) == []
    assert living({"text": "@here"}, auto_parse=True) == [Live("broadcast", "here")]
    assert living({"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": ":lock:"}}]}) == [
        Live("emoji", ":lock:")
    ]
