"""A MariaDB whose disk is full: nothing says so by an error, and who waits for room holds locks meanwhile."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from access.errors import ProviderError, Transient
from access.ports import Deadline, GrantSpec, Receipt
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import MariaDb, prepare, program
from tests.contracts.mysql_world import MysqlWorld, PersonsSession, make_direct_spec
from tests.waiting import wait_until
from workers.providers.mysql import Mysql

CAN_MOUNT = os.geteuid() == 0 and program("unshare") is not None
pytestmark = [
    NEEDS_MARIADB,
    pytest.mark.skipif(not CAN_MOUNT and not os.environ.get("CI"), reason="needs root, for a disk of its own"),
]
_MIB = 1 << 20
_ON_A_DISK = 'mount -t tmpfs -o size="$1"m tmpfs "$0" && cp -a "$2/." "$0" && shift 2 && exec "$@"'
"""In a mount namespace, which ends with the server."""


class SmallDisk(MariaDb):
    """Its data lie on a disk that can be filled."""

    def install(self) -> None:
        super().install()
        data, installed = self.directory / "data", self.directory / "installed"
        data.rename(installed)
        data.mkdir()
        used = sum(file.stat().st_size for file in installed.rglob("*") if file.is_file())
        size = str(used // _MIB + 64)
        self.within = [str(program("unshare")), "--mount", "sh", "-c", _ON_A_DISK, str(data), size, str(installed)]

    @property
    def ballast(self) -> Path:
        """As the server sees it."""
        return Path(f"/proc/{(self.directory / 'pid').read_text().strip()}/root{self.directory}/data/ballast")

    def fill(self) -> None:
        with suppress(OSError), self.ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))


@contextmanager
def filled() -> Iterator[tuple[SmallDisk, MysqlWorld, GrantSpec, Receipt, PersonsSession]]:
    """Access is open and in use when the disk becomes full, and a write waits for room."""
    with TemporaryDirectory(prefix="cs-mariadb-", dir="/tmp") as directory:
        server, own = SmallDisk(Path(directory)), Path(directory) / "own"
        own.mkdir()
        server.install()
        server.start()
        try:
            prepare(server)
            with closing(MysqlWorld(server, own)) as world:
                provider, spec = Mysql(world.settings()), make_direct_spec()
                receipt = provider.grant(spec, Deadline.after(20)).receipt
                secret = provider.reveal(spec, receipt, Deadline.after(20))
                session = world.open_session(spec, secret)
                assert session.is_alive()
                server.fill()
                with pytest.raises(ProviderError):
                    grants_until_one_waits(provider)
                yield server, world, spec, receipt, session
        finally:
            server.stop()


def grants_until_one_waits(provider: Mysql) -> None:
    """Some find room in what the server had reserved."""
    for _ in range(200):
        provider.grant(make_direct_spec(), Deadline.after(3))


def test_a_full_disk_is_named_and_sessions_end_all_the_same() -> None:
    with filled() as (_, world, spec, receipt, session):
        provider = Mysql(world.settings())
        for asked in (
            lambda: provider.observe(spec, receipt, Deadline.after(5)),
            lambda: provider.revoke(spec, receipt, Deadline.after(5)),
            lambda: provider.grant(make_direct_spec(), Deadline.after(5)),
        ):
            with pytest.raises(Transient, match="The disk of the database server is full"):
                asked()
        (told,) = [one for one in provider.check({}, Deadline.after(5)) if one.level == "error"]
        assert "The disk of the database server is full" in told.sentence
        assert "Run the script" not in told.cure
        assert not session.is_alive()


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_what_was_open_on_a_full_disk_ends_by_itself_when_there_is_room() -> None:
    """The server looks once a minute."""
    with filled() as (server, world, spec, receipt, _):
        provider = Mysql(world.settings())
        server.ballast.unlink()

        def ended() -> bool:
            with suppress(Transient):
                return provider.revoke(spec, receipt, Deadline.after(10)).state in ("removed", "absent")
            return False

        wait_until(ended, "the access to end", within=150, every=1)
        assert not provider.observe(spec, receipt, Deadline.after(10)).present
        assert [one for one in provider.check({}, Deadline.after(10)) if one.level == "error"] == []
