"""Asks, checks and writes: both files whole, or neither; and never over one that is there."""

import getpass
import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from access.errors import PolicyError, Unready
from access.policy.load import check
from countersign.init.questions import HTTP, QUESTIONS, WAY, Answers, Question
from countersign.init.texts import environment_text, policy_text
from countersign.lint import lint_file
from countersign.manifest import manifest_link
from countersign.providers import ProviderClasses

DRAFT = ".countersign-init.json"
"""The answers so far, without the secrets, while the set-up is not finished."""


def run_init(directory: Path) -> int:
    """Returns the exit code: 130 when interrupted. Raises Unready when there is something already."""
    policy_file, environment_file, draft = directory / "access.yml", directory / ".env", directory / DRAFT
    for file in (policy_file, environment_file):
        if file.exists():
            raise _there(file)
    try:
        way = _ask_all(WAY, {}, draft)
        print(f"\nMake the Slack app, if you have none; this link fills in all:\n\n  {manifest_link(way['address'])}\n")
        answers = _ask_all(QUESTIONS[len(WAY) :], way, draft)
    except (KeyboardInterrupt, EOFError) as ended:
        kept = f" Your answers, but no secret, are kept in {draft}; run it again to go on." if draft.exists() else ""
        print(f"\nNothing was written.{kept}", file=sys.stderr)
        return 130 if isinstance(ended, KeyboardInterrupt) else 2
    text = policy_text(answers)
    _, problems = check(text, file=str(policy_file), providers=ProviderClasses())
    if errors := [problem.at(str(policy_file)) for problem in problems if problem.severity == "error"]:
        raise PolicyError("\n".join(errors), file=str(policy_file))
    _write_both(environment_file, environment_text(answers), policy_file, text)
    draft.unlink(missing_ok=True)
    print(f"\nWrote {policy_file}, and {environment_file} for you alone.")
    lint_file(policy_file)
    print("\nNext: invite the bot to both channels, then\n\n  set -a; . ./.env; set +a\n  countersign up\n")
    print("and, in another window with the same environment, `countersign doctor`.")
    if answers["mode"] == HTTP:
        print("Once it is up, have Slack verify the address under “Event Subscriptions” (docs/http-mode.md).")
    return 0


def _ask_all(questions: Sequence[Question], before: Answers, draft: Path) -> Answers:
    """The answers before, and these."""
    kept = _kept(draft)
    answers = dict(before)
    for question in questions:
        if not question.needed(answers):
            answers[question.key] = ""
            continue
        answers[question.key] = _ask(question, answers, kept.get(question.key) or question.default(answers))
        if not question.secret:
            kept[question.key] = answers[question.key]
            _keep(draft, kept)
    return answers


def _ask(question: Question, answers: Answers, default: str) -> str:
    """Until there is an answer that can be used."""
    prompt = f"{question.words} [{default}]: " if default else f"{question.words}: "
    while True:
        text = _typed(prompt, secret=question.secret).strip() or default
        if not text and question.optional:
            return ""
        try:
            return question.read(text, answers)
        except ValueError as reason:
            print(f"  That won't do: {reason}." if text else "  This one is needed.")


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


def _write_both(environment_file: Path, environment: str, policy_file: Path, policy: str) -> None:
    _write_new(environment_file, environment, 0o600)
    try:
        _write_new(policy_file, policy, 0o644)
    except Unready:
        environment_file.unlink()
        raise


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
