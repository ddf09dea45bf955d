"""A night without workers: what the alert prints of each target is typed, ends the access, and is proven later."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

from access.models import AlertKind, EndedBy, GrantStatus
from bot import ids
from sandbox.person import Message
from tests.contracts.command_host import READY as HAS_A_HOST
from tests.contracts.command_host import CommandWorld, spec_of
from tests.contracts.mysql_server import READY as HAS_MARIADB
from tests.contracts.mysql_server import MariaDb, ask
from tests.contracts.mysql_server import serving as serving_mariadb
from tests.contracts.test_command_groups import GroupWorld, group_settings
from tests.contracts.test_command_sudoers import SudoWorld, sudoers_settings
from tests.contracts.webhook_receiver import receiving
from tests.stories import test_command, test_mysql, test_webhook
from tests.stories.house import CHANNEL, SECURITY, House
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

Typed = Callable[[Sequence[str]], None]
Opened = tuple[Callable[[], bool], Typed]
"""Whether the access is there, and how an administrator of the target types."""


@contextmanager
def on_mariadb(house: House, directory: Path) -> Iterator[Callable[[], Opened]]:
    with serving_mariadb() as server:
        test_mysql.offer(house, server, server.port)

        def opened() -> Opened:
            house.approve(house.ask("30m", entitlement="shop-mariadb/read"))
            told = test_mysql.shown(house)
            session = test_mysql.logs_in(server, told)
            reads = lambda: test_mysql.reads(session) or test_mysql.reads(test_mysql.logs_in(server, told))  # noqa: E731
            return reads, lambda statements: type_as_root(server, statements)

        yield opened


def type_as_root(server: MariaDb, statements: Sequence[str]) -> None:
    """In one session, in their order; one that is refused does not keep the next from being typed."""
    with server.owner() as owner:
        for statement in statements:
            with suppress(pymysql.err.Error):
                ask(owner, statement)


@contextmanager
def on_an_endpoint(house: House, directory: Path) -> Iterator[Callable[[], Opened]]:
    with receiving(directory) as receiver:
        test_webhook.offer(house, receiver, receiver.port)

        def opened() -> Opened:
            house.approve(house.ask("30m", entitlement="sales-reports/read"))
            token = test_webhook.token(house)
            session = receiver.log_in(token)
            assert session is not None
            reads = lambda: receiver.reads(session, "sales") or receiver.log_in(token) is not None  # noqa: E731
            return reads, lambda lines: type_into("bash", lines)

        yield opened


@contextmanager
def on_a_host(
    house: House, world: CommandWorld, settings: dict[str, Any], grants: list[str]
) -> Iterator[Callable[[], Opened]]:
    test_command.offer(house, settings, grants)

    def opened() -> Opened:
        spec = spec_of({}, grants, "ann")
        house.approve(house.ask("30m", entitlement="app-1/use"))
        gets_in = lambda: test_command.gets_in(world, spec)  # noqa: E731
        wait_until(gets_in, "Ann to be let in")
        return gets_in, lambda lines: type_into("sh", lines)

    try:
        yield opened
    finally:
        world.host.close()


def on_sudo(house: House, directory: Path) -> AbstractContextManager[Callable[[], Opened]]:
    world = SudoWorld(directory / "host")
    return on_a_host(house, world, sudoers_settings(world.host), [world.command])


def on_groups(house: House, directory: Path) -> AbstractContextManager[Callable[[], Opened]]:
    world = GroupWorld(directory / "host")
    return on_a_host(house, world, group_settings(world.host), ["payments"])


def type_into(shell: str, lines: Sequence[str]) -> None:
    subprocess.run([shell, "-c", "\n".join(lines)], capture_output=True, check=False, timeout=60)


def skipped(why: str, *, has: bool) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not has and not os.environ.get("CI"), reason=why)


TARGETS = [
    pytest.param(on_mariadb, id="mysql", marks=skipped("needs MariaDB", has=HAS_MARIADB)),
    pytest.param(on_an_endpoint, id="webhook"),
    pytest.param(on_sudo, id="sudo", marks=[pytest.mark.soak, skipped("needs root and sudo", has=HAS_A_HOST)]),
    pytest.param(on_groups, id="groups", marks=skipped("needs root and sudo", has=HAS_A_HOST)),
]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("target", TARGETS)
def test_what_the_alert_prints_ends_it_without_workers_and_the_press_proves_it(
    house: House, target: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    policy = house.directory / "access.yml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("alert_after: 2m", "alert_after: 3s"))
    with target(house, tmp_path_factory.mktemp("target")) as opened:
        house.start()
        is_open, typed = opened()
        assert is_open()
        house.kill("revoke")
        assert house.person("U0ANN").command(CHANNEL, "/access", "done").ok

        alert = overdue(house)
        assert is_open(), "without workers nothing has ended it"
        statements = outstanding(house)
        assert [one for one in statements if one not in alert.words] == []
        typed(statements)
        assert not is_open()

        house.spawn("revoke")
        assert house.person("U0SAM").click(alert, ids.BY_HAND).ok
        wait_until(lambda: house.grants()[0].status == GrantStatus.ENDED, "the grant to have ended", within=90)
        wait_until(lambda: all(one.closed_at for one in house.alerts()), "the alert to close by itself", within=90)
        (grant,) = house.grants()
        assert (grant.ended_by, grant.proven_at is not None) == (EndedBy.RETURNED, True)


def overdue(house: House) -> Message:
    """As Sam reads it."""
    said = lambda: [one for one in house.alerts() if one.kind == AlertKind.OVERDUE and one.delivered_at]  # noqa: E731
    wait_until(said, "the alert to be told", within=90)
    shown = [one for one in house.person("U0SAM").messages(SECURITY) if ids.BY_HAND in one.actions()]
    return shown[-1]


def outstanding(house: House) -> list[str]:
    """What `countersign outstanding` prints, with the database alone."""
    environment = {name: value for name, value in house.environment().items() if not name.startswith("SLACK_")}
    said = subprocess.run(
        [sys.executable, "-m", "countersign", "outstanding", "--json"], env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    (grant,) = json.loads(said.stdout)
    return list(grant["by_hand"])
