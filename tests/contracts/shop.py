"""Short words for the tests on the demo's shop."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from access.ids import GrantId, ulid
from access.ports import Deadline, GrantSpec, Secret, SecretReference
from countersign.testing import Refused
from tests.contracts.postgres_world import PostgresWorld
from workers.providers.postgres import Postgres, Settings
from workers.providers.postgres.login import login_name

Mode = Literal["login", "membership"]


def make_spec(principal: str = "ann") -> GrantSpec:
    now = datetime.now(UTC)
    return GrantSpec(
        grant_id=GrantId(ulid(now)),
        resource="customers-db",
        role="read",
        definition={"grants": ["support_read"]},
        settings={"dsn": {"env": "SHOP_DSN"}},
        scope={},
        principal=principal,
        expires_at=now + timedelta(hours=1),
    )


@contextmanager
def provider_factory(
    provider: type[Postgres], dsn: str, directory: Path, mode: Mode = "login"
) -> Iterator[Callable[[], Postgres]]:
    """Makes instances; closes them all at the end."""
    file = directory / "dsn"
    file.write_text(dsn)
    with ExitStack() as made:

        def make() -> Postgres:
            return made.enter_context(closing(provider(Settings(dsn=SecretReference(file=str(file)), mode=mode))))

        yield make


def provider_of(file: Path) -> Postgres:
    """With the DSN in this file."""
    return Postgres(Settings(dsn=SecretReference(file=str(file))))


def soon() -> Deadline:
    return Deadline.after(20)


def granting(*roles: str) -> GrantSpec:
    return replace(make_spec(), definition={"grants": list(roles)})


def logins(world: PostgresWorld, spec: GrantSpec) -> list[tuple[object, ...]]:
    query = "SELECT rolcanlogin, rolvaliduntil::text FROM pg_roles WHERE rolname = %s"
    return world.owner.execute(query, [login_name(spec)]).fetchall()


@contextmanager
def for_a_while(world: PostgresWorld, does: str, undoes: str) -> Iterator[None]:
    """Changes something on the server that the other tests must not meet."""
    world.owner.execute(does.encode())
    try:
        yield
    finally:
        world.owner.execute(undoes.encode())


def refused(world: PostgresWorld, secret: Secret) -> bool:
    try:
        world.connect(secret).close()
    except Refused:
        return True
    return False
