"""Access under a role that this version cannot read: nothing new is opened by it, and what is open is seen and ends."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from access.errors import BadConfig
from access.ports import GrantSpec, Provider
from tests.contracts import webhook_receiver
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_world import make_direct_spec
from tests.contracts.shop import make_spec
from tests.contracts.webhook_fixtures import receiver
from tests.contracts.webhook_receiver import Receiver, soon
from workers.providers.mysql import Mysql
from workers.providers.postgres import Postgres
from workers.providers.webhook import Webhook

__all__ = ["receiver"]


def assert_ends(provider: Provider, opened: GrantSpec) -> None:
    receipt = provider.grant(opened, soon()).receipt
    of_another = replace(opened, definition={"of another version": ["read"]})

    with pytest.raises(BadConfig):
        provider.grant(of_another, soon())
    assert provider.observe(of_another, receipt, soon()).present
    assert provider.revoke(of_another, receipt, soon()).state == "removed"
    assert not provider.observe(of_another, receipt, soon()).present


@NEEDS_MARIADB
def test_a_login_of_mariadb_ends_whatever_its_role_was(make_mysql: Callable[[], Mysql]) -> None:
    assert_ends(make_mysql(), make_direct_spec())


def test_a_login_of_postgresql_ends_whatever_its_role_was(provider: Postgres) -> None:
    assert_ends(provider, make_spec())


def test_what_an_endpoint_opened_ends_whatever_its_role_was(receiver: Receiver) -> None:
    assert_ends(Webhook(receiver.settings()), webhook_receiver.make_spec())
