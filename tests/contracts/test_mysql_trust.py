"""By which authorities a MariaDB server is believed, and when their files are read."""

import ssl
from pathlib import Path
from unittest.mock import patch

import pytest

from access.errors import BadConfig
from access.ports import Deadline
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_world import MysqlWorld, make_spec
from tests.tls import Authority
from workers.providers.mysql import Mysql

pytestmark = NEEDS_MARIADB


def by(world: MysqlWorld, ca: str) -> Mysql:
    return Mysql(world.settings(port=world.server.port, ca=ca))


def call(provider: Mysql) -> None:
    provider.observe(make_spec(), None, Deadline.after(20))


def copied(world: MysqlWorld, directory: Path) -> Path:
    file = directory / "ca.pem"
    file.write_bytes(world.server.authority.certificate.read_bytes())
    return file


def test_the_file_of_the_authority_is_read_once_while_it_stays_as_it_is(
    mysql_world: MysqlWorld, tmp_path: Path
) -> None:
    provider, made = by(mysql_world, str(copied(mysql_world, tmp_path))), ssl.create_default_context
    with patch.object(ssl, "create_default_context", wraps=made) as reads:
        for _ in range(3):
            call(provider)
    assert reads.call_count == 1


@pytest.mark.parametrize("replaced", [True, False], ids=["another file in its place", "the same file, written over"])
def test_an_authority_that_was_replaced_is_believed_no_more_from_the_next_call_on(
    replaced: bool, mysql_world: MysqlWorld, tmp_path: Path
) -> None:
    ca = copied(mysql_world, tmp_path)
    right, provider = ca.read_bytes(), by(mysql_world, str(ca))
    call(provider)
    other = Authority(tmp_path, "other").certificate
    if replaced:
        other.replace(ca)
    else:
        ca.write_bytes(other.read_bytes())
    with pytest.raises(BadConfig, match="Look at ca"):
        call(provider)
    ca.write_bytes(right)
    call(provider)


def test_a_file_that_is_gone_is_not_believed_from_memory(mysql_world: MysqlWorld, tmp_path: Path) -> None:
    ca = copied(mysql_world, tmp_path)
    provider = by(mysql_world, str(ca))
    call(provider)
    ca.unlink()
    with pytest.raises(BadConfig, match="cannot be read"):
        call(provider)
