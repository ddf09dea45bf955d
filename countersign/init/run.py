"""Asks, checks and writes: all files whole, or none; and never over one that is there."""

import getpass
import json
import os
import secrets
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from access.catalog import Policy
from access.errors import PolicyError, Unready
from access.policy.load import check
from access.settings import Settings
from countersign.cli.policy_lint import lint_file
from countersign.init.account import account_statements
from countersign.init.questions import HTTP, QUESTIONS, WAY, Answers, Question
from countersign.init.slack_names import SlackNames
from countersign.init.texts import IGNORED, environment_text, ignored_text, policy_text
from countersign.manifest import manifest_link
from countersign.providers import ProviderClasses

DRAFT = ".countersign-init.json"
"""The answers so far, without the secrets, while the set-up is not finished."""
_ONE_CHANNEL = (
    "Both are the same channel: everyone in it will read each alert and the daily digest. "
    "To name another one, edit access.yml afterwards."
)


def run_init(directory: Path) -> int:
    """Returns the exit code: 130 when interrupted. Raises Unready when there is something already."""
    policy_file, environment_file, draft = directory / "access.yml", directory / ".env", directory / DRAFT
    for file in (policy_file, environment_file):
        if file.exists():
            raise _there(file)
    names = SlackNames(Settings.read(os.environ).slack_api_url)
    try:
        way = _ask_all(WAY, {}, draft, names)
        print(f"\nMake the Slack app, if you have none; this link fills in all:\n\n  {manifest_link(way['address'])}\n")
        answers = _ask_all(QUESTIONS[len(WAY) :], way, draft, names)
    except (KeyboardInterrupt, EOFError) as ended:
        kept = f" Your answers, but no secret, are kept in {draft}; run it again to go on." if draft.exists() else ""
        print(f"\nNothing was written.{kept}", file=sys.stderr)
        return 130 if isinstance(ended, KeyboardInterrupt) else 2
    text = policy_text(answers)
    policy, problems = check(text, file=str(policy_file), providers=ProviderClasses())
    if policy is None:
        errors = [problem.at(str(policy_file)) for problem in problems if problem.severity == "error"]
        raise PolicyError("\n".join(errors), file=str(policy_file))
    _write(directory, environment_text(answers), text)
    draft.unlink(missing_ok=True)
    print(f"\nWrote {policy_file}, and {environment_file} for you alone.")
    if missing := _not_ignored(directory):
        print(f"Add to {directory / '.gitignore'}, so that Git does not take the secrets:  {'  '.join(missing)}")
    lint_file(policy_file)
    _say_what_is_next(answers, policy, names)
    return 0


def _say_what_is_next(answers: Answers, policy: Policy, names: SlackNames) -> None:
    print("\nThe bot's own account on the database server. As a superuser, in psql, connected to the database:\n")
    print(textwrap.indent(account_statements(answers), "  "))
    print(
        "\nThe last line asks for the password that the connection string holds. REVOKE takes the right to\n"
        "connect from everyone who has it only as PUBLIC; name all databases of the server there. Step 6 of\n"
        "docs/set-up.md explains each line."
    )
    print("\nNext: ", end="")
    if troubles := names.troubles(policy):
        print("\n".join(["see to the channels,\n", *(f"  {trouble}" for trouble in troubles), "\nthen\n"]))
    else:
        print("invite the bot to the channels, if it is not there yet, then\n")
    print("  set -a; . ./.env; set +a\n  countersign up\n")
    print("and, in another window with the same environment, `countersign doctor`.")
    if answers["mode"] == HTTP:
        print("Once it is up, have Slack verify the address under “Event Subscriptions” (docs/http-mode.md).")


def _ask_all(questions: Sequence[Question], before: Answers, draft: Path, names: SlackNames) -> Answers:
    """The answers before, and these."""
    kept = _kept(draft)
    answers = dict(before)
    for question in questions:
        if not question.needed(answers):
            answers[question.key] = ""
            continue
        usual = names.team if question.key == "team" else question.default(answers)
        answers[question.key] = _ask(question, answers, kept.get(question.key) or usual, names)
        if not question.secret:
            kept[question.key] = answers[question.key]
            _keep(draft, kept)
    return answers


def _ask(question: Question, answers: Answers, default: str, names: SlackNames) -> str:
    """Until there is an answer that can be used; then says what Slack calls it."""
    prompt = f"{question.words} [{default}]: " if default else f"{question.words}: "
    while True:
        text = _typed(prompt, secret=question.secret).strip() or default
        if not text and question.optional:
            return ""
        try:
            answer = question.read(text, answers)
            remarks = names.about(question.key, answer)
        except ValueError as reason:
            print(f"  That won't do: {reason}." if text else "  This one is needed.")
            continue
        if question.key == "security_channel" and answer == answers["approval_channel"]:
            remarks.append(_ONE_CHANNEL)
        for remark in remarks:
            print(f"  {remark}")
        return answer


def _typed(prompt: str, *, secret: bool) -> str:
    """A line from the terminal, or from a file or pipe. Raises EOFError at its end."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt) if secret else input(prompt)
    print(prompt, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _kept(draft: Path) -> dict[str, str]:
    try:
        found = json.loads(draft.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def _keep(draft: Path, answers: Answers) -> None:
    fresh = _written(draft, json.dumps(answers, indent=2), 0o600)
    fresh.replace(draft)


def _write(directory: Path, environment: str, policy: str) -> None:
    """All or none; what keeps the secrets out of Git comes first."""
    files = [(directory / ".env", environment, 0o600), (directory / "access.yml", policy, 0o644)]
    if not (directory / ".gitignore").exists():
        files.insert(0, (directory / ".gitignore", ignored_text(), 0o644))
    written: list[Path] = []
    try:
        for file, text, mode in files:
            _write_new(file, text, mode)
            written.append(file)
    except Unready:
        for file in written:
            file.unlink()
        raise


def _not_ignored(directory: Path) -> list[str]:
    """What the directory's own .gitignore, which may be older than we are, does not hold word for word."""
    try:
        lines = (directory / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return list(IGNORED)
    return [pattern for pattern in IGNORED if pattern not in {line.strip().removeprefix("/") for line in lines}]


def _write_new(file: Path, text: str, mode: int) -> None:
    """Put into place whole, and only where there is nothing."""
    fresh = _written(file, text, mode)
    try:
        file.hardlink_to(fresh)
    except FileExistsError:
        raise _there(file) from None
    except OSError as error:
        raise Unready(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        fresh.unlink()


def _written(file: Path, text: str, mode: int) -> Path:
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise Unready(f"{file} cannot be written: {error.strerror}.") from None
    return fresh


def _there(file: Path) -> Unready:
    return Unready(f"{file} is there already and is not overwritten; move it away, or name another --directory.")
