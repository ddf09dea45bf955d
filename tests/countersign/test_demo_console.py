"""The support console of the demo: who is in, what it refuses, and that it is found again after a restart."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from access.errors import PrincipalNotFound, TargetNotFound
from access.ports import Deadline
from countersign.demo import console
from countersign.demo.console import Console
from tests.contracts.command_host import spec_of
from workers.providers.command import Command, Settings
from workers.providers.command.settings import Role


@pytest.fixture
def made(tmp_path: Path) -> Console:
    return console.prepare(tmp_path / "console")


def provider_of(made: Console) -> Command:
    return Command(Settings.model_validate(made.settings()))


def test_who_was_let_in_is_in_after_a_restart_and_can_be_put_out(made: Console, tmp_path: Path) -> None:
    spec = spec_of(made.settings(), ["refund"], "ann")
    provider_of(made).grant(spec, Deadline.after(20))

    again = console.prepare(tmp_path / "console")

    assert [(one.person, one.may) for one in again.members()] == [("ann", "answers customers and pays refunds")]
    assert provider_of(again).revoke(spec, None, Deadline.after(20)).state == "removed"
    assert again.members() == []


def test_its_check_finds_nothing_wrong_but_that_it_runs_as_root_where_it_has_to(made: Console) -> None:
    found = provider_of(made).check({"answer": Role(grants=["answer"])}, Deadline.after(20))

    assert [one for one in found if one.level == "error"] == []
    assert [one.subject for one in found if one.level == "warning"] == (["account"] if made.user == "root" else [])


def test_a_role_or_a_person_that_it_does_not_know_is_refused(made: Console) -> None:
    provider = provider_of(made)
    with pytest.raises(TargetNotFound, match="no role pay"):
        provider.grant(spec_of(made.settings(), ["pay"], "ann"), Deadline.after(20))
    with pytest.raises(PrincipalNotFound):
        provider.grant(spec_of(made.settings(), ["answer"], "'; DROP TABLE member"), Deadline.after(20))
    assert made.members() == []


def test_whose_time_is_over_is_not_in_also_where_no_worker_comes(made: Console) -> None:
    grant = {
        "id": "0" * 26,
        "name": "cs_x",
        "principal": "ann",
        "grants": ["answer"],
        "expires_at": "2026-01-01T00:00:00Z",
    }
    asked = subprocess.run(
        [made.program], input=json.dumps({"verb": "grant", "grant": grant}), capture_output=True, text=True, check=True
    )

    assert json.loads(asked.stdout)["state"] == "active"
    assert made.members() == []


def test_a_question_whose_deadline_is_over_opens_nothing(made: Console) -> None:
    """Its worker has died meanwhile, and another one may have ended what this would open."""
    grant = {
        "id": "0" * 26,
        "name": "cs_x",
        "principal": "ann",
        "grants": ["answer"],
        "expires_at": "2099-01-01T00:00:00Z",
    }
    question = {"verb": "grant", "grant": grant, "deadline": "2026-01-01T00:00:00Z"}
    asked = subprocess.run([made.program], input=json.dumps(question), capture_output=True, text=True, check=True)

    assert json.loads(asked.stdout)["error"]["kind"] == "transient"
    assert made.members() == []


def test_only_its_owner_can_change_the_program(made: Console) -> None:
    for path in (made.program, made.program.parent):
        assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0
