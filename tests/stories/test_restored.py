"""Everything is stopped, the database is restored from a backup, everything is started again."""

import subprocess
import sys

import pytest

from access.models import AlertKind, EndedBy, Grant, GrantStatus
from tests.backups import backup
from tests.stories.house import CHANNEL, House
from tests.waiting import wait_until
from workers.log_checkpoint import CheckpointStore

pytestmark = pytest.mark.timeout(300)
LINE = "customers-db/read 30m INC-13 once more"


def opened(house: House, *, by: str, entitlement: str) -> Grant:
    before = len(house.grants())
    house.approve(house.ask("30m", by=by, entitlement=entitlement))
    wait_until(
        lambda: len(house.grants()) > before and house.grants()[-1].status == GrantStatus.ACTIVE, "it to be open"
    )
    return house.grants()[-1]


def done(house: House, grant: Grant, *, by: str) -> None:
    mine = lambda one: "grant.done" in one.actions() and grant.entitlement in str(one.blocks)  # noqa: E731
    house.person(by).click(house.message(by, mine, "the button for being done"), "grant.done")
    wait_until(
        lambda: {one.id: one.status for one in house.grants()}[grant.id] == GrantStatus.ENDED, "it to have ended"
    )


def whispers(house: House, by: str) -> str:
    return " ".join(one.words for one in house.person(by).ephemerals(CHANNEL))


def remembered(house: House) -> int:
    """How many events of the log are known of outside the database."""
    return max((mark.seq for mark in CheckpointStore(house.directory, None).known()), default=0)


@pytest.mark.both_databases
def test_what_the_old_database_does_not_know_is_closed_before_anybody_may_ask(house: House) -> None:
    house.start()
    known = opened(house, by="U0ANN", entitlement="customers-db/read")
    returned = opened(house, by="U0BEN", entitlement="customers-db/read")
    house.end()
    restore = backup(house.database_url)
    house.start()
    done(house, returned, by="U0BEN")
    forgotten = opened(house, by="U0ANN", entitlement="customers-db/fix-orders")
    wait_until(lambda: remembered(house) >= len(house.actions()), "the next sweep to remember it", within=30)
    house.end()
    assert house.logins() == sorted([f"cs_{known.id}", f"cs_{forgotten.id}"])

    restore()
    house.start("bot", "timekeeper", "tell")  # nobody who could compare anything yet

    assert house.person("U0BEN").command(CHANNEL, "/access", LINE).ok
    wait_until(lambda: "restored from a backup" in whispers(house, "U0BEN"), "the whisper that it is being compared")
    assert house.requests("U0BEN")[-1].reason != "INC-13 once more"
    house.start("grant", "revoke")

    compared = lambda: [one for one in house.alerts() if one.kind == AlertKind.RESTORED and one.closed_at]  # noqa: E731
    wait_until(compared, "every target to be compared", within=120, every=0.1)
    assert house.logins() == [f"cs_{known.id}"]
    rows = {grant.id: (grant.status, grant.ended_by) for grant in house.grants()}
    assert rows == {
        known.id: (GrantStatus.ACTIVE, None),
        returned.id: (GrantStatus.ENDED, EndedBy.DRIFT),
        forgotten.id: (GrantStatus.ENDED, EndedBy.DRIFT),
    }
    looked = subprocess.run(
        [sys.executable, "-m", "countersign", "drift"], env=house.environment(), capture_output=True, text=True,
        timeout=150, check=False,
    )  # fmt: skip
    assert looked.stdout == "customers-db: as it was left.\n", looked.stderr
    before = len(house.cards())
    house.ask("30m", by="U0BEN")
    assert len(house.cards()) == before + 1
    assert house.verified().flaw is None
    wait_until(lambda: compared()[0].delivered_at, "the alert to be told")
