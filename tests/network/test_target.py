"""Between a worker and a PostgreSQL that is a target: each call ends in time, says what is known, and access ends."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn

from access.errors import Ambiguous, ProviderError, Transient
from access.grants.claims import IN_FLIGHT
from access.ports import Deadline, GrantSpec, SecretReference
from countersign.demo.target import Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.testing.faulty_proxy import FaultyProxy
from tests.contracts.shop import make_spec
from tests.network.conftest import FAULTS, SILENT, Between
from tests.waiting import wait_until
from workers.providers.postgres import Postgres, Settings, connecting
from workers.providers.postgres.login import login_name

CALL_SECONDS = 1.0
CONNECT_SECONDS = 2.0
"""The least that libpq waits for a connection."""
Call = Callable[[Postgres, GrantSpec, Deadline], object]
CALLS: dict[str, Call] = {
    "grant": lambda provider, spec, deadline: provider.grant(spec, deadline),
    "observe": lambda provider, spec, deadline: provider.observe(spec, None, deadline),
    "revoke": lambda provider, spec, deadline: provider.revoke(spec, None, deadline),
}


@pytest.fixture(scope="module")
def target(postgres: EmbeddedPostgres) -> Target:
    return prepare(postgres)


@pytest.fixture
def proxy(postgres: EmbeddedPostgres, between: Between) -> FaultyProxy:
    return between(("127.0.0.1", postgres.port))


@pytest.fixture
def provider(target: Target, proxy: FaultyProxy, tmp_path: Path) -> Iterator[Postgres]:
    dsn = tmp_path / "dsn"
    dsn.write_text(make_conninfo(target.bot_dsn, port=proxy.port), encoding="utf-8")
    provider = Postgres(Settings(dsn=SecretReference(file=str(dsn))))
    yield provider
    provider.close()


def stands(target: Target, spec: GrantSpec) -> bool:
    with psycopg.connect(target.superuser_dsn, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login_name(spec)])
        return found.fetchone() is not None


def soon() -> Deadline:
    return Deadline.after(CALL_SECONDS)


def gone(provider: Postgres, target: Target, spec: GrantSpec) -> bool:
    """As the product goes on: it takes away and looks, until it is proven."""
    provider.revoke(spec, None, Deadline.after(10))
    return not provider.observe(spec, None, Deadline.after(10)).present and not stands(target, spec)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_ends_in_time_and_access_ends_when_all_is_well(
    provider: Postgres, proxy: FaultyProxy, target: Target, fault: str, call: str
) -> None:
    spec = make_spec()
    if call != "grant":
        provider.grant(spec, Deadline.after(10))
    provider.observe(spec, None, Deadline.after(10))  # a connection lies ready

    FAULTS[fault](proxy)
    began = time.monotonic()
    try:
        CALLS[call](provider, spec, soon())
        answered = True
    except (Transient, Ambiguous):  # anything else would be told as somebody's mistake
        answered = False
    assert not (answered and fault in SILENT), "nobody can have answered"
    assert time.monotonic() - began < CALL_SECONDS + CONNECT_SECONDS + 1
    proxy.heal()

    wait_until(lambda: gone(provider, target, spec), "the access to be gone for good", every=0.1)


def test_wherever_a_grant_is_cut_off_what_stands_is_never_said_not_to(
    provider: Postgres, proxy: FaultyProxy, target: Target
) -> None:
    outcomes = set[str]()
    for count in range(0, 14_000, 200):
        spec = make_spec()
        provider.observe(spec, None, Deadline.after(10))  # a connection lies ready
        proxy.reset_after(count)
        try:
            provider.grant(spec, Deadline.after(10))
            outcomes.add("done")
        except Ambiguous:
            outcomes.add("in doubt")
        except ProviderError as error:
            outcomes.add(type(error).__name__)
            assert not stands(target, spec), f"cut off after {count} bytes it was said to have failed"
        proxy.heal()
        assert gone(provider, target, spec)

    assert outcomes == {"Transient", "in doubt", "done"}


def test_latency_alone_harms_nobody(provider: Postgres, proxy: FaultyProxy, target: Target) -> None:
    proxy.delay(0.05)
    spec = make_spec()
    provider.grant(spec, Deadline.after(10))

    assert gone(provider, target, spec)


def test_words_that_were_not_taken_are_not_delivered_after_the_second_look(
    provider: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel would go on for a quarter of an hour; the second look comes half a minute later."""
    seen = list[int]()
    connect = connecting.connect

    def looked_at(said: Mapping[str, str], deadline: Deadline) -> PGconn:
        made = connect(said, deadline)
        with socket.socket(fileno=socket.dup(made.socket)) as end:  # pyright: ignore[reportAttributeAccessIssue] -- POSIX
            seen.append(end.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
        return made

    monkeypatch.setattr(connecting, "connect", looked_at)
    provider.observe(make_spec(), None, Deadline.after(10))

    assert seen
    assert all(timedelta(0) < timedelta(milliseconds=one) < IN_FLIGHT for one in seen)
