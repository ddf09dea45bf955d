"""C34: names that others planted are never called by us, and a database's owner does not set how we speak."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from access.ports import Deadline, GrantSpec
from countersign.demo import target as shop
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import OLDER, MembershipWorld, prepare_older
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.rivals import HOSTILE, RAN, Owner, heard, logged
from tests.contracts.shop import Mode, make_spec, provider_factory, soon
from tests.contracts.test_postgres_membership import membership_spec
from workers.providers.postgres import Postgres, Role

_SETTINGS = {"log_statement": "all", "fsync": "off", "max_locks_per_transaction": "512"}
SERVERS: dict[str, tuple[Mode, Path | None]] = {"18 login": ("login", None), "18 membership": ("membership", None)}
if OLDER:
    SERVERS[f"{OLDER[-1].parent.name} membership"] = ("membership", OLDER[-1])


@dataclass(frozen=True)
class Bazaar:
    """A server whose shop belongs to Eve."""

    server: EmbeddedPostgres
    world: PostgresWorld
    mode: Mode
    eve: Owner
    planted: list[str]


@pytest.fixture(scope="module", params=SERVERS)
def bazaar(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bazaar]:
    mode, binaries = SERVERS[request.param]
    server = EmbeddedPostgres(tmp_path_factory.mktemp("bazaar"), bin_dir=binaries, settings=_SETTINGS).start()
    try:
        target = prepare_older(server) if binaries else shop.prepare(server)
        with closing((MembershipWorld if mode == "membership" else PostgresWorld)(server, target)) as world:
            began = logged(server)
            with provider_factory(Postgres, world.bot_dsn, tmp_path_factory.mktemp("dsn"), mode) as make:
                every_verb(make(), world, mode)
            with closing(Owner(server, world)) as eve:
                yield Bazaar(server, world, mode, eve, eve.plant(heard(server, began)))
    finally:
        server.remove()


@pytest.fixture
def make(bazaar: Bazaar, tmp_path: Path) -> Iterator[Callable[[], Postgres]]:
    """Instances with connections of their own: what was set holds for new sessions."""
    with provider_factory(Postgres, bazaar.world.bot_dsn, tmp_path, bazaar.mode) as made:
        yield made


def every_verb(provider: Postgres, world: PostgresWorld, mode: Mode) -> None:
    """One access from its beginning to its end, with something made in it; each verb says what is so."""
    spec = make_spec() if mode == "login" else membership_spec()
    receipt = provider.grant(spec, soon()).receipt
    seen = provider.observe(spec, receipt, soon())
    assert seen.present
    secret = provider.reveal(spec, receipt, soon())
    if mode == "login":
        _login_alone(provider, world, spec)
    else:
        assert (spec.principal, "support_read") in {(one.principal, one.role) for one in provider.list_holders(soon())}
    levels = {
        finding.subject: finding.level
        for finding in provider.check({"read": Role(grants=["support_read"])}, Deadline.after(20))
    }
    assert levels["connection"] == "ok"
    assert levels["read"] == "ok"
    assert secret.fields
    removal = provider.revoke(spec, receipt, soon())
    assert removal.state == "removed"
    assert not provider.observe(spec, receipt, soon()).present


def _login_alone(provider: Postgres, world: PostgresWorld, spec: GrantSpec) -> None:
    later = replace(spec, expires_at=(spec.expires_at + timedelta(minutes=5)).replace(microsecond=0))
    provider.extend(later, None, soon())
    assert provider.observe(later, None, soon()).expires_at == later.expires_at
    assert spec.grant_id in [one.grant_id for one in provider.list_managed(soon())]
    provider.list_holders(soon())
    # Something to hand over, so that the session on the other database speaks too.
    login = f"cs_{spec.grant_id}"
    world.owner.execute(f"CREATE TABLE public.{login} (); ALTER TABLE public.{login} OWNER TO {login}".encode())


def test_a_rival_was_planted_for_all_that_a_stranger_once_could_run(bazaar: Bazaar) -> None:
    words = "\n".join(bazaar.planted)
    for once in ('"pg_has_role"', 'public."pg_roles"', 'public."text"', "public.= (FUNCTION"):
        assert once in words, f"nothing was planted for {once}"
    if bazaar.mode == "login":
        assert 'public."shobj_description"(oid, name)' in words
        assert 'public."pg_terminate_backend"(int4, int4)' in words


def test_no_rival_of_a_name_runs_whatever_the_owner_sets(bazaar: Bazaar, make: Callable[[], Postgres]) -> None:
    done = bazaar.eve.set_for_everybody(HOSTILE)
    assert {"search_path", "role", "statement_timeout", "default_transaction_read_only"} <= set(done)
    began = logged(bazaar.server)
    every_verb(make(), bazaar.world, bazaar.mode)
    assert RAN not in heard(bazaar.server, began)


@pytest.mark.parametrize("least", [True, False], ids=["least", "most"])
def test_no_setting_that_an_owner_can_make_stops_a_verb(
    bazaar: Bazaar, make: Callable[[], Postgres], *, least: bool
) -> None:
    done = bazaar.eve.set_for_everybody(bazaar.eve.extremes(least=least))
    assert len(done) > 80
    every_verb(make(), bazaar.world, bazaar.mode)
