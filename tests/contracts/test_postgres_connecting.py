"""To whom the bot's secret goes, and how soon that is known: hosts that are silent, servers that prove nothing."""

import os
import pwd
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from access.errors import BadConfig, ProviderError, Transient
from access.ports import Deadline, SecretReference
from countersign.demo.target import Target
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.imposters import NAME, imposters, resolving
from tests.contracts.membership_world import OLDER, MembershipWorld, prepare_older
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, make_spec, soon
from tests.contracts.test_postgres_membership import membership_spec
from tests.tls import Authority
from tests.waiting import wait_until
from workers.providers.postgres import Postgres, Settings
from workers.providers.postgres.pinned import options
from workers.providers.postgres.session import Connections
from workers.providers.postgres.statements import Statement
from workers.providers.postgres.tls import Tls, refusal

Make = Callable[..., Postgres]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as made:

        def of(dsn: str, **settings: Any) -> Postgres:
            file = tmp_path / f"dsn-{time.monotonic_ns()}"
            file.write_text(dsn)
            return made.enter_context(closing(Postgres(Settings(dsn=SecretReference(file=str(file)), **settings))))

        yield of


@pytest.fixture
def silent() -> Iterator[list[int]]:
    """Ports at which a connection comes about, and then nothing is said."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        yield [listener.getsockname()[1] for listener in listeners]


@pytest.fixture
def names() -> Iterator[dict[str, list[str]]]:
    """What the world's resolver knows besides."""
    known: dict[str, list[str]] = {NAME: ["127.0.0.1"]}
    with resolving(known):
        yield known


# One deadline


def test_of_three_hosts_of_which_two_are_silent_the_third_is_reached(
    make: Make, target: Target, server: EmbeddedPostgres, silent: list[int]
) -> None:
    first, second = silent
    hosts = make_conninfo(target.bot_dsn, host="127.0.0.1,127.0.0.1,127.0.0.1", port=f"{first},{second},{server.port}")
    assert not make(hosts).observe(make_spec(), None, soon()).present


def test_of_a_name_with_several_addresses_one_that_is_silent_holds_up_no_other(
    make: Make, target: Target, server: EmbeddedPostgres, names: dict[str, list[str]]
) -> None:
    with closing(socket.create_server(("127.0.0.9", server.port))):
        names[NAME] = ["127.0.0.9", "127.0.0.1"]
        dsn = make_conninfo(target.bot_dsn, host=NAME, sslmode="disable")
        assert not make(dsn).observe(make_spec(), None, soon()).present


def test_one_deadline_holds_over_all_hosts(make: Make, target: Target, silent: list[int]) -> None:
    hosts = make_conninfo(target.bot_dsn, host=",".join(["127.0.0.1"] * 2), port=",".join(map(str, silent)))
    deadline = Deadline.after(1)
    with pytest.raises(Transient):
        make(hosts).observe(make_spec(), None, deadline)
    assert Deadline(deadline.at + 2).left(0) > 0, "it took more than the deadline and a little"


def test_a_check_of_a_server_that_is_silent_ends_by_its_deadline(make: Make, target: Target, silent: list[int]) -> None:
    deadline = Deadline.after(1)
    found = make(make_conninfo(target.bot_dsn, host="127.0.0.1", port=silent[0])).check({}, deadline)
    assert [(one.level, one.subject) for one in found] == [("error", "connection")]
    assert Deadline(deadline.at + 2).left(0) > 0, "it took more than the deadline and a little"


def test_a_connection_that_failed_is_closed_whoever_holds_the_error(target: Target) -> None:
    for one in imposters(target.bot_dsn, "login"):
        with one as imposter:
            provider = Postgres(Settings.model_validate(imposter.settings))
            with closing(provider), pytest.raises(BadConfig) as caught:
                provider.grant(make_spec(), soon())
            assert not imposter.answered(), imposter.name  # it waits until every guest has hung up
            assert imposter.cure in str(caught.value)


# To whom


@pytest.mark.parametrize(
    ("said", "tls", "opens"),
    [
        ({"host": "127.0.0.1"}, None, True),
        ({"host": "::1"}, None, True),
        ({"host": "localhost"}, None, True),
        ({"host": "/run/postgresql"}, None, True),
        ({}, None, True),
        ({"service": "shop"}, None, False),
        ({"host": "db"}, None, False),
        ({"host": "/run/postgresql,db"}, None, False),
        ({"host": "localhost", "hostaddr": "10.0.0.1"}, None, False),
        ({"host": "db", "sslmode": "require"}, None, False),
        ({"host": "db", "sslmode": "verify-ca"}, None, False),
        ({"host": "db", "sslmode": "verify-full"}, None, True),
        ({"host": "db", "sslrootcert": "system"}, None, True),
        ({"host": "db", "sslmode": "verify-full", "gssencmode": "prefer"}, None, False),
        ({"host": "db", "sslmode": "verify-full", "require_auth": "password"}, None, False),
        ({"host": "db", "sslmode": "verify-full", "require_auth": "!none"}, None, False),
        ({"host": "db", "sslmode": "verify-full", "require_auth": "password"}, Tls(auth=["password"]), True),
        ({"host": "db"}, Tls(mode="require"), True),
        ({"host": "db", "sslmode": "prefer"}, Tls(mode="require"), False),
    ],
)
def test_only_a_proven_server_is_opened_unless_the_settings_say_otherwise(
    said: dict[str, str], tls: Tls | None, opens: bool
) -> None:
    assert (refusal(said, tls) is None) is opens


def test_a_dsn_that_proves_nothing_opens_nothing_and_still_ends(
    make: Make, target: Target, server: EmbeddedPostgres, names: dict[str, list[str]], world: PostgresWorld
) -> None:
    spec = make_spec()
    receipt = make(target.bot_dsn).grant(spec, soon()).receipt  # as before the upgrade
    unproven = make(make_conninfo(target.bot_dsn, host=NAME, sslmode="prefer"))
    for refused in (
        lambda: unproven.grant(make_spec(), soon()),
        lambda: unproven.reveal(spec, receipt, soon()),
        lambda: unproven.extend(spec, receipt, soon()),
    ):
        with pytest.raises(BadConfig, match="sslmode=verify-full"):
            refused()
    findings = {finding.subject: finding for finding in unproven.check({}, Deadline.after(20))}
    assert findings["tls"].level == "error"
    assert "sslmode=verify-full" in findings["tls"].cure
    assert unproven.observe(spec, receipt, soon()).present
    assert unproven.revoke(spec, receipt, soon()).state == "removed"


if OLDER:  # the wheel's own server is built without TLS

    @pytest.fixture(scope="module")
    def proving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedPostgres, Path]]:
        """A server that shows a certificate, and where its authority is."""
        directory = tmp_path_factory.mktemp("authority")
        server = EmbeddedPostgres(tmp_path_factory.mktemp("proving"), bin_dir=OLDER[-1]).start()
        try:
            with_tls(server, Authority(directory), directory)
            yield server, directory
        finally:
            server.remove()

    @pytest.fixture(scope="module")
    def far(proving: tuple[EmbeddedPostgres, Path]) -> Iterator[MembershipWorld]:
        with closing(MembershipWorld(proving[0], prepare_older(proving[0]))) as world:
            yield world

    @pytest.fixture
    def dsn(far: MembershipWorld, proving: tuple[EmbeddedPostgres, Path], names: dict[str, list[str]]) -> str:
        authority = str(proving[1] / "authority.pem")
        bot = far._target.bot_dsn
        return make_conninfo(bot, host=NAME, sslmode="verify-full", sslrootcert=authority)

    def test_a_server_with_the_right_certificate_is_opened_and_the_holders_line_demands_the_same(
        make: Make, dsn: str, tmp_path: Path
    ) -> None:
        provider, spec = make(dsn, mode="membership"), membership_spec()
        provider.grant(spec, soon())
        shown = dict(provider.reveal(spec, None, soon()).fields)
        words = conninfo_to_dict(shown["psql"].get_secret_value().removeprefix("psql ").strip("'"))
        assert words["sslmode"] == "verify-full"
        provider.revoke(spec, None, soon())
        with provider._connections.session_that_opens(soon()) as session:
            assert session.address("cs_x", made=True)["require_auth"] == "scram-sha-256"

    @pytest.mark.parametrize("wrong", ["authority", "name"])
    def test_a_server_that_cannot_prove_who_it_is_is_told_nothing(
        make: Make, dsn: str, names: dict[str, list[str]], tmp_path: Path, wrong: str
    ) -> None:
        names["other.example.test"] = ["127.0.0.1"]
        changed = {"sslrootcert": str(Authority(tmp_path, "other").certificate)}
        unmanaged = make_conninfo(dsn, **(changed if wrong == "authority" else {"host": "other.example.test"}))
        with pytest.raises(BadConfig, match="could not prove by its certificate"):
            make(unmanaged, mode="membership").grant(membership_spec(), soon())

    def test_a_proven_server_that_asks_for_the_password_itself_opens_nothing_and_is_still_ended(
        make: Make, dsn: str, proving: tuple[EmbeddedPostgres, Path]
    ) -> None:
        spec = membership_spec()
        make(dsn, mode="membership").grant(spec, soon())
        with asking_for_passwords(proving[0]):
            refused = make(dsn, mode="membership")
            with pytest.raises(BadConfig, match="in a way that the settings do not allow"):
                refused.grant(membership_spec(), soon())
            allowed = make(dsn, mode="membership", tls=Tls(auth=["password"]))
            assert allowed.grant(spec, soon()).state == "active"
            assert refused.revoke(spec, None, soon()).state == "removed"


@contextmanager
def asking_for_passwords(server: EmbeddedPostgres) -> Iterator[None]:
    file = Path(server._data) / "pg_hba.conf"
    usual = file.read_text()
    file.write_text(f"hostssl all countersign all password\n{usual}")
    try:
        reload(server)
        yield
    finally:
        file.write_text(usual)
        reload(server)


def with_tls(server: EmbeddedPostgres, authority: Authority, directory: Path) -> None:
    authority.server(NAME)
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    for end in ("pem", "key"):
        file = Path(server._data) / f"server.{end}"
        shutil.copyfile(directory / f"authority-{NAME}.{end}", file)
        file.chmod(0o600)
        if account is not None:
            os.chown(file, account.pw_uid, account.pw_gid)
    with closing(psycopg.connect(server.superuser_dsn, autocommit=True)) as superuser:
        superuser.execute("ALTER SYSTEM SET ssl_cert_file = 'server.pem'")
        superuser.execute("ALTER SYSTEM SET ssl_key_file = 'server.key'")
        superuser.execute("ALTER SYSTEM SET ssl = on")
    reload(server)


def reload(server: EmbeddedPostgres) -> None:
    with closing(psycopg.connect(server.superuser_dsn, autocommit=True)) as superuser:
        before = superuser.execute("SELECT pg_conf_load_time()").fetchall()
        superuser.execute("SELECT pg_reload_conf()")
        # A session takes the new settings in between two statements.
        wait_until(lambda: superuser.execute("SELECT pg_conf_load_time()").fetchall() != before, "the new settings")


# What it says


def test_the_options_of_the_dsn_are_kept_and_ours_come_last() -> None:
    words = options(r"-c geqo=off -c search_path=evil -c application_name=a\ b\\c" + "\\", 180000)
    assert words.startswith(r"-c geqo=off -c search_path=evil -c application_name=a\ b\\c -c search_path= ")


def test_what_the_dsn_says_of_settings_holds_where_we_say_nothing(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text(make_conninfo(target.bot_dsn, options="-c geqo=off -c search_path=evil,public"))
    query = Statement(
        "SELECT pg_catalog.current_setting('geqo'), pg_catalog.current_setting('transaction_timeout'), "
        "pg_catalog.current_setting('createrole_self_grant'), pg_catalog.current_setting('transaction_read_only')",
        {},
    )
    with closing(Connections(SecretReference(file=str(file)), None)) as connections:
        with connections.session(soon()) as session:
            assert session.read(query) == [("off", "0", "", "on")]
        with connections.session_on("shop", soon()) as session:
            assert session.write(query) == [("off", "0", "", "off")]


def test_options_that_the_server_refuses_are_told(make: Make, target: Target) -> None:
    with pytest.raises(ProviderError, match="refuses the start-up options"):
        make(make_conninfo(target.bot_dsn, options="-c no_such_setting=1")).grant(make_spec(), soon())


def test_the_bot_ends_from_a_database_of_its_own_where_it_may(
    target: Target, world: PostgresWorld, tmp_path: Path
) -> None:
    file = tmp_path / "dsn"
    file.write_text(target.bot_dsn)
    where = Statement("SELECT pg_catalog.current_database()::pg_catalog.text", {})
    for expected, right in (
        ("postgres", "GRANT CONNECT ON DATABASE postgres TO"),
        ("shop", "REVOKE CONNECT ON DATABASE postgres FROM"),
    ):
        with (
            for_a_while(world, f"{right} countersign", "GRANT CONNECT ON DATABASE postgres TO countersign"),
            closing(Connections(SecretReference(file=str(file)), None)) as connections,
            connections.own_session(soon()) as session,
        ):
            assert session.read(where) == [(expected,)]


def test_a_lock_is_waited_for_no_longer_than_was_said(target: Target, world: PostgresWorld, tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text(target.bot_dsn)
    with (
        closing(Connections(SecretReference(file=str(file)), None)) as connections,
        connections.session(soon()) as session,
        closing(psycopg.connect(world.owner_dsn)) as other,
    ):
        other.execute("SELECT pg_advisory_xact_lock(4711)")
        with pytest.raises(Transient) as caught:
            session.write(
                Statement("SELECT pg_catalog.pg_advisory_xact_lock(4711)", {}), lock_timeout=timedelta(milliseconds=50)
            )
        assert caught.value.code == "55P03"


def test_what_may_not_stand_with_others_is_said_apart_and_leaves_nothing_behind(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text(target.bot_dsn)
    pid = Statement("SELECT pg_catalog.pg_backend_pid()", {})
    with closing(Connections(SecretReference(file=str(file)), None)) as connections:
        with connections.session(soon()) as session:
            ((before,),) = session.read(pid)
            with pytest.raises(ProviderError) as caught:
                session.write_apart(Statement("ROLLBACK PREPARED 'none of that name'", {}))
            assert caught.value.code == "42704"
        with connections.session(soon()) as session:
            assert session.read(pid) != [(before,)]


def test_settings_that_say_nothing_of_tls_are_what_they_were_before_there_was_such_a_word() -> None:
    usual = Settings(dsn=SecretReference(env="SHOP_DSN"))
    assert "tls" not in usual.model_dump(mode="json")
    said = Settings(dsn=SecretReference(env="SHOP_DSN"), tls=Tls(auth=["none"])).model_dump(mode="json")
    assert said["tls"] == {"mode": "verify-full", "auth": ["none"]}
    assert Settings.model_validate(said).tls == Tls(auth=["none"])
