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
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from access.errors import Unready
from access.policy.load import load_policy
from countersign.demo.stage import acme
from countersign.init.account import account_statements
from countersign.init.questions import QUESTIONS, Question
from countersign.init.run import DRAFT, run_init
from countersign.init.texts import environment_text, policy_text
from countersign.manifest import manifest_link
from countersign.providers import ProviderClasses
from sandbox.cast import Person
from sandbox.server import Running, running
from tests.ports import free_port
from tests.waiting import wait_until

DSN = "postgresql://countersign:p$a'ss%23`word@db.example:5432/shop"
ANSWERS = {
    "mode": "socket", "bot_token": "xoxb-1-canary-bot", "app_token": "xapp-1-canary-app",
    "team": "T0ACME", "timezone": "Europe/Amsterdam",
    "requesters": "ann=U0ANN ben=U0BEN", "approvers": "lea=U0LEA kim=U0KIM", "security": "sam=U0SAM",
    "approval_channel": "C0PAYAPPR", "security_channel": "C0SEC",
    "resource": "customers-db", "title": "Customer database", "role": "support_read",
    "description": "Read customers and orders, but no card numbers", "variable": "CUSTOMERS_DB_DSN", "dsn": DSN,
}  # fmt: skip
SIGNING = "canary0signing0" * 3
BY_HTTP = {"mode": ["HTTP mode", "https://bot.example.org/countersign"], "app_token": SIGNING}
SECRETS = (DSN, "canary-bot", "canary-app")


@pytest.fixture(scope="module", autouse=True)
def slack() -> Iterator[Running]:
    """The workspace of the answers, where the token is good."""
    with running(acme(), bot_token=ANSWERS["bot_token"]) as sandbox, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLACK_API_URL", sandbox.api_url)
        environment.setenv("COUNTERSIGN_SANDBOX", "1")
        yield sandbox
        assert sandbox.workspace().violations() == []


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
    assert policy.approvers() == {"lea", "kim"}
    assert rule.channel == "C0PAYAPPR"
    assert policy.resources["customers-db"].roles["support_read"].definition == {"grants": ["support_read"]}
    assert mode(tmp_path / ".env") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", ".gitignore", "access.yml"]
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
        ("security_channel", "", "This one is needed"),
        ("timezone", "Moon", "unknown time zone"),
        ("requesters", "ann", "write each person as name=member id"),
        ("requesters", "ann=@ann", "a Slack account is given by its member id"),
        ("requesters", "Ann=U0ANN", "a person's name has small letters"),
        ("approvers", "ann=U0LEA", "ann was U0ANN before, not U0LEA"),
        ("security", "sammy=U0LEA", "U0LEA was called lea before, not sammy"),
        ("approval_channel", "#approvals", "a Slack channel is given by its id"),
        ("resource", "Customers", "a name has small letters"),
        ("role", "read; DROP", "it has letters, digits"),
        ("description", "", "This one is needed"),
        ("description", "Read \x1b[8mcards", "one line without hidden characters"),
        ("variable", "PATH", "ends in _DSN"),
        ("dsn", "p4ssword@db", "it looks like postgresql://"),
        ("bot_token", "xapp-1-canary-app", "this token begins with xoxb-"),
        ("bot_token", "xoxb-of-another-app", "Slack does not accept it (invalid_auth)"),
        ("team", "T0OTHER", "the bot's token is for T0ACME"),
        ("requesters", "ann=U0NOBODY", "Slack knows no account U0NOBODY in this workspace"),
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
            if DSN in line:
                policy.write_text("mine", encoding="utf-8")
            return line

    monkeypatch.setattr(sys, "stdin", Slow("\n".join(ANSWERS.values()) + "\n"))
    with pytest.raises(Unready, match="not overwritten"):
        run_init(tmp_path)

    assert policy.read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [DRAFT, "access.yml"]


def test_an_interrupted_set_up_goes_on_with_what_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = list(ANSWERS.values())
    answer(monkeypatch, *lines[:-2])
    assert run_init(tmp_path) == 2

    draft = tmp_path / DRAFT
    assert [path.name for path in tmp_path.iterdir()] == [DRAFT], "nothing is written by halves"
    assert mode(draft) == 0o600
    assert not any(secret in draft.read_text(encoding="utf-8") for secret in SECRETS)
    assert "run it again to go on" in capsys.readouterr().err

    answer(monkeypatch, "", "xoxb-1-canary-bot", "xapp-1-canary-app", *[""] * 12, DSN)
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
        asking.stdin.write(b"\n\n\nT0ACME\nUTC\n")
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
@given(
    person=name,
    resource=st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
    title=words,
    role=name,
    description=words,
)
def test_whatever_can_be_answered_becomes_a_policy_that_says_so(
    person: str, resource: str, title: str, role: str, description: str
) -> None:
    """Also `no`, `null`, `1e3` and what looks like YAML."""
    answers = ANSWERS | {"requesters": f"{person}=U0NEW", "resource": resource, "title": title, "role": role}
    answers |= {"description": description}
    assume(all(is_taken(question, answers) for question in QUESTIONS if question.key in answers))

    policy = load_policy(policy_text(answers), file="access.yml", providers=ProviderClasses())

    assert policy.resources[resource].title == title
    assert policy.resources[resource].roles[role].definition == {"grants": [role]}
    assert policy.people[person].slack == "U0NEW"  # type: ignore[index]
    (written,) = yaml.safe_load(policy_text(answers))["resources"]
    assert written["roles"][role]["description"] == description


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


def test_the_names_that_slack_has_are_said_beside_the_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, *answers_with(team="", requesters="ann=U0ANN gus=U0GUS dee=U0DEE bot=U0BOT"))

    assert run_init(tmp_path) == 0

    printed = capsys.readouterr().out
    assert "The bot is “countersign” in “Acme” (T0ACME)." in printed
    assert "[T0ACME]" in printed, "the workspace of the token is offered"
    for said in (
        "ann=U0ANN is “Ann” in Slack.", "gus=U0GUS is “Gus” in Slack, who is a guest: ",
        "dee=U0DEE is “Dee” in Slack, whose account is deactivated.",
        "bot=U0BOT is “Countersign” in Slack, which is an app.",
        "C0PAYAPPR is “payments-approvals”, a private channel.", "C0SEC is “security”, a private channel.",
    ):  # fmt: skip
        assert f"  {said}" in printed
    assert "Both are the same channel" not in printed


def test_a_name_that_a_person_chose_does_not_move_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    eve = Person("U0EVE", "eve", "Lea” in Slack.\x1b[1A\u202e\nsam=U0SAM is “Sam")
    others = tuple(person for person in acme().people if person.id != "U0EVE")
    with running(replace(acme(), people=(eve, *others)), bot_token=ANSWERS["bot_token"]) as sandbox:
        monkeypatch.setenv("SLACK_API_URL", sandbox.api_url)
        answer(monkeypatch, *answers_with(requesters="eve=U0EVE", approvers="kim=U0KIM"))
        assert run_init(tmp_path) == 0

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "U0EVE" in line]
    assert line == "  eve=U0EVE is “Lea' in Slack.[1A sam=U0SAM is 'Sam” in Slack."


def test_where_slack_is_silent_ids_are_taken_as_they_are_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{free_port()}/api/")
    answer(monkeypatch, *answers_with(requesters="ann=U0NOBODY", approval_channel="C0NOWHERE"))

    assert run_init(tmp_path) == 0

    printed = capsys.readouterr()
    assert printed.out.count("Slack cannot be asked from here just now") == 1
    assert not any(secret in printed.out + printed.err for secret in SECRETS)


def test_channels_in_which_the_bot_cannot_post_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, *answers_with(approval_channel="C0NOWHERE", security_channel="C0GENERAL"))

    assert run_init(tmp_path) == 0

    printed = capsys.readouterr().out
    assert "Slack shows the bot no channel C0NOWHERE" in printed
    assert "C0GENERAL: The bot is not in it. Invite the bot there: /invite @Countersign." in printed


def test_one_channel_for_approvers_and_security_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, *answers_with(security_channel="C0PAYAPPR"))

    assert run_init(tmp_path) == 0

    assert "Both are the same channel: everyone in it will read each alert" in capsys.readouterr().out


def test_git_takes_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, *ANSWERS.values())
    run_init(tmp_path)
    (tmp_path / DRAFT).touch()
    (tmp_path / ".countersign").mkdir()
    (tmp_path / ".countersign" / "job.key").touch()

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    taken = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert taken.stdout.split() == [".gitignore", "access.yml"]


def test_what_an_older_gitignore_lacks_is_told_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".gitignore").write_text("/.env\n*.log\n", encoding="utf-8")
    answer(monkeypatch, *ANSWERS.values())

    assert run_init(tmp_path) == 0

    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "/.env\n*.log\n"
    printed = capsys.readouterr().out
    assert "so that Git does not take the secrets:  .env.*  .countersign/  .countersign-init.json*\n" in printed


def test_the_statements_of_the_bots_account_are_printed_with_its_names_and_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, *answers_with(role="Read.Only"))
    run_init(tmp_path)
    assert (
        '\n  GRANT "Read.Only" TO "countersign" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;\n' in capsys.readouterr().out
    )

    odd = account_statements(ANSWERS | {"dsn": """host=db user='bo"t' password=canary dbname='sh"op; DROP'"""})
    assert 'GRANT CONNECT ON DATABASE "sh""op; DROP" TO "bo""t", "support_read";' in odd
    assert 'ON DATABASE "sh""op; DROP", "postgres", "template1" FROM PUBLIC;' in odd
    assert odd.endswith('\\password "bo""t"')
    assert "canary" not in odd

    assert 'ON DATABASE "postgres", "template1" FROM' in account_statements(ANSWERS | {"dsn": "host=db user=postgres"})
    assert 'ON DATABASE :"DBNAME" TO "countersign"' in account_statements(ANSWERS | {"dsn": ""})
