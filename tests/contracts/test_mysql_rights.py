"""What is given on a MariaDB, who else holds it, and what a page of the policy may say."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pymysql
import pytest
import yaml

from access.errors import ProviderError
from access.ports import EVERYBODY, Deadline
from access.provider import target_of
from countersign.providers import ProviderClasses
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import PAGE, ask, run
from tests.contracts.mysql_world import MysqlWorld, make_direct_spec, make_spec
from workers.providers.mysql import Mysql, Role, Settings
from workers.providers.mysql.settings import Privilege

pytestmark = NEEDS_MARIADB

READ = Role.model_validate(make_spec().definition)
DIRECT = Role.model_validate(make_direct_spec().definition)
BOT = "countersign@'%'"


def soon() -> Deadline:
    return Deadline.after(20)


def test_who_else_holds_what_can_be_given_is_listed_through_whatever(
    mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    owner, provider, spec = mysql_world.owner, make_mysql(), make_spec()
    provider.grant(spec, soon())
    run(owner, "CREATE USER lea@'%'; CREATE USER kim@'%'; CREATE USER eve@'%'; CREATE ROLE between_")
    run(
        owner,
        "GRANT support_read TO lea@'%' WITH ADMIN OPTION; GRANT support_read TO between_; GRANT between_ TO kim@'%'",
    )
    run(owner, "GRANT SELECT ON shop.* TO eve@'%'; GRANT SELECT (email) ON shop.customers TO PUBLIC")
    try:
        held = provider.list_holders(soon())
        seen = {(one.principal, one.role, one.via): one for one in held}
        assert seen["lea", "the role support_read", ""].options == {"admin"}
        assert ("kim", "the role support_read", "between_") in seen
        assert ("eve", "SELECT on shop.*", "") in seen
        assert ("root", "SELECT on the whole server", "") in seen
        assert (EVERYBODY, "SELECT (email) on shop.customers", "") in seen
        ours = seen[f"cs_{spec.grant_id}", "the role support_read", ""]
        assert (ours.ours, ours.grant_id) == (True, spec.grant_id)
        told = {one.role: one for one in provider.role_rights({"read": READ}, soon())}
        assert told[EVERYBODY].allows == {"SELECT (email) on shop.customers"}
    finally:
        run(owner, "REVOKE SELECT (email) ON shop.customers FROM PUBLIC")
        run(owner, "DROP USER lea@'%', kim@'%', eve@'%'; DROP ROLE between_")
        provider.revoke(spec, None, soon())


def test_a_role_that_may_make_things_says_so(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    makes = Role.model_validate(
        {"rights": [{"privileges": ["CREATE VIEW", "EVENT", "CREATE TEMPORARY TABLES"], "database": "shop"}]}
    )
    (told, _) = make_mysql().role_rights({"makes": makes}, soon())
    assert told.creates == ("events in shop.*", "temporary tables in shop.*", "views in shop.*")


def test_letters_of_a_database_are_no_pattern(mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]) -> None:
    rights = [{"privileges": ["SELECT"], "database": "shop_1"}]
    spec, provider = replace(make_spec(), definition={"rights": rights}), make_mysql()
    with mysql_world.changed(
        f"GRANT SELECT ON `shop\\_1`.* TO {BOT} WITH GRANT OPTION",
        f"REVOKE GRANT OPTION ON `shop\\_1`.* FROM {BOT}; REVOKE SELECT ON `shop\\_1`.* FROM {BOT}",
    ):
        receipt = provider.grant(spec, soon()).receipt
        assert not provider.observe(spec, receipt, soon()).extra_privileges
        with closing(mysql_world.connect(provider.reveal(spec, receipt, soon()))) as client:
            assert ask(client, "SELECT COUNT(*) FROM shop_1.things")
            with pytest.raises(pymysql.err.Error):
                ask(client, "SELECT COUNT(*) FROM shopx1.things")
        provider.revoke(spec, receipt, soon())


@pytest.mark.parametrize("pattern", ["%", "m%", "mysq_", "sy_", "counter%"])
def test_a_role_whose_pattern_leads_into_the_servers_own_databases_is_refused(
    pattern: str, mysql_world: MysqlWorld, make_mysql: Callable[[], Mysql]
) -> None:
    where = f"`{pattern}`.*"
    widened = mysql_world.changed(
        f"GRANT SELECT ON {where} TO support_read", f"REVOKE SELECT ON {where} FROM support_read"
    )
    with widened, pytest.raises(ProviderError, match="never granted"):
        make_mysql().grant(make_spec(), soon())


def test_the_provider_is_found_by_its_name_and_names_its_target() -> None:
    found = ProviderClasses()
    settings = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])["resources"][0]["settings"]
    assert target_of(found, "mysql", settings) == "mysql:db.example.com:3306 by countersign"


def test_the_page_has_every_word_of_the_settings_and_every_privilege() -> None:
    words = [*Settings.model_fields, "rights", "grants", "privileges", "columns", *Privilege.__args__]
    assert [word for word in words if f"`{word}`" not in PAGE] == []
    resource = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])["resources"][0]
    for role in resource["roles"].values():
        Role.model_validate({word: value for word, value in role.items() if word not in ("title", "description")})
