"""What membership mode does beyond the contract, and the wrong providers that the contract finds in it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from access.errors import NotPermitted, Unsupported
from access.ports import Deadline, GrantSpec, Holder, Observation, Receipt, Removal
from countersign.demo.target import Target
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts import test_postgres_membership as contract
from tests.contracts.membership_world import OLDER, MembershipWorld, prepare_older
from tests.contracts.shop import for_a_while, provider_factory, soon
from tests.contracts.test_postgres_membership import membership_spec
from workers.providers.postgres import Postgres, Settings

Make = Callable[[], Postgres]


@pytest.fixture
def world(server: EmbeddedPostgres, target: Target) -> Iterator[MembershipWorld]:
    world = MembershipWorld(server, target)
    yield world
    world.close()


@pytest.fixture
def provider(world: MembershipWorld, tmp_path: Path) -> Iterator[Postgres]:
    with provider_factory(Postgres, world.bot_dsn, tmp_path, "membership") as make:
        yield make()


def memberships(world: MembershipWorld) -> list[tuple[object, ...]]:
    query = (
        "SELECT g.rolname, p.rolname, by.rolname, admin_option FROM pg_auth_members m "
        "JOIN pg_roles g ON g.oid = roleid JOIN pg_roles p ON p.oid = member JOIN pg_roles by ON by.oid = grantor "
        "WHERE p.rolname IN ('ann', 'lea') ORDER BY 1, 2, 3"
    )
    return world.owner.execute(query).fetchall()


def test_a_session_that_is_open_goes_on_without_the_rights_and_the_end_says_so(
    provider: Postgres, world: MembershipWorld
) -> None:
    spec = membership_spec()
    provider.grant(spec, soon())
    session = world.open_session(spec, None)
    removal = provider.revoke(spec, None, soon())
    assert not session.is_alive()
    assert session._connection.execute("SELECT 1").fetchone() == (1,)
    session.close()
    assert removal.sessions_ended is None
    (said,) = removal.residual
    assert said.startswith("Open sessions of ann: 1. They are the person's own and go on, without these rights")


@pytest.mark.parametrize("under_way", ["a cursor", "a session that only waits"])
def test_what_was_under_way_ends_with_the_rights_and_an_idle_session_goes_on(
    provider: Postgres, world: MembershipWorld, under_way: str
) -> None:
    spec = membership_spec()
    provider.grant(spec, soon())
    with closing(world.open_session(spec, None)) as session:
        connection = session._connection
        if under_way == "a cursor":
            connection.execute("BEGIN; DECLARE reads CURSOR FOR SELECT email FROM customers; FETCH 1 FROM reads")
        removal = provider.revoke(spec, None, soon())
        assert not session.is_alive()
        if under_way == "a cursor":
            assert connection.closed
            assert "1 session of ann ended" in removal.residual[0]
        else:
            assert connection.execute("SELECT 1").fetchone() == (1,), "it is the person's own"


def test_what_another_gave_stands_beside_ours_and_the_end_says_so(provider: Postgres, world: MembershipWorld) -> None:
    spec = membership_spec()
    with world.given_by_hand(spec):
        assert provider.observe(spec, None, soon()).standing == frozenset()
        provider.grant(spec, soon())
        assert len(memberships(world)) == 2
        removal = provider.revoke(spec, None, soon())
        assert memberships(world) == [("support_read", "ann", "postgres", True)]
        assert "ann is a member of support_read by another's grant, not by Countersign; that stays." in removal.residual


def test_of_several_roles_only_what_nobody_else_needs_is_taken(provider: Postgres, world: MembershipWorld) -> None:
    both = replace(membership_spec(), definition={"grants": ["support_read", "orders_fix"]})
    provider.grant(both, soon())
    provider.revoke(replace(both, kept=frozenset({"support_read"})), None, soon())
    assert [role for role, *_ in memberships(world)] == ["support_read"]
    provider.revoke(both, None, soon())
    assert memberships(world) == []


def test_what_the_person_passed_on_goes_too(provider: Postgres, world: MembershipWorld) -> None:
    spec = membership_spec()
    provider.grant(spec, soon())
    world.tamper(spec)
    world.owner.execute("SET ROLE ann; GRANT support_read TO lea; RESET ROLE")
    assert len(memberships(world)) == 2
    provider.revoke(spec, None, soon())
    assert memberships(world) == []


def test_connect_says_where_and_holds_no_secret(provider: Postgres) -> None:
    spec = membership_spec()
    provider.grant(spec, soon())
    secret = provider.reveal(spec, None, soon())
    shown = {label: value.get_secret_value() for label, value in secret.fields}
    assert (secret.made, shown["Login"], shown["Database"]) == (False, "ann", "shop")
    assert "Password" not in shown
    assert "PGPASSWORD" not in secret.environment
    assert secret.environment["PGUSER"] == "Login"
    assert "user=ann" in shown["psql"]
    assert "your own login" in secret.note
    provider.revoke(spec, None, soon())


def test_there_is_no_end_on_the_server_to_move(provider: Postgres) -> None:
    with pytest.raises(Unsupported):
        provider.extend(membership_spec(), None, soon())


def test_everybody_who_has_a_role_is_listed_and_the_bot_that_gave_it_to_itself(
    provider: Postgres, world: MembershipWorld
) -> None:
    spec = membership_spec()
    provider.grant(spec, soon())
    given = "GRANT orders_fix TO countersign WITH INHERIT TRUE GRANTED BY countersign; GRANT orders_fix TO lea"
    taken = "REVOKE orders_fix FROM countersign GRANTED BY countersign; REVOKE orders_fix FROM lea"
    with for_a_while(world, given, taken):
        holders = [(one.principal, one.role, one.ours, one.service_account) for one in provider.list_holders(soon())]
        assert holders == [
            ("ann", "support_read", True, False), ("countersign", "orders_fix", True, True),
            ("lea", "orders_fix", False, False),
        ]  # fmt: skip
    provider.revoke(spec, None, soon())
    assert provider.list_holders(soon()) == []


def test_the_temporary_logins_of_the_other_mode_are_listed_with_their_grants(
    world: MembershipWorld, provider: Postgres, tmp_path: Path
) -> None:
    other = tmp_path / "login"
    other.mkdir()
    with provider_factory(Postgres, world.bot_dsn, other) as make:
        logins, spec = make(), membership_spec()
        logins.grant(spec, soon())
        for mode in (provider, logins):
            assert [one.grant_id for one in mode.list_holders(soon())] == [spec.grant_id]
        logins.revoke(spec, None, soon())


def test_a_bot_that_may_grant_only_through_another_role_is_told_by_the_check(
    provider: Postgres, world: MembershipWorld
) -> None:
    made = (
        "CREATE ROLE admins; CREATE ROLE passed_on; GRANT passed_on TO admins WITH ADMIN OPTION; "
        "GRANT admins TO countersign"
    )
    with for_a_while(world, made, "DROP ROLE passed_on; DROP ROLE admins"):
        found = provider.check({"read": Postgres.Role(grants=["support_read", "passed_on"])}, Deadline.after(20))
        levels = {one.sentence.split(" may grant ")[1][:9]: one.level for one in found if one.subject == "read"}
        assert levels == {"support_r": "ok", "passed_on": "error"}
        with pytest.raises(NotPermitted):
            provider.grant(replace(membership_spec(), definition={"grants": ["passed_on"]}), soon())
    assert {one.level for one in found if one.subject in ("connection", "version")} == {"ok"}


def test_a_superuser_as_the_bot_is_told_by_the_check(world: MembershipWorld, tmp_path: Path) -> None:
    with provider_factory(Postgres, world.owner_dsn, tmp_path, "membership") as make:
        found = {one.subject: one for one in make().check({}, Deadline.after(20))}
    assert found["superuser"].level == "error"


def test_a_mode_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="'login' or 'membership'"):
        Settings.model_validate({"dsn": {"env": "SHOP_DSN"}, "mode": "memberships"})


def test_the_usual_mode_goes_without_saying() -> None:
    """Or every request that is pending would be another one after the upgrade."""
    usual = Settings.model_validate({"dsn": {"env": "SHOP_DSN"}, "database": "shop"}).model_dump(mode="json")
    assert usual == {"dsn": {"env": "SHOP_DSN", "file": None}, "database": "shop"}
    other = Settings.model_validate({"dsn": {"env": "SHOP_DSN"}, "mode": "membership"}).model_dump(mode="json")
    assert other["mode"] == "membership"
    assert Settings.model_validate(other).mode == "membership"


class TakesWhatOthersNeed(Postgres):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return super().revoke(replace(spec, kept=frozenset()), receipt, deadline)


class SeesWhatIsAnothers(Postgres):
    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        return super().observe(replace(spec, kept=frozenset()), receipt, deadline)


class ListsNobody(Postgres):
    def list_holders(self, deadline: Deadline) -> list[Holder]:
        return []


class SaysNothingOfSessions(Postgres):
    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        return replace(super().revoke(spec, receipt, deadline), residual=())


@pytest.mark.parametrize(
    ("promise", "mutant"),
    [
        ("c09_of_two_that_overlap_each_ends_its_own", TakesWhatOthersNeed),
        ("c09_of_two_that_overlap_each_ends_its_own", SeesWhatIsAnothers),
        ("c17_rights_added_by_hand_are_reported_and_end_with_the_rest", ListsNobody),
        ("c11_an_open_session_is_over_or_the_revoke_says_it_is_not", SaysNothingOfSessions),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_provider_that_breaks_a_promise_of_this_mode_fails_it(
    promise: str, mutant: type[Postgres], world: MembershipWorld, tmp_path: Path
) -> None:
    with provider_factory(mutant, world.bot_dsn, tmp_path, "membership") as make:
        given = {"first": 0} if promise.startswith("c09_of") else {}
        with pytest.raises(AssertionError, match=f"^{promise[:3].upper()}"):
            getattr(contract.TestMembership(), f"test_{promise}")(make(), world, membership_spec, **given)
        make().revoke(membership_spec(), None, soon())


if OLDER:

    @pytest.fixture(scope="module")
    def older_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MembershipWorld]:
        server = EmbeddedPostgres(tmp_path_factory.mktemp("older"), bin_dir=OLDER[-1]).start()
        world = MembershipWorld(server, prepare_older(server))
        yield world
        world.close()
        server.remove()

    @pytest.fixture
    def older(older_world: MembershipWorld, tmp_path: Path) -> Iterator[Postgres]:
        with provider_factory(Postgres, older_world.bot_dsn, tmp_path, "membership") as make:
            yield make()

    def test_before_16_what_another_gave_is_neither_added_to_nor_removed(
        older: Postgres, older_world: MembershipWorld
    ) -> None:
        spec = membership_spec()
        with older_world.given_by_hand(spec):
            seen = older.observe(spec, None, soon())
            assert (seen.present, seen.standing) == (False, {"support_read"})
            kept = replace(spec, kept=seen.standing)
            older.grant(kept, soon())
            older.revoke(kept, None, soon())
            older.revoke(spec, None, soon())  # nor where nobody says that it is kept: the bot did not give it
            assert memberships(older_world) == [("support_read", "ann", "postgres", True)]

    def test_before_16_all_sessions_end_for_set_role_outlives_a_membership(
        older: Postgres, older_world: MembershipWorld
    ) -> None:
        spec = membership_spec()
        older.grant(spec, soon())
        session = older_world.open_session(spec, None)
        session._connection.execute("SET ROLE support_read")
        removal = older.revoke(spec, None, soon())
        assert not session.is_alive()
        assert "1 session of ann ended" in removal.residual[0]

    def test_before_16_without_the_right_to_end_sessions_the_end_says_what_goes_on(
        older: Postgres, older_world: MembershipWorld
    ) -> None:
        spec = membership_spec()
        older.grant(spec, soon())
        session = older_world.open_session(spec, None)
        session._connection.execute("SET ROLE support_read")
        takes, gives = "REVOKE pg_signal_backend FROM countersign", "GRANT pg_signal_backend TO countersign"
        with closing(session), for_a_while(older_world, takes, gives):
            removal = older.revoke(spec, None, soon())
            assert session.is_alive(), "or the sentence is not needed any more"
            assert "a session that has said SET ROLE" in removal.residual[0]

    def test_before_16_the_check_says_what_is_not_promised(older: Postgres) -> None:
        found = {
            one.subject: one
            for one in older.check({"read": Postgres.Role(grants=["support_read"])}, Deadline.after(20))
        }
        assert (found["version"].level, found["read"].level) == ("warning", "ok")
        assert "keep the role after its end" in found["version"].sentence
