"""One access and what its holder has in hand: sessions, passwords, threads; and what she will ask at the end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import conninfo_to_dict

from access.models import Grant, GrantStatus
from tests.adversary.house import House, Mode
from tests.adversary.powers import Power
from tests.adversary.shop import PASSWORD, Shop
from tests.cast import ANN
from tests.waiting import wait_until

OWN_PASSWORD = "chosen by the holder"
Trial = Callable[[], object]
"""Something true if the attack worked; an error of the server means that it did not."""


@dataclass
class Attack:
    """Everything that the holder of one access has, and a stack of what must be undone."""

    shop: Shop
    house: House
    mode: Mode
    power: Power
    grant: Grant
    login: str
    password: str
    stack: ExitStack = field(default_factory=ExitStack)
    sessions: list[psycopg.Connection] = field(default_factory=list[psycopg.Connection])
    """Of the holder; each is asked at the end what it can do still."""
    trials: dict[str, Trial] = field(default_factory=dict[str, Trial])
    """What the obstacle adds to the questions."""
    let_go: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])
    """What those who held locks do once the end has been judged; then it is judged again."""

    @property
    def own_login(self) -> bool:
        """The person's own: it may go on to log in, without the rights."""
        return self.mode != "login"

    def connect(self, password: str | None = None, database: str = "shop", options: str = "") -> psycopg.Connection:
        """Another session of the holder; closed at the end. The server cuts off what would wait for ever."""
        dsn = self.shop.dsn(self.login, password or self.password, database, f"-c statement_timeout=5s {options}")
        connection = psycopg.connect(dsn, autocommit=True)
        self.stack.callback(connection.close)
        return connection

    def session(self) -> psycopg.Connection:
        """One that is asked at the end."""
        connection = self.connect()
        self.sessions.append(connection)
        return connection

    def of_person(self, name: str) -> psycopg.Connection:
        """Somebody with a standing login."""
        connection = psycopg.connect(self.shop.dsn(name, PASSWORD), autocommit=True)
        self.stack.callback(connection.close)
        return connection

    def administrator(self, database: str = "shop") -> psycopg.Connection:
        """A DBA at work in a session of his own."""
        connection = self.shop.administrator(database)
        self.stack.callback(connection.close)
        return connection

    def by_superuser(self, statement: str, *, afterwards: str = "") -> None:
        """Done now; undone when the attack is over."""
        if afterwards:
            self.stack.callback(self.shop.superuser.execute, afterwards.encode())
        self.shop.superuser.execute(statement.encode())

    def in_background(self, work: Callable[[threading.Event], None]) -> None:
        """Runs until the attack is over; `work` looks at the event."""
        over = threading.Event()
        thread = threading.Thread(target=work, args=(over,), daemon=True)
        thread.start()

        def end() -> None:
            over.set()
            thread.join(20)

        self.stack.callback(end)


@contextmanager
def attack(shop: Shop, house: House, mode: Mode, power: Power) -> Iterator[Attack]:
    """Ann's access is open, her password known; at the end all of it is undone."""
    before = roles_of(shop)
    grant = house.ask_for(ANN, power)
    assert grant.status == GrantStatus.ACTIVE, f"the access did not open: {grant.problem}"
    login, password = ("ann", PASSWORD) if mode != "login" else _told(house, grant)
    made = Attack(shop, house, mode, power, grant, login, password)
    try:
        with made.stack:
            first = made.session()
            for statement in power.uses:
                first.execute(statement.encode())
            yield made
    finally:
        clean_up(shop, before)


def has_room(shop: Shop) -> bool:
    """Whether the lock table has room for a look at what all databases share."""
    try:
        shop.superuser.execute("SELECT FROM pg_roles, pg_auth_members, pg_stat_activity LIMIT 1")
    except psycopg.errors.OutOfMemory:
        return False
    return True


def roles_of(shop: Shop) -> set[str]:
    return {name for (name,) in shop.superuser.execute("SELECT rolname FROM pg_roles").fetchall()}


def clean_up(shop: Shop, before: set[str]) -> None:
    """As a superuser, whatever is there."""
    superuser = shop.superuser
    wait_until(lambda: has_room(shop), "room in the lock table")
    for (gid,) in superuser.execute("SELECT gid FROM pg_prepared_xacts").fetchall():
        superuser.execute(f"ROLLBACK PREPARED '{gid}'".encode())
    # A keeper stays: it is made once, and the next end counts on it.
    strangers = sorted(name for name in roles_of(shop) - before if name.startswith(("cs_", "renamed", "mine")))
    everybody = [*strangers, "ann", "lea", "eve", "mallory"]
    ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = ANY (%s)"
    superuser.execute(ended, [everybody])
    living = "SELECT pid FROM pg_stat_activity WHERE usename = ANY (%s)"
    wait_until(lambda: not superuser.execute(living, [everybody]).fetchall(), "sessions of the adversary to end")
    _drop_tables(shop)
    superuser.execute(_CLEANING)
    superuser.execute(f"ALTER ROLE ann PASSWORD '{PASSWORD}'".encode())
    for database in ("shop", "elsewhere", "square"):
        with shop.administrator(database) as there:
            for name in strangers:
                with suppress(psycopg.errors.UndefinedObject):
                    there.execute(f'DROP OWNED BY "{name}" CASCADE'.encode())
    for name in strangers:
        superuser.execute(f'DROP ROLE IF EXISTS "{name}"'.encode())


def _drop_tables(shop: Shop) -> None:
    """In batches: all at once they would not fit into the lock table."""
    some = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'workshop' LIMIT 100"
    while names := [name for (name,) in shop.superuser.execute(some).fetchall()]:
        shop.superuser.execute(f"DROP TABLE {', '.join(names)} CASCADE".encode())


_CLEANING = """
DROP SCHEMA workshop CASCADE;
CREATE SCHEMA workshop; GRANT USAGE ON SCHEMA workshop TO PUBLIC; GRANT CREATE ON SCHEMA workshop TO creates;
SELECT lo_unlink(oid) FROM pg_largeobject_metadata;
DROP OWNED BY eve CASCADE; GRANT CONNECT ON DATABASE shop TO eve; GRANT USAGE, CREATE ON SCHEMA public TO eve;
DO $$ DECLARE m record; BEGIN
    -- Since version 16 a membership is its grantor's, and nobody else's REVOKE touches it.
    FOR m IN SELECT roleid::regrole AS given, member::regrole AS who,
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format('GRANTED BY %s', grantor::regrole)
        ELSE '' END AS whose FROM pg_auth_members
        WHERE member IN ('ann'::regrole, 'lea'::regrole, 'eve'::regrole, 'mallory'::regrole)
    LOOP EXECUTE format('REVOKE %s FROM %s %s CASCADE', m.given, m.who, m.whose); END LOOP;
END $$;
"""


def _told(house: House, grant: Grant) -> tuple[str, str]:
    shown = {label: value.get_secret_value() for label, value in house.reveal(grant).fields}
    address = conninfo_to_dict(shown["psql"].removeprefix("psql ").strip("'"))
    return str(address["user"]), shown["Password"]
