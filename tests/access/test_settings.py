"""The environment's knobs: read once, and refused with what to write instead."""

from pathlib import Path

import pytest

from access.errors import Unready
from access.settings import HTTP_LISTEN, Settings


def test_a_bot_is_reached_on_this_host_only_unless_told_otherwise() -> None:
    assert Settings.read({}).http_listen == HTTP_LISTEN
    assert HTTP_LISTEN[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.0.0.0:8080", ("0.0.0.0", 8080)),
        ("[::1]:3000", ("::1", 3000)),
        ("::1:3000", ("::1", 3000)),
        ("bot.internal:1", ("bot.internal", 1)),
    ],
)
def test_an_address_is_a_host_and_a_port(written: str, read: tuple[str, int]) -> None:
    assert Settings.read({"COUNTERSIGN_HTTP_LISTEN": written}).http_listen == read


@pytest.mark.parametrize("written", ["3000", ":3000", "host:", "host:0", "host:65536", "host:٣", "host:3000/path"])
def test_what_is_no_address_is_answered_with_one(written: str) -> None:
    with pytest.raises(Unready, match=r"COUNTERSIGN_HTTP_LISTEN is .*; write host:port, as 127\.0\.0\.1:3000"):
        Settings.read({"COUNTERSIGN_HTTP_LISTEN": written})


@pytest.mark.parametrize(("written", "read"), [("", ""), ("/", ""), ("//", ""), ("/a", "/a"), ("/a/b/", "/a/b")])
def test_a_prefix_ends_without_a_slash(written: str, read: str) -> None:
    assert Settings.read({"COUNTERSIGN_HTTP_PREFIX": written}).http_prefix == read


@pytest.mark.parametrize("written", ["a", "/a//b", "/a b", "https://example.com/a", "/a?b", "/é"])
def test_what_is_no_path_is_refused_as_a_prefix(written: str) -> None:
    with pytest.raises(Unready, match="a path that begins with /"):
        Settings.read({"COUNTERSIGN_HTTP_PREFIX": written})


def test_the_signing_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("8f742231b10e\n", encoding="utf-8")

    settings = Settings.read({"SLACK_SIGNING_SECRET_FILE": str(file)})

    assert settings.slack_signing_secret is not None
    assert settings.slack_signing_secret.get_secret_value() == "8f742231b10e"
    assert "8f742231b10e" not in repr(settings)
