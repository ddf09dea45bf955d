"""What people write is cleaned of what nobody can see, and Slack's markup in it is text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.nearest import nearest
from access.words import clean, from_slack, mentions

CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u034f\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u2060\u2063\u3164\ufeff\uffa0\U000e0041\U000e0100"
NASTY = st.text(
    st.sampled_from(CONTROLS + BIDI + INVISIBLE + "ab \n\u0301e\u2028\u00a0") | st.characters(), max_size=80
)


@given(NASTY)
def test_nothing_that_cannot_be_seen_is_left(text: str) -> None:
    cleaned = clean(text).text
    assert not set(cleaned) & set((CONTROLS + BIDI + INVISIBLE).replace("\n", ""))
    assert {unicodedata.category(character) for character in cleaned.replace("\n", "")}.isdisjoint(
        {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    assert "\n\n\n" not in cleaned
    assert cleaned == cleaned.strip()
    cleaned.encode("utf-8")


@given(NASTY)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    twice = clean(once.text)
    assert (twice.text, twice.unusual) == (once.text, False)


@pytest.mark.parametrize(
    ("text", "cleaned", "unusual"),
    [
        ("INC-12 stuck refunds", "INC-12 stuck refunds", False),
        ("  two\r\nlines\r", "two\nlines", False),
        ("a\u00a0b\tc\u2003d", "a b c d", False),
        ("a\n\n\n\n\nb", "a\n\nb", False),
        ("a  \n \n \n b", "a\n\n b", False),
        ("e\u0301", "é", False),
        ("é is not a", "é is not a", False),
        ("❤️ 中文 עברית 👍🏽", "❤️ 中文 עברית 👍🏽", False),
        ("pay\u202eroll", "payroll", True),
        ("a\u200bb", "ab", True),
        ("\ufeffa", "a", True),
        ("a\x00b\x1b[31m", "ab[31m", True),
        ("a\ud800b", "ab", True),
        ("e\u200d\u0301", "é", True),
        ("tag\U000e0041\U000e0042", "tag", True),
        ("\u3164", "", True),
        ("", "", False),
        ("*bold* `code` <!channel> <https://x|y>", "*bold* `code` <!channel> <https://x|y>", False),
    ],
)
def test_what_is_written_is_cleaned(text: str, cleaned: str, unusual: bool) -> None:
    assert (clean(text).text, clean(text).unusual) == (cleaned, unusual)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("&quot;&#60;&copy;", "&quot;&#60;&copy;"),
        ("ask <@U012ABC|ann>", "ask @ann"),
        ("ask <@U012ABC>", "ask @U012ABC"),
        ("in <#C123|public>", "in #public"),
        ("in <#C987|>", "in #C987"),
        ("in <#C987>", "in #C987"),
        ("<!here> <!channel>", "@here @channel"),
        ("<!subteam^S0SRE|@sre> <!subteam^S0SRE>", "@sre @S0SRE"),
        ("see <https://evil.example/x?a=1&amp;b=2|https://good.example>", "see https://evil.example/x?a=1&b=2"),
        ("see <https://good.example>", "see https://good.example"),
        ("<mailto:ann@example.com|ann@example.com>", "mailto:ann@example.com"),
        ("1 < 2 > 0", "1  2  0"),
        ("<>", ""),
        ("a < b", "a < b"),
    ],
)
def test_slacks_escapes_become_what_was_typed_and_a_label_never_hides_an_address(escaped: str, text: str) -> None:
    assert from_slack(escaped) == text


@given(st.text())
def test_what_is_escaped_as_slack_does_comes_back(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert from_slack(escaped) == text


@pytest.mark.parametrize(
    ("word", "expected"),
    [("raed", "read"), ("READ", "read"), ("power", "PowerUser"), ("xyz", None), ("", None), ("r" * 100_000, None)],
)
def test_the_nearest_word_is_found_or_none(word: str, expected: str | None) -> None:
    assert nearest(word, ["write", "read", "PowerUser"]) == expected


def test_a_name_that_means_two_accounts_names_none() -> None:
    assert mentions("for <@U0BEN|ben> and <@U0EVE> of <#C0SEC|ben>") == {"@ben": "U0BEN", "@U0EVE": "U0EVE"}
    assert mentions("for <@U0BEN|ben> <@U0EVE|ben> @kim") == {}
