"""What the check says is missing, and what is too much."""

import os
from typing import Any

import pytest

from access.ports import Deadline, Finding
from tests.workers.command.programs import AS_ROOT, Shelf
from workers.providers.command import Command
from workers.providers.command.settings import Role

FINE = """echo '{"findings": [{"level": "ok", "subject": "groups", "sentence": "Groups can be given."}]}'"""


def _found(shelf: Shelf, body: str = FINE, **more: Any) -> dict[str, Finding]:
    findings = shelf.provider(body, **more).check({"use": Role(grants=["restart"])}, Deadline.after(20))
    return {f"{one.level} {one.subject}": one for one in findings}


def test_a_target_that_is_as_it_should_be_has_nothing_wrong(shelf: Shelf) -> None:
    assert not [one for one in _found(shelf, secrets={"api_token": shelf.secret("x" * 20)}) if one.startswith("error")]
    assert "ok groups" in _found(shelf)


def test_the_program_is_asked_about_the_roles_of_the_policy(shelf: Shelf) -> None:
    _found(shelf, f"cat > {shelf.folder}/asked; {FINE}")

    assert '"roles": {"use": ["restart"]}' in shelf.text("asked")


def test_a_program_that_others_may_write_to_is_found_and_not_run(shelf: Shelf) -> None:
    provider = shelf.provider(f"touch {shelf.folder}/ran; {FINE}")
    (shelf.folder / "program").chmod(0o757)

    (found,) = [one for one in provider.check({}, Deadline.after(20)) if one.level == "error"]

    assert "chmod go-w" in found.sentence
    assert not (shelf.folder / "ran").exists()


def test_an_account_that_is_missing_is_found(shelf: Shelf) -> None:
    assert "no-such-account" in _found(shelf, user="no-such-account")["error account"].sentence


@pytest.mark.skipif(not AS_ROOT and not os.environ.get("CI"), reason="only root can run as root")
def test_a_program_that_runs_as_root_is_told(shelf: Shelf) -> None:
    assert "runs as root" in _found(shelf)["warning account"].sentence


@pytest.mark.parametrize("kind", ["secrets", "environment"])
def test_a_secret_that_others_can_read_and_one_that_is_not_there_are_found(shelf: Shelf, kind: str) -> None:
    shown, missing = shelf.secret("x" * 20), {"file": str(shelf.folder / "none")}
    (shelf.folder / "token").chmod(0o644)
    names = {"secrets": ("shown", "missing"), "environment": ("SHOWN", "MISSING")}[kind]

    found = _found(shelf, FINE, **{kind: dict(zip(names, (shown, missing), strict=True))})

    assert "Others can read" in found[f"error {names[0]}"].sentence
    assert "chmod 600" in found[f"error {names[0]}"].cure
    assert "cannot be read" in found[f"error {names[1]}"].sentence


def test_a_program_that_cannot_check_itself_is_a_warning_and_one_that_fails_an_error(shelf: Shelf) -> None:
    unsupported = """echo '{"error": {"kind": "unsupported"}}'"""

    assert "warning program" in _found(shelf, unsupported)
    assert "error program" in _found(shelf, "exit 3")


def test_the_settings_alone_say_what_is_possible_without_a_program() -> None:
    """The form and the linter read them where no program is."""
    assert Command.capabilities.of({"can": ["reveal"]}).reveals
