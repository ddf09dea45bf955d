"""The environment's knobs: read once, and refused with what to write instead."""

from pathlib import Path

import pytest
from pydantic import SecretStr

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


def test_an_empty_environment_has_sensible_defaults() -> None:
    settings = Settings.read({})

    assert settings.database_url == "sqlite:///.countersign/countersign.db"
    assert (settings.policy_file, settings.redis_url, settings.job_keys) == (Path("access.yml"), None, ())
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.log_level == "INFO"


def test_the_state_directory_holds_the_embedded_database() -> None:
    assert Settings.read({"COUNTERSIGN_STATE": "/var/lib/c"}).database_url == "sqlite:////var/lib/c/countersign.db"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "which cannot be read: No such file or directory."),
        (b"", "which is empty."),
        (b" \n", "which is empty."),
        (b"\xff\xfe", "which is not text in UTF-8."),
    ],
)
def test_a_file_without_a_secret_is_said_to_be(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Unready) as refused:
        Settings.read({"SLACK_BOT_TOKEN_FILE": str(file)})

    assert refused.value.sentence == f"SLACK_BOT_TOKEN_FILE names {file}, {sentence}"


def test_a_secret_is_asked_for_when_it_is_needed_and_never_shown() -> None:
    settings = Settings.read({"SLACK_BOT_TOKEN": "xoxb-canary", "COUNTERSIGN_JOB_KEY": "canary-key"})

    assert settings.need(settings.slack_bot_token, "SLACK_BOT_TOKEN") == "xoxb-canary"
    assert "canary" not in repr(settings)
    with pytest.raises(Unready, match="SLACK_APP_TOKEN is not set; put it, or SLACK_APP_TOKEN_FILE, into"):
        settings.need(settings.slack_app_token, "SLACK_APP_TOKEN")


def test_two_job_keys_are_taken_while_they_are_changed() -> None:
    keys = Settings.read({"COUNTERSIGN_JOB_KEY": "new", "COUNTERSIGN_JOB_KEY_OLD": "old"}).job_keys

    assert [key.get_secret_value() for key in keys] == ["new", "old"]


@pytest.mark.parametrize("url", ["https://slack.com/api", "https://slack.com/api/", "https://api.slack.com/"])
def test_slack_is_slack(url: str) -> None:
    assert Settings.read({"SLACK_API_URL": url}).slack_api_url == url.rstrip("/") + "/"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://slack.com/api/", "slack.com"),
        ("https://evilslack.com/", "evilslack.com"),
        ("https://slack.com.evil.example/", "slack.com.evil.example"),
        ("https://slack.com@evil.example/", "evil.example"),
        ("http://127.0.0.1:8080/", "127.0.0.1"),
        ("nonsense", "nonsense"),
    ],
)
def test_nobody_else_is_slack_but_in_the_sandbox(url: str, host: str) -> None:
    with pytest.raises(Unready, match=f"points to {host}, not to Slack; that is for the sandbox only"):
        Settings.read({"SLACK_API_URL": url})

    assert Settings.read({"SLACK_API_URL": url, "COUNTERSIGN_SANDBOX": "1"}).sandbox
    with pytest.raises(Unready):
        Settings.read({"SLACK_API_URL": url, "COUNTERSIGN_SANDBOX": "yes"})


def test_a_log_level_is_one_of_four() -> None:
    assert Settings.read({"COUNTERSIGN_LOG_LEVEL": "debug"}).log_level == "DEBUG"
    with pytest.raises(Unready, match="COUNTERSIGN_LOG_LEVEL is 'chatty'; it is one of DEBUG, INFO, WARNING, ERROR"):
        Settings.read({"COUNTERSIGN_LOG_LEVEL": "chatty"})


def test_log_lines_are_for_people_unless_told_otherwise() -> None:
    assert Settings.read({}).log_format == "text"
    assert Settings.read({"COUNTERSIGN_LOG_FORMAT": "JSON"}).log_format == "json"
    with pytest.raises(Unready, match="COUNTERSIGN_LOG_FORMAT is 'xml'; it is one of text, json"):
        Settings.read({"COUNTERSIGN_LOG_FORMAT": "xml"})


@pytest.mark.parametrize(
    ("written", "read"),
    [("", None), ("9464", ("127.0.0.1", 9464)), ("0.0.0.0:9464", ("0.0.0.0", 9464)), ("[::1]:1", ("::1", 1))],
)
def test_metrics_are_shown_on_this_host_only_unless_told_otherwise(written: str, read: tuple[str, int] | None) -> None:
    assert Settings.read({"COUNTERSIGN_METRICS_LISTEN": written}).metrics_listen == read


@pytest.mark.parametrize("written", ["on", "0", "host:0", "65536", ":9464"])
def test_where_metrics_cannot_be_shown_is_answered_with_where_they_can(written: str) -> None:
    with pytest.raises(Unready, match=r"COUNTERSIGN_METRICS_LISTEN is .*; write host:port, as 127\.0\.0\.1:9464"):
        Settings.read({"COUNTERSIGN_METRICS_LISTEN": written})


def test_the_address_to_ping_is_a_secret_and_an_address(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://ping.example.com/canary\n", encoding="utf-8")
    settings = Settings.read({"COUNTERSIGN_PING_URL_FILE": str(tmp_path / "url")})
    assert settings.ping_url is not None
    assert settings.ping_url.get_secret_value() == "https://ping.example.com/canary"
    assert "canary" not in repr(settings)

    with pytest.raises(Unready, match="COUNTERSIGN_PING_URL is no address") as refused:
        Settings.read({"COUNTERSIGN_PING_URL": "canary"})
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://duty.example/hooks/1?key=2", "http://127.0.0.1:8080/duty", "http://localhost/"]
)
def test_the_address_for_pages_is_a_secret(tmp_path: Path, url: str) -> None:
    (tmp_path / "url").write_text(f"{url}\n", encoding="utf-8")

    settings = Settings.read({"COUNTERSIGN_PAGE_URL_FILE": str(tmp_path / "url")})

    assert settings.page_url is not None
    assert settings.page_url.get_secret_value() == url
    assert url not in repr(settings)
    assert Settings.read({}).page_url is None


@pytest.mark.parametrize(
    "url",
    [
        "http://duty.example/canary", "canary.example/hooks", "ftp://127.0.0.1/canary", "https:///canary",
        "https://canary@duty.example/", "https://duty.example:canary/", "http://127.0.0.1.example/canary",
    ],
)  # fmt: skip
def test_an_address_for_pages_that_others_could_read_is_refused(url: str) -> None:
    with pytest.raises(Unready, match="COUNTERSIGN_PAGE_URL is no address to page at") as refused:
        Settings.read({"COUNTERSIGN_PAGE_URL": url})
    assert "canary" not in refused.value.sentence


@pytest.mark.parametrize("number", ["0", "257", "-1", "1.5", "many", "²"])
def test_how_many_calls_at_once_is_a_whole_number(number: str) -> None:
    assert Settings.read({"COUNTERSIGN_CALLS_AT_ONCE": "64"}).calls_at_once == 64
    with pytest.raises(Unready, match="it is a whole number from 1 to 256"):
        Settings.read({"COUNTERSIGN_CALLS_AT_ONCE": number})


@pytest.mark.parametrize("name", ["COUNTERSIGN_PAGE_URL", "COUNTERSIGN_PING_URL", "SLACK_API_URL"])
def test_what_no_one_can_read_as_an_address_is_refused_and_not_quoted(name: str) -> None:
    with pytest.raises(Unready, match=f"^{name} ") as refused:
        Settings.read({name: "https://[canary" if name != "SLACK_API_URL" else "https://["})
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "COUNTERSIGN_JOB_KEY", "COUNTERSIGN_JOB_KEY_OLD",
        "COUNTERSIGN_PAGE_URL", "COUNTERSIGN_PING_URL",
    ],
)  # fmt: skip
def test_every_secret_may_come_from_a_file_which_goes_before_the_variable(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text("https://hooks.example/canary\n", encoding="utf-8")

    settings = Settings.read({f"{name}_FILE": str(file), name: "https://hooks.example/other"})

    secrets = [value.get_secret_value() for value in vars(settings).values() if isinstance(value, SecretStr)]
    assert secrets == ["https://hooks.example/canary"]


def test_what_is_empty_is_left_to_its_default_and_said_to_be_unset() -> None:
    settings = Settings.read({"DATABASE_URL": "", "COUNTERSIGN_POLICY": "ours.yml", "COUNTERSIGN_CALLS_AT_ONCE": ""})

    assert (settings.unset, settings.policy_file) == ({"DATABASE_URL"}, Path("ours.yml"))
    assert settings.calls_at_once == 16
