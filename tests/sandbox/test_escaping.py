"""What is typed after a command arrives escaped when the manifest says so."""

import time
from dataclasses import replace

import pytest

from countersign.manifest import manifest_file
from sandbox.cast import DEFAULT, Command
from sandbox.escaping import escape
from sandbox.manifest import app_of
from sandbox.state import Team


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("ask @lea or @nobody", "ask <@U0LEA|lea> or @nobody"),
        ("@here and @channel", "<!here> and <!channel>"),
        ("see #general and #security", "see <#C0GENERAL|general> and <#C0SEC|>"),
        ("https://acme.example/INC-12?a=1&b=2 now", "<https://acme.example/INC-12?a=1&amp;b=2> now"),
        ("mail ann@acme.example", "mail ann@acme.example"),
    ],
)
def test_text_is_marked_as_slack_marks_it(typed: str, sent: str) -> None:
    assert escape(typed, Team(DEFAULT, time.time)) == sent


def test_the_app_has_just_what_its_manifest_declares() -> None:
    app = app_of(manifest_file())

    assert "im:write" not in app.scopes
    assert [replace(command, usage="", description="") for command in app.commands] == [
        Command("/access", should_escape=True)
    ]
