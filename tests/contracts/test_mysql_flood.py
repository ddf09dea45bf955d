"""A MariaDB whose usual port is full: the bot's ends come by the server's own second one."""

from collections.abc import Callable

import pytest

from access.errors import Transient
from access.ports import Deadline
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_world import MysqlWorld, make_direct_spec
from workers.providers.mysql import Mysql

pytestmark = NEEDS_MARIADB


def soon() -> Deadline:
    return Deadline.after(20)


def test_a_bot_that_is_kept_out_by_a_flood_of_connections_comes_by_the_extra_port(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    """Who merely reaches the server can fill its port, without an account there."""
    spec = make_direct_spec()
    receipt = make_mysql().grant(spec, soon()).receipt
    with mysql_world.flooded():
        with pytest.raises(Transient, match="too many connections"):
            Mysql(mysql_world.settings()).revoke(spec, receipt, soon())
        provider = Mysql(mysql_world.settings(extra_port=mysql_world.server.extra_port))
        assert provider.revoke(spec, receipt, soon()).state == "removed"
