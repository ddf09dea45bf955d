"""The line to a MariaDB is cut at each statement of a verb: what stays is harmless, and the next try finishes the work.

C05 asks whether it converges; here it is looked at what a process that died there has left until the next one comes.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from access.ports import Deadline, GrantSpec, Outcome, Receipt, Secret
from countersign.testing.steps import deadline, gets_in, grant, reveal, revoke, strike
from countersign.testing.world import FaultKind
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_server import ask
from tests.contracts.mysql_world import MysqlWorld, PersonsSession, made_of, make_direct_spec, make_spec
from tests.contracts.test_mysql_mutants import tidied
from workers.providers.mysql import Mysql, logins, statements
from workers.providers.mysql.logins import login_of

pytestmark = [NEEDS_MARIADB, pytest.mark.parametrize("kind", ["before", "after"])]
Make = Callable[[], Mysql]
_STATEMENTS_AT_MOST = 60
_LOGIN = """
SELECT IF(JSON_VALUE(Priv, '$.account_locked') IN ('1', 'true'), 1, 0),
    (SELECT COUNT(*) FROM mysql.roles_mapping AS m WHERE m.User = g.User AND m.Role <> 'countersign_logins')
    + (SELECT COUNT(*) FROM mysql.columns_priv AS c WHERE c.User = g.User),
    (SELECT COUNT(*) FROM mysql.event AS e WHERE e.db = 'countersign' AND e.name = g.User)
FROM mysql.global_priv AS g WHERE g.User = 'cs_{id}'
"""
"""Whether it is locked, how much it has, and how many ends of the server's own it has."""


def struck(world: MysqlWorld, kind: FaultKind, call: Callable[[int], Callable[[], object]]) -> Iterator[str]:
    """Cuts at one statement after the other, until there are no more; each time where, for the message."""
    for at in range(1, _STATEMENTS_AT_MOST):
        if not strike(world, kind, at, call(at)):
            return
        yield f"cut {kind} statement {at}"
    pytest.fail("it never ends")


def login(world: MysqlWorld, spec: GrantSpec) -> tuple[bool, int, int] | None:
    found = ask(world.owner, _LOGIN.format(id=spec.grant_id))
    assert len(found) < 2, "one grant has two logins"
    return (bool(found[0][0]), int(found[0][1]), int(found[0][2])) if found else None


@pytest.mark.parametrize("made", [make_spec, make_direct_spec])
def test_a_grant_that_is_cut_leaves_no_way_in_and_no_rights_without_an_end(
    mysql_world: MysqlWorld, make_mysql: Make, made: Callable[[], GrantSpec], kind: FaultKind
) -> None:
    untouched, specs = mysql_world.snapshot(), dict[int, GrantSpec]()

    def granting(at: int) -> Callable[[], object]:
        specs[at] = made()
        return lambda: grant(make_mysql(), specs[at])

    for at, where in enumerate(struck(mysql_world, kind, granting), 1):
        spec, again = specs[at], make_mysql()
        there = login(mysql_world, spec)
        assert there is None or there[0], f"{where}: the login that stays is open (C01)"
        assert there is None or not there[1] or there[2], f"{where}: rights stay that nothing ends (C13)"
        assert all(one.grant_id for one in again.list_managed(deadline())), f"{where}: taken for a stranger's (C18)"
        receipt = grant(again, spec).receipt
        assert receipt == grant(make_mysql(), spec).receipt, f"{where}: twice is not once (C02)"
        assert receipt.native_expiry == mysql_world.own_end(spec), f"{where}: another end than was said (C14)"
        seen = again.observe(spec, receipt, deadline())
        assert seen.present, f"{where}: what was granted is not there (C05)"
        assert not seen.extra_privileges, f"{where}: more than was granted (C17)"
        assert not seen.details["missing"], f"{where}: less than was granted (C05)"
        assert gets_in(mysql_world, spec, reveal(again, spec)), f"{where}: the person does not get in (C01)"
        revoke(again, spec, None)
        assert mysql_world.snapshot() == untouched, f"{where}: something stays (C05)"
    revoke(make_mysql(), specs[max(specs)], None)  # the one that nothing struck
    assert len(specs) > 8, "the statements of a grant were not all cut"


def test_an_end_that_is_cut_keeps_the_servers_own_and_the_next_one_ends_it(
    mysql_world: MysqlWorld, make_mysql: Make, kind: FaultKind
) -> None:
    untouched, opened = mysql_world.snapshot(), dict[int, tuple[GrantSpec, Receipt]]()

    def ending(at: int) -> Callable[[], object]:
        spec, provider = make_spec(), make_mysql()
        opened[at] = (spec, grant(provider, spec).receipt)
        secrets[at] = reveal(provider, spec)
        sessions[at] = mysql_world.open_session(spec, secrets[at])
        return lambda: revoke(make_mysql(), spec, None)

    secrets, sessions = dict[int, Secret | None](), dict[int, PersonsSession]()
    for at, where in enumerate(struck(mysql_world, kind, ending), 1):
        spec, receipt = opened[at]
        there = login(mysql_world, spec)
        assert there is None or there[2], f"{where}: the login stays, and nothing of the server's ends it (C13)"
        removal = revoke(make_mysql(), spec, receipt)
        assert removal.state in ("removed", "absent")
        with closing(sessions[at]) as session:
            assert not session.is_alive(), f"{where}: a session outlives the end (C11)"
        assert not gets_in(mysql_world, spec, secrets[at]), f"{where}: the person still gets in (C01)"
        assert not make_mysql().observe(spec, receipt, deadline()).present, f"{where}: it is still seen (C16)"
        assert revoke(make_mysql(), spec, receipt).state == "absent", f"{where}: ended again (C03)"
        assert mysql_world.snapshot() == untouched, f"{where}: something stays (C05)"
    assert len(opened) > 8, "the statements of an end were not all cut"


def test_a_move_of_the_end_that_is_cut_has_the_old_one_or_the_new_one(
    mysql_world: MysqlWorld, make_mysql: Make, kind: FaultKind
) -> None:
    spec, first = make_spec(), make_mysql()
    receipt, secret = grant(first, spec).receipt, reveal(first, spec)
    moved = replace(spec, expires_at=spec.expires_at + timedelta(hours=1))
    old, cuts = mysql_world.own_end(spec), 0

    def moving(_at: int) -> Callable[[], object]:
        return lambda: make_mysql().extend(moved, receipt, deadline())

    for where in struck(mysql_world, kind, moving):
        cuts += 1
        ends = mysql_world.own_end(spec)
        assert ends is not None, f"{where}: it has no end (C14)"
        assert ends == old or ends >= moved.expires_at, f"{where}: it has an end that no one asked for (C15)"
        new = make_mysql().extend(moved, receipt, deadline()).receipt
        assert new.native_expiry == mysql_world.own_end(spec), f"{where}: the next try has another end (C15)"
        assert gets_in(mysql_world, spec, secret), f"{where}: moving it locked the person out (C15)"
        make_mysql().extend(spec, receipt, deadline())
    revoke(first, spec, receipt)
    assert cuts > 3


def test_a_look_at_the_secret_that_is_cut_is_made_good_by_the_next_and_shuts_the_last_one_out(
    mysql_world: MysqlWorld, make_mysql: Make, kind: FaultKind
) -> None:
    spec, first = make_spec(), make_mysql()
    grant(first, spec)
    before, cuts = reveal(first, spec), 0
    for where in struck(mysql_world, kind, lambda _at: lambda: reveal(make_mysql(), spec)):
        cuts += 1
        secret = reveal(make_mysql(), spec)
        assert gets_in(mysql_world, spec, secret), f"{where}: the next secret does not work (C05)"
        assert not gets_in(mysql_world, spec, before), f"{where}: the secret before it still works (C23)"
        before = secret
    revoke(first, spec, None)
    assert cuts > 3


class GivesBeforeThereIsAnEnd(Mysql):
    """As one would write it: the login, its rights, and then when they go."""

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        login = login_of(spec, self.settings)
        with self._session(deadline) as session:
            for statement in (
                statements.create(login, logins.hashed("x")),
                statements.mark(login),
                statements.give_role("support_read", login),
            ):
                session.write(statement)
        return super().grant(spec, deadline)


def test_a_provider_that_gives_rights_before_they_have_an_end_is_found(
    mysql_world: MysqlWorld, kind: FaultKind
) -> None:
    found = pytest.raises(AssertionError, match=r"rights stay that nothing ends \(C13\)")
    with tidied(mysql_world), made_of(GivesBeforeThereIsAnEnd, mysql_world) as make, found:
        test_a_grant_that_is_cut_leaves_no_way_in_and_no_rights_without_an_end(mysql_world, make, make_spec, kind)
