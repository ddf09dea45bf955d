"""`countersign conformance --live`: what can be looked at on a target in use, and that nothing of it stays there."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest

from access.errors import PrincipalNotFound, Unready
from access.ports import Deadline, GrantSpec, Managed, Observation, Outcome, Plan, Provider, Receipt, Removal, Secret
from countersign.cli.conformance import _table
from countersign.conformance.live import Run, Seen, Target, look_at
from countersign.conformance.live_promises import LIVE
from countersign.conformance.person import CLIENTS, CannotLogIn
from countersign.conformance.promises import PROMISES
from countersign.demo import console
from countersign.demo.policy import SECRET, demo_policy
from countersign.demo.stage import acme
from countersign.demo.target import Target as Shop
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import ask as mariadb_ask
from tests.contracts.mysql_server import run as mariadb_run
from tests.contracts.mysql_world import DIRECT, MysqlWorld
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import provider_factory
from tests.contracts.webhook_fixtures import receiver
from tests.contracts.webhook_receiver import Receiver
from tests.ports import free_port
from tests.waiting import wait_until
from workers.providers.command import Command, Settings
from workers.providers.mysql import Mysql
from workers.providers.postgres import Postgres
from workers.providers.webhook import Webhook

__all__ = ["receiver"]

Wrong = type[Postgres]


class ForgetsToRevoke(Postgres):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return Removal(state="removed", sessions_ended=0)

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        return []


class NeedsAReceipt(Postgres):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if receipt is None and not self.is_the_last:
            return Removal(state="absent", sessions_ended=0)
        return super().revoke(spec, receipt, deadline)

    is_the_last = False


class CannotRevokeTwice(Postgres):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        removal = super().revoke(spec, receipt, deadline)
        return Removal(state="removed", sessions_ended=0) if removal.state == "absent" else removal


class EndsLate(Postgres):
    """The target's own end comes an hour after that of the grant."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        from dataclasses import replace
        from datetime import timedelta

        return super().grant(replace(spec, expires_at=spec.expires_at + timedelta(hours=1)), deadline)


class OneSecretForAll(Postgres):
    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        with patch("secrets.token_urlsafe", return_value="always-the-same-secret-for-all"):
            return super().reveal(spec, receipt, deadline)


class ListsNothing(Postgres):
    def list_managed(self, deadline: Deadline) -> list[Managed]:
        return []


class PlansSomethingElse(Postgres):
    def plan(self, spec: GrantSpec) -> Plan:
        return Plan(grant=("CREATE ROLE somebody",), revoke=("DROP ROLE somebody",))


class KnowsNoOne(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise PrincipalNotFound("There is no account of this name on the host.")


class Breaks(Postgres):
    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise KeyError("the secret is hunter2")


def run_on(world: PostgresWorld, directory: Path, provider: Wrong, numbers: list[str]) -> dict[str, Seen]:
    with provider_factory(provider, world.bot_dsn, directory) as make:
        target = Target(make=make, resource="customers-db", role="read", definition={"grants": ["support_read"]},
                        settings={"dsn": {"env": "SHOP_DSN"}}, principal="canary")  # fmt: skip
        with closing(Run(target)) as run:
            return {seen.number: seen for seen in look_at(run, LIVE, numbers)}


@pytest.fixture
def by_hand(world: PostgresWorld) -> Callable[[], None]:
    """Takes away what a wrong provider has left."""

    def take() -> None:
        for name in left_on(world):
            world.owner.execute(f'DROP ROLE "{name}"'.encode())

    return take


def left_on(world: PostgresWorld) -> list[str]:
    return [
        name for (name,) in world.owner.execute(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'cs\_%'").fetchall()
    ]


def test_what_keeps_its_promises_is_seen_to_and_leaves_nothing(world: PostgresWorld, tmp_path: Path) -> None:
    untouched = world.snapshot()

    seen = run_on(world, tmp_path, Postgres, list(PROMISES))

    assert {number: one.state for number, one in seen.items() if number in LIVE} == dict.fromkeys(LIVE, "kept")
    assert {one.state for number, one in seen.items() if number not in LIVE} == {"not looked at"}
    assert world.snapshot() == untouched


@pytest.mark.parametrize(
    ("provider", "number"),
    [
        (ForgetsToRevoke, "C01"), (ForgetsToRevoke, "C11"), (NeedsAReceipt, "C04"), (CannotRevokeTwice, "C03"),
        (EndsLate, "C13"), (EndsLate, "C14"), (OneSecretForAll, "C23"), (ListsNothing, "C18"),
        (PlansSomethingElse, "C24"), (Breaks, "C02"),
    ],
)  # fmt: skip
def test_a_provider_that_breaks_a_promise_is_shown_as_breaking_it(
    provider: Wrong, number: str, world: PostgresWorld, tmp_path: Path, by_hand: Callable[[], None]
) -> None:
    with patch.object(Run, "_ended", lambda _run, _spec: True):  # it could not end what it opened
        seen = run_on(world, tmp_path, provider, [number])
    by_hand()

    assert (seen[number].state, "hunter2" in seen[number].why) == ("broken", False), seen


def test_a_name_that_the_target_does_not_know_is_no_broken_promise(world: PostgresWorld, tmp_path: Path) -> None:
    seen = run_on(world, tmp_path, KnowsNoOne, list(LIVE))
    assert [number for number, one in seen.items() if one.state == "broken"] == []
    assert seen["C01"].state == "not looked at"
    assert "--principal NAME" in seen["C01"].why


def test_what_cannot_be_ended_is_named(world: PostgresWorld, tmp_path: Path, by_hand: Callable[[], None]) -> None:
    class NeverEnds(Postgres):
        def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
            return Removal(state="removed", sessions_ended=0)

    with patch("countersign.conformance.live._TRIES", 1):
        seen = run_on(world, tmp_path, NeverEnds, ["C24"])
    (left,) = left_on(world)
    by_hand()

    assert seen["C24"].state == "broken"
    assert f"What was opened cannot be ended: {left}." in seen["C24"].why


def test_where_nothing_can_log_in_as_the_person_no_promise_about_that_counts_as_kept(tmp_path: Path) -> None:
    made = console.prepare(tmp_path / "console")
    settings = made.settings()
    target = Target(make=lambda: _command(settings), resource="support-console", role="answer",
                    definition={"grants": ["answer"]}, settings=settings, principal="canary")  # fmt: skip

    with closing(Run(target)) as run:
        seen = {one.number: one for one in look_at(run, LIVE, ["C01", "C04", "C11", "C13", "C14", "C18", "C23"])}

    assert {one.state for one in seen.values()} == {"kept", "in part", "not looked at"}
    assert seen["C01"] == Seen("C01", "in part", "Not looked at: whether the person gets in.")
    assert seen["C11"].state == seen["C13"].state == seen["C23"].state == "not looked at"
    assert run.no_way_in == "the person comes by their own account there, which is not ours to use"
    assert "It could not look as the person: the person comes by" in _table(list(seen.values()), run.no_way_in)
    assert made.members() == []


def test_where_an_endpoint_shows_what_no_client_here_knows_the_report_says_so(receiver: Receiver) -> None:
    settings = receiver.settings()
    target = Target(make=lambda: Webhook(settings), resource="sales-reports", role="read",
                    definition={"grants": ["sales"]}, settings={"can": settings.can}, principal="canary")  # fmt: skip

    with closing(Run(target)) as run:
        seen = {one.number: one for one in look_at(run, LIVE, ["C01", "C11"])}

    assert seen["C01"] == Seen("C01", "in part", "Not looked at: whether the person gets in.")
    assert seen["C11"].state == "not looked at"
    assert "Token" in run.no_way_in
    assert "is of no client that is known here" in _table(list(seen.values()), run.no_way_in)


def test_where_it_looked_as_the_person_the_report_says_nothing_of_that() -> None:
    assert "as the person" not in _table([Seen("C01", "kept")], "")


ON_MARIADB = [{"grants": ["support_read"]}, DIRECT]


def run_on_mariadb(
    world: MysqlWorld, provider: type[Mysql], numbers: list[str], definition: dict[str, Any]
) -> tuple[Run, dict[str, Seen]]:
    settings = world.settings(port=world.server.port, ca=str(world.server.authority.certificate))
    target = Target(make=lambda: provider(settings), resource="shop-mariadb", role="read", definition=definition,
                    settings={}, principal="canary")  # fmt: skip
    with closing(Run(target)) as run:
        return run, {seen.number: seen for seen in look_at(run, LIVE, numbers)}


@NEEDS_MARIADB
@pytest.mark.parametrize("definition", ON_MARIADB, ids=["a role", "rights"])
def test_on_a_mariadb_it_logs_in_as_the_person_by_the_line_that_is_shown(
    definition: dict[str, Any], mysql_world: MysqlWorld
) -> None:
    untouched = mysql_world.snapshot()

    run, seen = run_on_mariadb(mysql_world, Mysql, list(LIVE), definition)

    assert {number: one.state for number, one in seen.items()} == dict.fromkeys(LIVE, "kept")
    assert run.no_way_in == ""
    assert mysql_world.snapshot() == untouched


class OnlyForgetsIt(Mysql):
    """It says that the login is gone, and that it sees so."""

    revoked: ClassVar[set[str]] = set()

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        self.revoked.add(spec.grant_id)
        return Removal(state="removed", sessions_ended=1)

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        seen = super().observe(spec, receipt, deadline)
        return replace(seen, present=seen.present and spec.grant_id not in self.revoked)

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        return []


@NEEDS_MARIADB
@pytest.mark.parametrize("number", ["C01", "C11"])
def test_a_provider_mysql_whose_word_is_not_true_is_found_by_logging_in(number: str, mysql_world: MysqlWorld) -> None:
    with patch.object(Run, "_ended", lambda _run, _spec: True):  # it could not end what it opened
        _, seen = run_on_mariadb(mysql_world, OnlyForgetsIt, [number], ON_MARIADB[0])
    logins = mariadb_ask(mysql_world.owner, "SELECT User, Host FROM mysql.global_priv WHERE User LIKE 'cs\\_%'")
    for user, host in logins:
        gone = f"KILL HARD USER '{user}'; DROP USER '{user}'@'{host}'; DROP EVENT countersign.{user}"
        mariadb_run(mysql_world.owner, gone)

    assert seen[number].state == "broken", seen


def test_a_mariadb_that_cannot_be_reached_as_the_person_is_no_refusal() -> None:
    """Else an end would be proven by a firewall."""
    shown = {
        "mariadb": f"mariadb --host=127.0.0.1 --port={free_port()} --user=cs_x --ssl --password",
        "MYSQL_HOST": "127.0.0.1", "MYSQL_PWD": "x",
    }  # fmt: skip
    with pytest.raises(CannotLogIn, match="cannot be reached as the person"):
        CLIENTS["MYSQL_HOST"](shown)


def _command(settings: dict[str, object]) -> Provider:
    return Command(Settings.model_validate(settings))


# The command line


@pytest.fixture
def home(target: Shop, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "access.yml").write_text(demo_policy(acme()), encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"COUNTERSIGN_POLICY": str(tmp_path / "access.yml"), "COUNTERSIGN_STATE": str(tmp_path / "state"),
                   SECRET: target.bot_dsn}  # fmt: skip


def typed(home: dict[str, str], *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "countersign", "conformance", *words]
    return subprocess.run(command, env=home, input=said, capture_output=True, text=True, timeout=120, check=False)


def test_the_name_of_the_resource_has_to_be_typed_before_anything_is_opened(
    home: dict[str, str], world: PostgresWorld
) -> None:
    untouched = world.snapshot()
    for said in ("", "yes\n"):
        refused = typed(home, "--live", "customers-db", said=said)
        assert refused.returncode == 2
        assert "That is not customers-db, so nothing was tried." in refused.stderr
        assert re.search(r"CREATE ROLE \"?cs_\w{26}", refused.stdout), "what it would do is said before"
    assert world.snapshot() == untouched


def test_it_ends_with_a_table_and_leaves_nothing(home: dict[str, str], world: PostgresWorld) -> None:
    untouched = world.snapshot()

    done = typed(home, "--live", "customers-db", said="customers-db\n")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(LIVE)} promises are kept, 0 as far as could be looked, 0 broken" in done.stdout
    assert "customers-db/nothing for canary" in done.stdout, "the canary's role gives nothing"
    assert all(re.search(rf"^  kept +{number}  ", done.stdout, re.MULTILINE) for number in LIVE)
    assert re.search(r"not looked at  .*C37.*\n +It needs faults", done.stdout)
    assert world.snapshot() == untouched


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_it_leaves_nothing_behind(number: int, home: dict[str, str], world: PostgresWorld) -> None:
    words = ["--live", "customers-db", "--yes-i-mean", "customers-db", "--role", "read"]
    command = [sys.executable, "-m", "countersign", "conformance", *words]
    running = subprocess.Popen(command, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: left_on(world), "something to be opened", within=60, every=0.01)
    finally:
        running.send_signal(number)
        _, told = running.communicate(timeout=90)

    assert left_on(world) == []
    assert running.returncode == 2
    assert "everything that it opened has been ended" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--live", "customer-db"], "The policy has no resource customer-db; did you mean customers-db?"),
        (["--live", "customers-db", "--role", "write"], "has no role write; it has read, fix-orders, nothing."),
    ],
)  # fmt: skip
def test_a_word_that_the_policy_does_not_have_is_named(words: list[str], told: str, home: dict[str, str]) -> None:
    refused = typed(home, *words)

    assert refused.returncode == 2
    assert told in refused.stderr


def test_an_account_that_is_overprivileged_is_mended_before_anything_is_tried(
    home: dict[str, str], world: PostgresWorld
) -> None:
    world.owner.execute("ALTER ROLE countersign SUPERUSER")
    try:
        refused = typed(home, "--live", "customers-db", "--yes-i-mean", "customers-db")
    finally:
        world.owner.execute("ALTER ROLE countersign NOSUPERUSER")

    assert refused.returncode == 2
    assert "Mend it first; nothing was tried." in refused.stderr
    assert "NOSUPERUSER" in refused.stderr
    assert left_on(world) == []


def test_what_is_left_is_printed_with_the_statements_for_a_person(world: PostgresWorld, tmp_path: Path) -> None:
    from countersign.cli.conformance import _end

    with provider_factory(ForgetsToRevoke, world.bot_dsn, tmp_path) as make:
        target = Target(make=make, resource="customers-db", role="read", definition={"grants": ["support_read"]},
                        settings={"dsn": {"env": "SHOP_DSN"}}, principal="canary")  # fmt: skip
        with closing(Run(target)) as run, patch("countersign.conformance.live._TRIES", 1):
            spec = run.spec()
            run.grant(spec)
            before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
            with pytest.raises(Unready, match=rf'DROP ROLE IF EXISTS "?cs_{spec.grant_id}|cs_{spec.grant_id}'):
                _end(run)
            for one, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
                signal.signal(one, handler)
    world.owner.execute(f"DROP ROLE cs_{spec.grant_id}".encode())
