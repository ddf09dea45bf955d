"""Histories find what no single promise does; the long ones, with holders who fight, are for `make soak`."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel

from access.ports import Deadline, GrantSpec, Observation, Outcome, Receipt, Removal
from countersign.demo.target import Target
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.testing import Scene, play
from tests.contracts import test_command_groups as groups
from tests.contracts import test_command_sudoers as sudoers
from tests.contracts import test_mysql as mariadb
from tests.contracts import test_postgres as shop
from tests.contracts import test_webhook as reports
from tests.contracts.command_host import READY, maker
from tests.contracts.membership_world import PEOPLE, MembershipWorld
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import READY as MARIADB_IS_READY
from tests.contracts.mysql_server import MariaDb, run
from tests.contracts.mysql_world import MysqlWorld
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import Mode, make_spec, provider_factory
from tests.contracts.test_postgres_membership import membership_spec
from tests.contracts.webhook_fixtures import receiver
from tests.contracts.webhook_receiver import Receiver
from tests.contracts.webhook_receiver import make_spec as report_spec
from tests.contracts.webhook_world import WebhookWorld
from workers.providers.mysql import Mysql
from workers.providers.postgres import Postgres
from workers.providers.webhook import Webhook

__all__ = ["receiver"]

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "40"))
STEPS = 30


@contextmanager
def of_reports(receiver: Receiver, kind: type[Webhook] = Webhook) -> Iterator[Scene]:
    world = WebhookWorld(receiver)
    with reports.made_of(kind, world) as make:
        yield Scene(make_provider=make, world=world, make_spec=report_spec, roles=reports.MORE_ROLES)
    world.close()
    receiver.rows("DELETE FROM grants")  # what a wrong one left


@contextmanager
def of_the_shop(server: EmbeddedPostgres, target: Target, directory: Path, mode: Mode) -> Iterator[Scene]:
    world = PostgresWorld(server, target) if mode == "login" else MembershipWorld(server, target)
    spec = make_spec if mode == "login" else membership_spec
    with provider_factory(Postgres, world.bot_dsn, directory, mode) as make:
        yield Scene(make_provider=make, world=world, make_spec=spec, people=PEOPLE, roles=shop.MORE_ROLES)
    world.close()


@contextmanager
def of_a_host(directory: Path, recipe: str) -> Iterator[Scene]:
    people = groups.PEOPLE
    if recipe == "groups":
        world = groups.GroupWorld(directory)
        make, spec = maker(groups.group_settings(world.host)), partial(groups.make_spec, world)
        yield Scene(make_provider=make, world=world, make_spec=spec, people=people, roles=groups.MORE_ROLES)
    else:
        world = sudoers.SudoWorld(directory)
        make, spec = maker(sudoers.sudoers_settings(world.host)), partial(sudoers.make_spec, world)
        yield Scene(
            make_provider=make, world=world, make_spec=spec, people=people, roles=sudoers.more_roles(world)
        )  # fmt: skip
    world.host.close()


@contextmanager
def of_a_mariadb(server: MariaDb, directory: Path, kind: type[Mysql] = Mysql) -> Iterator[Scene]:
    world = MysqlWorld(server, directory)
    with mariadb.made_of(kind, world) as make:
        yield Scene(make_provider=make, world=world, make_spec=mariadb.make_spec, roles=mariadb.MORE_ROLES)
    world.close()


class EndsTheOldestOfAPerson(Webhook):
    """Of two that overlap, and of grants of two people, it ends the right one as long as they end in that order."""

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._in_order = list[GrantSpec]()

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        self._in_order.append(spec)
        return super().grant(spec, deadline)

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        mine = [one for one in self._in_order if one.principal == spec.principal] or [spec]
        if mine[0] in self._in_order:
            self._in_order.remove(mine[0])
        return super().revoke(mine[0], receipt, deadline)


class RemembersWhatItSaw(Webhook):
    """Of what was removed by hand between two looks it hears nothing."""

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._seen = dict[str, Observation]()

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        if spec.grant_id not in self._seen:
            self._seen[spec.grant_id] = super().observe(spec, receipt, deadline)
        return self._seen[spec.grant_id]


@pytest.mark.parametrize("wrong", [EndsTheOldestOfAPerson, RemembersWhatItSaw])
def test_a_provider_that_is_wrong_only_in_some_histories_is_found(receiver: Receiver, wrong: type[Webhook]) -> None:
    with of_reports(receiver, wrong) as scene, pytest.raises(AssertionError, match="History: "):
        play(replace(scene, hostile=False), histories=40, steps=12, shrink=False)


class ForgetsThatItHasEnded(Mysql):
    """Of a person who had this role before, it lets the second end pass for the first."""

    def __init__(self, settings: BaseModel) -> None:
        super().__init__(settings)
        self._ended = set[tuple[str, str]]()

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        which = (spec.principal, str(spec.definition))
        if which in self._ended:
            return Removal(state="absent", sessions_ended=0)
        self._ended.add(which)
        return super().revoke(spec, receipt, deadline)


@NEEDS_MARIADB
def test_a_provider_mysql_that_is_wrong_only_in_some_histories_is_found(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: MariaDb = request.getfixturevalue("mariadb")
    try:
        found = pytest.raises(AssertionError, match="History: ")
        with of_a_mariadb(server, tmp_path, ForgetsThatItHasEnded) as scene, found:
            play(replace(scene, hostile=False), histories=40, steps=12, shrink=False)
    finally:
        with server.owner() as owner, owner.cursor() as cursor:
            cursor.execute("SELECT User, Host FROM mysql.global_priv WHERE User LIKE 'cs\\_%'")
            for user, host in cursor.fetchall():
                run(owner, f"KILL HARD USER '{user}'; DROP USER '{user}'@'{host}'; DROP EVENT countersign.{user}")


def test_a_history_that_breaks_a_promise_can_be_lived_again(receiver: Receiver) -> None:
    """What is printed names each step."""
    with of_reports(receiver, EndsTheOldestOfAPerson) as scene, pytest.raises(AssertionError) as found:
        play(replace(scene, hostile=False), histories=40, steps=12, shrink=False)

    lived = "\n".join(getattr(found.value, "__notes__", []))
    assert "state.access_is_granted(" in lived
    assert "state.access_ends(" in lived or "state.a_process_dies_while_it_ends(" in lived


Setting = Callable[[], AbstractContextManager[Scene]]


@pytest.fixture
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    where: str = request.param
    if where == "reports":
        return partial(of_reports, request.getfixturevalue("receiver"))
    if where in ("sudoers", "groups"):
        return partial(of_a_host, tmp_path / "host", where)
    if where == "mysql":
        return partial(of_a_mariadb, request.getfixturevalue("mariadb"), tmp_path)
    server, target = request.getfixturevalue("server"), request.getfixturevalue("target")
    return partial(of_the_shop, server, target, tmp_path, "login" if where == "login" else "membership")


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "setting",
    [
        "login",
        "membership",
        "reports",
        *(["sudoers", "groups"] if READY else []),
        *(["mysql"] if MARIADB_IS_READY else []),
    ],
    indirect=True,
)
def test_in_every_long_history_with_holders_who_fight_the_truth_is_what_was_granted(setting: Setting) -> None:
    """SOAK_ROUNDS of them; the same SOAK_SEED has the same ones."""
    begun = os.environ.get("SOAK_SEED") or secrets.token_hex(4)
    print(f"\nSOAK_SEED={begun}, {ROUNDS} histories")
    with setting() as scene:
        play(scene, histories=ROUNDS, steps=STEPS, begun=begun)
