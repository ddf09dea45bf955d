"""What a plan prints of a webhook: pasted into a shell it ends the access, and runs nothing of anyone's words."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from access.ports import GrantSpec, SecretReference
from tests.contracts.webhook_fixtures import receiver
from tests.contracts.webhook_receiver import Receiver, make_spec, soon
from workers.providers.webhook import Webhook

__all__ = ["receiver"]


def typed(statements: tuple[str, ...], directory: Path, **words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-uc", "\n".join(statements)], env=os.environ | words, cwd=directory, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture
def spec(receiver: Receiver) -> Iterator[GrantSpec]:
    """A grant that is open."""
    opened = make_spec()
    Webhook(receiver.settings()).grant(opened, soon())
    yield opened
    receiver.rows("DELETE FROM grants")


@pytest.mark.parametrize("place", ["a variable", "the file of a variable", "a file with a quote in its name"])
def test_the_printed_statements_find_the_key_where_the_worker_does(
    receiver: Receiver, spec: GrantSpec, tmp_path: Path, place: str
) -> None:
    file = tmp_path / "it's a key"
    file.write_text(receiver.key.read_text())
    named = SecretReference(env="REPORTS_KEY")
    reference, words = {
        "a variable": (named, {"REPORTS_KEY": file.read_text().strip()}),
        "the file of a variable": (named, {"REPORTS_KEY_FILE": str(file)}),
        "a file with a quote in its name": (SecretReference(file=str(file)), {}),
    }[place]

    said = typed(Webhook(receiver.settings(key=reference)).plan(spec).revoke, tmp_path, **words)

    assert said.stdout.splitlines()[0].startswith('{"state": "removed"'), said.stderr
    assert said.stdout.splitlines()[1] == '{"present": false}'
    assert receiver.rows("SELECT 1 FROM grants WHERE id = ?", spec.grant_id) == []


HOSTILE = (
    "'; touch planted; '",
    "$(touch planted)",
    "`touch planted`",
    '"; touch planted; "',
    "\n touch planted",
    "\\",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_in_a_plan_run_nothing_when_it_is_pasted(
    receiver: Receiver, spec: GrantSpec, tmp_path: Path, words: str
) -> None:
    hostile = replace(spec, principal=words, resource=words, role=words, definition={"grants": ["sales", words]})

    said = typed(Webhook(receiver.settings()).plan(hostile).revoke, tmp_path)

    assert list(tmp_path.iterdir()) == [], "something ran"
    assert len(said.stdout.splitlines()) == 2, "the endpoint was asked twice, and no more"


@pytest.mark.parametrize("name", ["X; touch planted", "$(touch planted)", "'; touch planted; '"])
def test_the_name_of_a_variable_runs_nothing_either(
    receiver: Receiver, spec: GrantSpec, tmp_path: Path, name: str
) -> None:
    typed(Webhook(receiver.settings(key=SecretReference(env=name))).plan(spec).revoke, tmp_path)

    assert list(tmp_path.iterdir()) == [], "something ran"


def test_a_plan_names_the_address_and_where_the_key_is_and_not_the_key(receiver: Receiver, spec: GrantSpec) -> None:
    plan = Webhook(receiver.settings()).plan(spec)
    said = "\n".join((*plan.grant, *plan.revoke, plan.where))

    assert str(receiver.key) in said
    assert receiver.settings().url in said
    assert receiver.secret not in said


def test_the_words_of_the_provider_are_read_where_its_engine_is_not_installed() -> None:
    """The bot and the lint read them, and call no one."""
    program = (
        "import sys; sys.modules['httpcore'] = None; from workers.providers.webhook import Settings, Webhook; "
        "s = Settings(url='https://a.example/x', key={'env': 'K'}, can=['expire']); "
        "print(Webhook.capabilities.of(s.model_dump()).native_expiry, Webhook.target_key(s))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert said.stdout.strip() == "0:00:01 https://a.example/x by env:K"
