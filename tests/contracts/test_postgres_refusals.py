"""What the provider postgres refuses: too many privileges, strangers' logins, servers that do not let it in."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from access.errors import (
    BadConfig,
    BadCredential,
    NotGrantable,
    NotPermitted,
    Permanent,
    ProviderError,
    TargetNotFound,
    Transient,
    Unsupported,
)
from access.ports import Deadline, SecretReference
from countersign.demo.target import DATABASE, Target
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import OLDER
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, granting, logins, make_spec, provider_of, soon
from workers.providers.postgres import Postgres, Settings
from workers.providers.postgres.login import login_name


def test_a_role_whose_name_needs_quoting_is_granted_exactly(provider: Postgres, world: PostgresWorld) -> None:
    unmanaged = """it's "a"; DROP ROLE support_read; -- 🔑 {}%s"""
    name = sql.Identifier(unmanaged)
    world.owner.execute(
        sql.SQL("CREATE ROLE {r}; GRANT support_read TO {r}; GRANT {r} TO countersign WITH ADMIN TRUE").format(r=name)
    )
    spec = granting(unmanaged)
    provider.grant(spec, soon())
    assert provider.observe(spec, None, soon()).details == {
        "role": login_name(spec),
        "can_log_in": True,
        "missing": [],
    }
    provider.revoke(spec, None, soon())
    world.owner.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ("CREATE ROLE mighty CREATEROLE", "carries CREATEROLE"),
        ("CREATE ROLE mighty BYPASSRLS", "carries BYPASSRLS"),
        ("CREATE ROLE mighty; GRANT pg_execute_server_program TO mighty", "carries pg_execute_server_program"),
        ("CREATE ROLE mighty; GRANT orders_fix TO mighty WITH ADMIN TRUE", "carries ADMIN on orders_fix"),
    ],
)
def test_a_role_that_could_keep_or_pass_on_access_is_never_granted(
    provider: Postgres, world: PostgresWorld, made: str, sentence: str
) -> None:
    made += "; GRANT mighty TO countersign WITH ADMIN TRUE"
    with for_a_while(world, made, "DROP ROLE mighty"), pytest.raises(NotGrantable, match=sentence):
        provider.grant(granting("mighty"), soon())


def test_what_comes_through_a_harmless_name_counts(provider: Postgres, world: PostgresWorld) -> None:
    made = (
        "CREATE ROLE inner_role CREATEDB; CREATE ROLE harmless; GRANT inner_role TO harmless; "
        "GRANT harmless TO countersign WITH ADMIN TRUE"
    )
    with for_a_while(world, made, "DROP ROLE harmless, inner_role"), pytest.raises(NotGrantable, match="CREATEDB"):
        provider.grant(granting("harmless"), soon())


def test_the_temporary_login_of_another_person_is_never_granted(provider: Postgres) -> None:
    ann = make_spec()
    provider.grant(ann, soon())
    with pytest.raises(NotGrantable, match="is a temporary login"):
        provider.grant(granting(login_name(ann)), soon())
    provider.revoke(ann, None, soon())


def test_a_role_the_bot_may_not_grant_is_refused_with_the_cure(provider: Postgres, world: PostgresWorld) -> None:
    cure = 'GRANT "others" TO "countersign" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;'
    with for_a_while(world, "CREATE ROLE others", "DROP ROLE others"), pytest.raises(NotGrantable, match=cure):
        provider.grant(granting("others"), soon())


def test_a_login_of_that_name_that_is_not_ours_is_left_alone(provider: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    name = sql.Identifier(login_name(spec))
    world.owner.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
    with pytest.raises(Permanent, match="Countersign did not make"):
        provider.grant(spec, soon())
    assert logins(world, spec) == [(False, None)]
    world.owner.execute(sql.SQL("DROP ROLE {}").format(name))


def test_a_reveal_after_the_end_is_refused(provider: Postgres) -> None:
    spec = make_spec()
    provider.grant(spec, soon())
    provider.revoke(spec, None, soon())
    with pytest.raises(TargetNotFound, match="no longer open"):
        provider.reveal(spec, None, soon())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"password": "wrong"}, BadCredential),
        ({"user": "nobody_here"}, BadCredential),
        ({"dbname": "nowhere"}, TargetNotFound),
        ({"dbname": "template1"}, NotPermitted),
        ({"port": "1"}, Transient),
        ({"host": "no.such.host.invalid", "sslmode": "verify-full"}, Transient),
    ],
)
def test_a_connection_that_is_refused_is_told_by_its_reason(
    target: Target, tmp_path: Path, changed: dict[str, str], expected: type[ProviderError]
) -> None:
    dsn = make_conninfo(target.bot_dsn, **changed)
    error = error_with(dsn, tmp_path)
    assert type(error) is expected
    for value in conninfo_to_dict(dsn).values():
        assert str(value) not in error.sentence or str(value) in ("shop", "disable", "postgres")


def test_a_malformed_dsn_is_not_quoted(tmp_path: Path) -> None:
    error = error_with("host=db password='unfinished", tmp_path)
    assert type(error) is BadConfig
    assert "unfinished" not in error.sentence
    assert "postgresql://bot:password@host:5432/database" in error.sentence


def error_with(dsn: str, directory: Path) -> ProviderError:
    file = directory / "other-dsn"
    file.write_text(dsn)
    with closing(provider_of(file)) as provider, pytest.raises(ProviderError) as caught:
        provider.grant(make_spec(), soon())
    return caught.value


def test_the_database_of_the_settings_replaces_the_one_of_the_dsn(
    server: EmbeddedPostgres, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "dsn"
    file.write_text(make_conninfo(target.bot_dsn, dbname="template1"))
    spec = make_spec()
    with closing(Postgres(Settings(dsn=SecretReference(file=str(file)), database=DATABASE))) as provider:
        provider.grant(spec, soon())
        shown = dict(provider.reveal(spec, None, soon()).fields)
        assert shown["Database"].get_secret_value() == DATABASE
        provider.revoke(spec, None, soon())


def test_the_declarations_need_no_driver() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from workers.providers.postgres import Postgres\n"
        "print(Postgres.name, *Postgres.Role.model_fields, Postgres.capabilities.reveals)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "postgres grants True\n"


def test_a_server_before_16_is_there_to_try_on() -> None:
    """Without one, all that is tried on it is not even collected."""
    if not OLDER and os.environ.get("CI") != "true":
        pytest.skip("there is no PostgreSQL 13, 14 or 15 here")
    assert OLDER, "there is no PostgreSQL 13, 14 or 15 here: `make older` installs one on Debian as root"


if OLDER:

    def test_a_server_before_16_is_refused_in_a_plain_sentence(tmp_path: Path) -> None:
        server = EmbeddedPostgres(tmp_path / "older", bin_dir=OLDER[-1]).start()
        try:
            file = tmp_path / "dsn"
            file.write_text(server.superuser_dsn)
            with closing(provider_of(file)) as provider:
                with pytest.raises(Unsupported, match="temporary logins need PostgreSQL 16 or later"):
                    provider.grant(granting("postgres"), soon())
                version = {finding.subject: finding for finding in provider.check({}, Deadline.after(20))}["version"]
                assert version.level == "error"
        finally:
            server.remove()
