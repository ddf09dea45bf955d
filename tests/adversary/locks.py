"""Obstacles that are locks: the holder's own, a colleague's, a DBA's; open, prepared, taken again and again."""

import threading
from contextlib import suppress

import psycopg

from tests.adversary.attack import OWN_PASSWORD, Attack, has_room
from tests.adversary.obstacles import Obstacle
from tests.waiting import wait_until

_LOCK_OWN_ROW = f"ALTER ROLE CURRENT_USER PASSWORD '{OWN_PASSWORD}'".encode()
_CLIENTS = 3


def nothing(_attack: Attack) -> None:
    """The quiet end."""


def own_row_locked(attack: Attack) -> None:
    session = attack.session()
    session.execute("BEGIN")
    session.execute(_LOCK_OWN_ROW)
    attack.let_go.append(lambda: session.execute("COMMIT"))


def own_row_prepared(attack: Attack) -> None:
    session = attack.connect()
    session.execute("BEGIN")
    session.execute(_LOCK_OWN_ROW)
    session.execute("PREPARE TRANSACTION 'held'")
    session.close()
    attack.let_go.append(lambda: attack.connect().execute("COMMIT PREPARED 'held'"))


def write_prepared(attack: Attack) -> None:
    """What was written while it was allowed is kept back, to be made true after the end."""
    superuser = attack.shop.superuser
    superuser.execute("DELETE FROM public.ledger WHERE id = 777")
    session = attack.connect()
    session.execute("BEGIN")
    session.execute("INSERT INTO ledger VALUES (777, 'kept back')")
    session.execute("PREPARE TRANSACTION 'kept back'")
    session.close()

    def later() -> bool:
        attack.connect().execute("COMMIT PREPARED 'kept back'")
        return superuser.execute("SELECT FROM public.ledger WHERE id = 777").fetchone() is not None

    attack.trials["a prepared write was made true after the end"] = later
    attack.stack.callback(superuser.execute, "DELETE FROM public.ledger WHERE id = 777")


def reconnecting_clients(attack: Attack) -> None:
    """One of them always has the row; who is thrown out comes again at once."""
    locked = threading.Event()

    def keep_locking(over: threading.Event) -> None:
        while not over.is_set():
            with suppress(psycopg.Error), psycopg.connect(attack.shop.dsn(attack.login, attack.password)) as client:
                client.execute("SET lock_timeout = '20ms'")
                client.commit()
                while not over.is_set():
                    try:
                        client.execute(_LOCK_OWN_ROW)
                    except psycopg.errors.LockNotAvailable:
                        client.rollback()
                        continue
                    locked.set()
                    while not over.wait(0.02):
                        client.execute("SELECT 1")
            over.wait(0.001)

    for _ in range(_CLIENTS):
        attack.in_background(keep_locking)
    assert locked.wait(10), "the clients got nowhere"


def _open_transaction(attack: Attack, *statements: str) -> None:
    """A DBA does something, and goes to lunch."""
    session = attack.administrator()
    session.execute("BEGIN")
    for statement in statements:
        session.execute(statement.encode())
    attack.let_go.append(lambda: session.execute("ROLLBACK"))


def dba_grants_the_role(attack: Attack) -> None:
    _open_transaction(attack, *(f"GRANT {role} TO bystanders" for role in attack.power.roles))


def dba_grants_to_the_login(attack: Attack) -> None:
    _open_transaction(attack, f'GRANT bystanders TO "{attack.login}"')


def dba_sets_the_login(attack: Attack) -> None:
    _open_transaction(attack, f"ALTER ROLE \"{attack.login}\" SET work_mem = '8MB'")


def dba_gave_an_extra_role(attack: Attack) -> None:
    """Which the bot may not revoke."""
    attack.by_superuser(f'GRANT extra TO "{attack.login}"')
    session = attack.sessions[0]
    session.execute("SELECT word FROM extra_vault")
    if not attack.own_login:
        attack.trials["the extra role reads on"] = lambda: session.execute("SELECT word FROM extra_vault").fetchone()


def login_renamed(attack: Attack) -> None:
    attack.by_superuser(f'ALTER ROLE "{attack.login}" RENAME TO renamed_by_a_dba')
    attack.by_superuser(f"ALTER ROLE renamed_by_a_dba PASSWORD '{attack.password}'")
    attack.login = "renamed_by_a_dba"


def login_dropped(attack: Attack) -> None:
    """Its sessions live on, under a number."""
    attack.by_superuser(f'DROP ROLE "{attack.login}"')


def membership_passed_on(attack: Attack) -> None:
    """A DBA let her; now Mallory has it too."""
    role = attack.power.roles[0]
    attack.by_superuser(f'GRANT {role} TO "{attack.login}" WITH ADMIN OPTION')
    attack.connect().execute(f"GRANT {role} TO mallory".encode())
    mallory = attack.of_person("mallory")
    statement = attack.power.reads[0].encode()
    mallory.execute(statement)
    if not attack.own_login:
        attack.trials["who got it from the holder has it still, and no word of it"] = lambda: (
            mallory.execute(statement).fetchone() and not _is_told(attack, "mallory")
        )


def _is_told(attack: Attack, name: str) -> bool:
    grant = attack.house.again(attack.grant)
    return any(name in sentence for sentence in (*(grant.residual or ()), grant.problem or ""))


def lock_table_full(attack: Attack) -> None:
    """Advisory locks, until there is no room for anybody's."""
    session = attack.session()

    def fill() -> None:
        number = 0
        with suppress(psycopg.errors.OutOfMemory):
            while True:
                session.execute(
                    f"SELECT pg_advisory_lock(i) FROM generate_series({number}, {number + 20}) AS i".encode()
                )
                number += 21
        with suppress(psycopg.errors.OutOfMemory):
            while True:
                number += 1
                session.execute(f"SELECT pg_advisory_lock({number})".encode())

    fill()
    attack.let_go.append(session.close)
    attack.let_go.append(lambda: wait_until(lambda: has_room(attack.shop), "room in the lock table"))


def all_slots_taken(attack: Attack) -> None:
    """By somebody else, who does nothing else."""
    taken = list[psycopg.Connection]()
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(attack.of_person("eve"))
    attack.let_go.append(lambda: [session.close() for session in taken])


LOCKS = (
    Obstacle("nothing", nothing),
    Obstacle("own row locked", own_row_locked),
    Obstacle("own row prepared", own_row_prepared),
    Obstacle("reconnecting clients", reconnecting_clients),
    Obstacle("a DBA grants the role", dba_grants_the_role, waits=("membership",)),
    Obstacle("a DBA grants to the login", dba_grants_to_the_login),
    Obstacle("a DBA sets the login", dba_sets_the_login),
    Obstacle("a DBA gave an extra role", dba_gave_an_extra_role),
    Obstacle("login renamed", login_renamed, modes=("login",), not_by=("by hand", "psql")),
    Obstacle("login dropped", login_dropped, modes=("login",)),
    Obstacle("membership passed on", membership_passed_on, needs_reads=True, modes=("login",)),
    Obstacle("lock table full", lock_table_full, not_by=("by hand", "psql")),
    Obstacle("all slots taken", all_slots_taken),
    # Of her own login the bot may not be the owner: there it can only be told.
    Obstacle("write prepared", write_prepared, needs_writes=True, modes=("login",)),
)
