"""`countersign drift --baseline`: who holds what without a grant, with its status; names come alive nowhere."""

from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from access.actors import by_slack, system
from access.errors import NotFound
from access.models import StandingAccess
from access.monitor.schedule_checks import schedule_checks
from access.ports import Holder
from access.reconcile.holders import Seen
from access.reconcile.standing_accept import accept_one_value, accept_standing
from access.reconcile.standing_access import CheckOutcome, lock_alerts, settle
from access.settings import Settings
from countersign.cli.app import app
from countersign.cli.drift_baseline import report
from tests.cast import SAM
from tests.world import World

REPORTS = Holder(
    principal="reports", role="look", ours=False, member_id="7001", grantor="dana",
    options=frozenset({"inherit", "admin"}),
)  # fmt: skip
EVIL = Holder(
    principal="eve\x1b[2J\nall  accepted", role="look", ours=False, member_id="7002", via="team", can_log_in=False
)


@pytest.fixture
def settings(world: World, database_url: str, tmp_path: Path) -> Settings:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return Settings.read(
        {"DATABASE_URL": database_url, "COUNTERSIGN_POLICY": str(world.policy_file), "COUNTERSIGN_STATE": str(state)}
    )


def found(world: World, *holders: Holder) -> None:
    with world.core.work(system("drift")) as work:
        looked = CheckOutcome(
            "customers-db", world.clock.now(), [Seen("fake", one) for one in holders], None, whole=True
        )
        lock_alerts(work, [looked])
        settle(work, [looked])


def test_every_holder_is_listed_with_who_accepted_it(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found(world, REPORTS, EVIL)
    with world.core.database.read() as session:
        row = session.exec(select(StandingAccess).filter_by(principal="reports")).one()
    accept_standing(world.core, button=accept_one_value(row), by=by_slack(SAM))
    assert report(settings, []) == 0
    assert capsys.readouterr().out.splitlines() == [
        "customers-db: 1 accepted, 1 not accepted.",
        "  new       eve[2J all accepted (with hidden characters) holds look through team, "
        "cannot log in itself; number 7002; found 2026-11-23 12:00 UTC",
        "  accepted  reports holds look (admin, inherit), given by dana; number 7001; found 2026-11-23 12:00 UTC, "
        "accepted 2026-11-23 12:00 UTC by sam",
        "",
    ]


def test_what_was_never_looked_at_is_no_all_clear(
    world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(settings, []) == 1
    assert "No target has been looked at yet." in capsys.readouterr().out
    with pytest.raises(NotFound, match="No target of a resource another has been looked at"):
        report(settings, ["another"])

    schedule_checks(world.core)
    assert report(settings, []) == 1
    assert capsys.readouterr().out == "customers-db: not known. No worker has looked there yet.\n"

    world.pass_time(minutes=12)
    assert report(settings, ["customers-db"]) == 0
    assert capsys.readouterr().out == "No role is held without a grant.\n"

    world.server.weather = "down"
    world.pass_time(minutes=12)
    assert report(settings, []) == 1
    assert capsys.readouterr().out.startswith("customers-db: not known. ")


def test_the_command_prints_the_list_and_asks_no_target(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(world, REPORTS)
    monkeypatch.setattr("countersign.cli.app._settings", lambda *_: settings)
    said = CliRunner().invoke(app, ["drift", "--baseline"])
    assert (said.exit_code, said.stdout.splitlines()[0]) == (0, "customers-db: 0 accepted, 1 not accepted.")
