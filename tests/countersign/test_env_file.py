"""`--env-file` reads what a shell would read, or refuses the line; and it never shows a value."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from access.errors import Misconfigured
from countersign import env_file
from countersign.init.texts import environment_text
from tests.countersign.test_init import ANSWERS, SECRETS

CANARY = "canary"
PLAIN = st.text("ab1'\"\\$`;&|<>()~#=! \t*?[{%^@:/é\r\x0b", max_size=8)


def written(directory: Path, text: str) -> Path:
    file = directory / ".env"
    file.write_text(text, encoding="utf-8", newline="")
    file.chmod(0o600)
    return file


def by_a_shell(file: Path) -> str:
    """What `MINE` is after the file was read as docs/set-up.md says."""
    read = f'set -a; . {shlex.quote(str(file))}; set +a; printf %s "$MINE"'
    return subprocess.run(["/bin/sh", "-c", read], env={}, capture_output=True, check=True).stdout.decode()


def test_what_init_writes_is_read_as_it_was_typed(tmp_path: Path) -> None:
    file = written(tmp_path, environment_text(ANSWERS | {"address": "", "signing_secret": ""}))

    assert env_file.read(file) == {
        "CUSTOMERS_DB_DSN": ANSWERS["dsn"], "SLACK_BOT_TOKEN": ANSWERS["bot_token"],
        "SLACK_APP_TOKEN": ANSWERS["app_token"],
    }  # fmt: skip
    uncommented = file.read_text(encoding="utf-8").replace("# REDIS", "REDIS")
    assert env_file.read(written(tmp_path, uncommented))["REDIS_URL"] == "redis://:password@host:6379/0"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(PLAIN, PLAIN.map(shlex.quote), PLAIN.map('"{}"'.format)), max_size=3).map("".join))
@example("a#b # and a comment")
@example("a b")
@example("'it'\"'\"'s'")
@example("postgresql://h/n?a=b&c=d")
def test_a_line_means_what_it_means_to_a_shell_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    file = written(tmp_path_factory.getbasetemp(), f"# {value}\nMINE={value}\n")
    try:
        read = env_file.read(file)["MINE"]
    except Misconfigured:
        return
    assert read == by_a_shell(file)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SLACK_BOT_TOKEN=xoxb canary\n", r"\.env:1: put the value of SLACK_BOT_TOKEN into single quotes"),
        ("\n\nSLACK_BOT_TOKEN=$canary\n", r"\.env:3: put the value of SLACK_BOT_TOKEN into single quotes"),
        ("canary\n", r"\.env:1: this line is not NAME=value"),
        ("1canary=x\n", r"\.env:1: this line is not NAME=value"),
        ("A='canary\n", r"\.env:1: put the value of A into single quotes"),
        ("A=canary\nA=canary\n", r"\.env:2: A is set twice"),
        ("A='canary\0'\n", r"\.env:1: this line is not NAME=value"),
        ("A=canary\r\n", r"\.env:1: put the value of A"),
        (f"A={CANARY * 200_000}", "is too large"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_not_shown(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=why) as refused:
        env_file.read(written(tmp_path, text))

    assert CANARY not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    for file, why in ((tmp_path / "none", "there is no such file"), (tmp_path, "it is a directory")):
        with pytest.raises(Misconfigured, match=f"The file {file} cannot be read: {why}."):
            env_file.read(file)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(Misconfigured, match="it is not text in UTF-8"):
        env_file.read(tmp_path / "bytes")


def test_a_file_that_others_may_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes it has us use his database."""
    file = written(tmp_path, "A=b\n")
    file.chmod(0o620)
    with pytest.raises(Misconfigured, match=f"Run `chmod go-w {file}`"):
        env_file.read(file)

    file.chmod(0o600)
    monkeypatch.setattr(env_file.os, "geteuid", lambda: 4711)
    monkeypatch.setattr(env_file, "_ROOT", -1)
    with pytest.raises(Misconfigured, match="belongs to another account"):
        env_file.read(file)


def test_what_the_environment_sets_already_stays_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"A": "ours", "B": "", "C": "same"}

    env_file.load(written(tmp_path, "A=canary\nB=file\nC=same\nD=file\n"), environment)

    assert environment == {"A": "ours", "B": "file", "C": "same", "D": "file"}
    said = capsys.readouterr().err
    assert said == f"A is set in the environment already; the value in {tmp_path / '.env'} is not used.\n"


def test_what_to_do_depends_on_the_file_that_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "`countersign init` writes a first one" in env_file.cure(["A"])

    written(tmp_path, "A=canary\nB_FILE=/run/b\nC=\n")
    assert env_file.cure(["A", "B"]) == f"The .env here is not loaded: {env_file.LOAD}."
    assert env_file.cure(["A", "C"]).startswith("Write C into the .env here, then load it: ")

    written(tmp_path, "canary\n")
    assert env_file.cure(["A"]) == "The .env here cannot be loaded: .env:1: this line is not NAME=value."
    assert not any(secret in env_file.cure(["A"]) for secret in (*SECRETS, CANARY))
    assert os.environ.get("A") is None
