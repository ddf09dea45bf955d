"""The first set-up: what is asked, what is written, and what is not."""

import io
import json
import os
import pty
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from access.errors import Unready
from access.policy.load import load_policy
from countersign.init.questions import QUESTIONS, Question
from countersign.init.run import DRAFT, run_init
from countersign.init.texts import environment_text, policy_text
from countersign.manifest import manifest_link
from countersign.providers import ProviderClasses
from tests.waiting import wait_until

DSN = "postgresql://countersign:p$a'ss%23`word@db.example:5432/shop"
ANSWERS = {
    "mode": "socket",
    "team": "T0ACME", "timezone": "Europe/Amsterdam",
    "requesters": "ann=U0ANN ben=U0BEN", "approvers": "lea=U0LEA kim=U0KIM", "security": "sam=U0SAM",
    "approval_channel": "C0PAYAPPR", "security_channel": "C0SEC",
    "resource": "customers-db", "title": "Customer database", "role": "support_read", "variable": "CUSTOMERS_DB_DSN",
    "dsn": DSN, "bot_token": "xoxb-1-canary-bot", "app_token": "xapp-1-canary-app",
}  # fmt: skip
SIGNING = "canary0signing0" * 3
BY_HTTP = {"mode": ["HTTP mode", "https://bot.example.org/countersign"], "app_token": SIGNING}
SECRETS = (DSN, "canary-bot", "canary-app")


def answer(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def answers_with(**other: list[str] | str) -> list[str]:
    """All answers, some of them after others that won't do."""
    lines = list[str]()
    for value in (ANSWERS | other).values():
        lines += value if isinstance(value, list) else [value]
    return lines


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_the_answers_become_a_policy_that_loads_and_an_environment_for_one_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, *ANSWERS.values())

    assert run_init(tmp_path) == 0

    file = tmp_path / "access.yml"
    policy = load_policy(file.read_text(encoding="utf-8"), file=str(file), providers=ProviderClasses())
    assert policy.slack_team == "T0ACME"
    (rule,) = policy.rules
    assert policy.members(rule.groups) == {"ann", "ben"}
    assert policy.members(rule.any_of) == {"lea", "kim"}
    assert rule.channel == "C0PAYAPPR"
    assert policy.resources["customers-db"].roles["support_read"].definition == {"grants": ["support_read"]}
    assert mode(tmp_path / ".env") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "access.yml"]
    printed = capsys.readouterr()
    assert "can be used: 5 people" in printed.out, "it is linted at once"
    assert manifest_link() in printed.out
    assert not any(secret in printed.out + printed.err for secret in SECRETS)


def test_a_shell_reads_the_secrets_as_they_were_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, *ANSWERS.values())
    run_init(tmp_path)

    read = f"set -a; . ./.env; set +a; {sys.executable} -c 'import os, json; print(json.dumps(dict(os.environ)))'"
    shell = subprocess.run(["/bin/sh", "-c", read], cwd=tmp_path, env={}, capture_output=True, check=True)

    there = json.loads(shell.stdout)
    assert there["CUSTOMERS_DB_DSN"] == DSN
    assert there["SLACK_BOT_TOKEN"] == "xoxb-1-canary-bot"
    assert there["SLACK_APP_TOKEN"] == "xapp-1-canary-app"


@pytest.mark.parametrize(
    ("key", "bad", "reason"),
    [
        ("mode", "carrier pigeon", "write socket or http"),
        ("team", "acme", "a Slack workspace is given by its id"),
        ("team", "", "This one is needed"),
        ("timezone", "Moon", "unknown time zone"),
        ("requesters", "ann", "write each person as name=member id"),
        ("requesters", "ann=@ann", "a Slack account is given by its member id"),
        ("requesters", "Ann=U0ANN", "a person's name has small letters"),
        ("approvers", "ann=U0LEA", "ann was U0ANN before, not U0LEA"),
        ("security", "sammy=U0LEA", "U0LEA was called lea before, not sammy"),
        ("approval_channel", "#approvals", "a Slack channel is given by its id"),
        ("resource", "Customers", "a name has small letters"),
        ("role", "read; DROP", "it has letters, digits"),
        ("variable", "PATH", "ends in _DSN"),
        ("dsn", "p4ssword@db", "it looks like postgresql://"),
        ("bot_token", "xapp-1-canary-app", "this token begins with xoxb-"),
        ("app_token", "xoxb-1-canary-bot", "this token begins with xapp-"),
    ],
)
def test_a_bad_answer_is_asked_again_with_the_reason(
    key: str,
    bad: str,
    reason: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer(monkeypatch, *answers_with(**{key: [bad, ANSWERS[key]]}))

    assert run_init(tmp_path) == 0

    printed = capsys.readouterr().out
    assert reason in printed
    assert not any(secret in printed for secret in (*SECRETS, "p4ssword"))
    assert (tmp_path / "access.yml").exists()


def test_who_takes_http_mode_is_asked_for_the_address_and_the_signing_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mode, address = BY_HTTP["mode"]
    way = [mode, "http://bot.example.org", f"{address}/slack/events", address]
    answer(monkeypatch, *answers_with(**BY_HTTP | {"mode": way}))

    assert run_init(tmp_path) == 0

    printed = capsys.readouterr().out
    assert "not at “http://bot.example.org”" in printed
    assert "leave /slack/events out of the address" in printed
    assert manifest_link(address) in printed
    assert SIGNING not in printed
    written = (tmp_path / ".env").read_text(encoding="utf-8")
    assert f"\nSLACK_SIGNING_SECRET={SIGNING}\n" in written
    assert "# COUNTERSIGN_HTTP_PREFIX=/countersign   # " in written, "a shell reads it as it is once uncommented"
    assert "SLACK_APP_TOKEN" not in written


@pytest.mark.parametrize("name", ["access.yml", ".env"])
def test_what_is_there_is_never_overwritten(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    answer(monkeypatch, *ANSWERS.values())

    with pytest.raises(Unready, match="is there already and is not overwritten"):
        run_init(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_a_file_that_appears_meanwhile_is_not_overwritten_and_no_secret_is_left_lying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "access.yml"

    class Slow(io.StringIO):
        """Somebody else writes a policy before the last answer."""

        def readline(self, *_: object) -> str:
            line = super().readline()
            if "xapp" in line:
                policy.write_text("mine", encoding="utf-8")
            return line

    monkeypatch.setattr(sys, "stdin", Slow("\n".join(ANSWERS.values()) + "\n"))
    with pytest.raises(Unready, match="not overwritten"):
        run_init(tmp_path)

    assert policy.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / ".env").exists()


def test_an_interrupted_set_up_goes_on_with_what_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = list(ANSWERS.values())
    answer(monkeypatch, *lines[:14])
    assert run_init(tmp_path) == 2

    draft = tmp_path / DRAFT
    assert [path.name for path in tmp_path.iterdir()] == [DRAFT], "nothing is written by halves"
    assert mode(draft) == 0o600
    assert not any(secret in draft.read_text(encoding="utf-8") for secret in SECRETS)
    assert "run it again to go on" in capsys.readouterr().err

    answer(monkeypatch, *[""] * 12, DSN, "xoxb-1-canary-bot", "xapp-1-canary-app")
    assert run_init(tmp_path) == 0
    assert not draft.exists()
    policy = yaml.safe_load((tmp_path / "access.yml").read_text(encoding="utf-8"))
    assert policy["people"]["kim"] == {"slack": "U0KIM"}


HEEDING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("countersign", run_name="__main__")
"""
"""What a shell starts in the background ignores Ctrl-C, and so does all that the tests start there."""


def test_ctrl_c_writes_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HEEDING, "init", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as asking:
        assert asking.stdin is not None
        asking.stdin.write(b"\nT0ACME\nUTC\n")
        asking.stdin.flush()
        draft = tmp_path / DRAFT
        wait_until(lambda: draft.exists() and "UTC" in draft.read_text(encoding="utf-8"), "two answers to be kept")
        asking.send_signal(signal.SIGINT)
        asking.wait(20)  # its input stays open, as a person's does: the end of that would be another reason to stop
        assert asking.stderr is not None
        told = asking.stderr.read()

    assert asking.returncode == 130
    assert b"Nothing was written." in told
    assert b"Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == [DRAFT]


def test_secrets_are_typed_without_echo(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path) as (type_in, screen):
        for question in (one for one in QUESTIONS if one.key in ANSWERS):
            wait_until(lambda words=question.words: words in screen(), f"the question “{question.words}”")
            type_in(ANSWERS[question.key])
        wait_until(lambda: "Wrote" in screen(), "the files to be written")

    shown = screen()
    assert "ann=U0ANN" in shown, "what is no secret is seen"
    assert not any(secret in shown for secret in SECRETS)
    assert "xoxb-1-canary-bot" in (tmp_path / ".env").read_text(encoding="utf-8")


@contextmanager
def at_a_terminal(directory: Path) -> Iterator:
    """`countersign init` as a person at a terminal runs it: how to type a line, and what the screen has shown."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    shown = bytearray()

    def screen() -> str:
        try:
            while piece := os.read(ours, 4096):
                shown.extend(piece)
        except OSError:
            pass  # nothing more for now
        return " ".join(shown.decode(errors="replace").split())

    asking = subprocess.Popen(
        [sys.executable, "-m", "countersign", "init", "--directory", str(directory)],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    try:
        yield lambda line: os.write(ours, f"{line}\n".encode()), screen
        assert asking.wait(20) == 0
    finally:
        asking.kill()
        asking.wait()
        screen()
        os.close(ours)
        os.close(theirs)


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
name = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)


@settings(max_examples=30, deadline=None)
@given(person=name, resource=st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True), title=words, role=name)
def test_whatever_can_be_answered_becomes_a_policy_that_says_so(
    person: str, resource: str, title: str, role: str
) -> None:
    """Also `no`, `null`, `1e3` and what looks like YAML."""
    answers = ANSWERS | {"requesters": f"{person}=U0NEW", "resource": resource, "title": title, "role": role}
    assume(all(is_taken(question, answers) for question in QUESTIONS if question.key in answers))

    policy = load_policy(policy_text(answers), file="access.yml", providers=ProviderClasses())

    assert policy.resources[resource].title == title
    assert policy.resources[resource].roles[role].definition == {"grants": [role]}
    assert policy.people[person].slack == "U0NEW"  # type: ignore[index]


def is_taken(question: Question, answers: dict[str, str]) -> bool:
    try:
        before = QUESTIONS[: QUESTIONS.index(question)]
        question.read(answers[question.key], {one.key: answers.get(one.key, "") for one in before})
    except ValueError:
        return False
    return True


def test_a_secret_left_out_stands_there_to_be_filled_in() -> None:
    text = environment_text(ANSWERS | {"app_token": ""})

    assert "\nSLACK_APP_TOKEN=\n" in text
