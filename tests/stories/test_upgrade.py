"""The previous revision and this one side by side: all goes on while the schema changes and the processes follow."""

import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from access.ids import GrantId
from access.models import AlertKind, Grant, GrantStatus
from access.store import Database
from countersign import schema
from tests.stories.house import ARGUMENTS, House
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

ARCHIVE = Path(__file__).parent.parent / "upgrade" / "revision-0002.tar.xz"
LATE = timedelta(seconds=20)
"""Ten processes share the machine; on a quiet one nothing is a second late."""


@pytest.fixture
def old(tmp_path: Path) -> dict[str, str]:
    """What makes a process run the previous revision's code."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    return {"PYTHONPATH": str(tmp_path / "old"), "PYTHONSAFEPATH": "1"}


@pytest.fixture
def database_url(unmigrated_url: str, old: dict[str, str], tmp_path: Path) -> str:
    """At the previous revision, made by its own code."""
    said = countersign("migrate", {"DATABASE_URL": unmigrated_url, "COUNTERSIGN_STATE": str(tmp_path)} | old)
    assert "is at revision 0002" in said.stdout, said.stderr
    return unmigrated_url


def countersign(words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "countersign", *words.split()], env=environment, capture_output=True, text=True,
        timeout=90, check=False,
    )  # fmt: skip


def in_words_of_before(house: House) -> None:
    """Words that a version does not know are an error to it: they are written once every process has been replaced."""
    policy = house.directory / "access.yml"
    known = re.sub(r"^ +description: .*\n|description: [^,]+, ", "", policy.read_text(encoding="utf-8"), flags=re.M)
    assert "description" not in known
    policy.write_text(known, encoding="utf-8")


def opened(house: House, by: str, entitlement: str, time: str) -> GrantId:
    before = {one.id for one in grants(house)}
    house.approve(house.ask(time, by=by, entitlement=entitlement))
    new = lambda: [one for one in grants(house) if one.id not in before and one.activated_at]  # noqa: E731
    return wait_until(new, f"{entitlement} to be open for {by}", within=60, every=0.1)[0].id


def grants(house: House) -> Sequence[Any]:
    """By columns that both revisions have."""
    statement = select(Grant.id, Grant.status, Grant.activated_at)
    database = Database(house.database_url)
    try:
        with database.read() as session:
            return session.exec(statement).all()
    finally:
        database.close()


def replaced(house: House, name: str) -> None:
    """A new one is started beside the old one, which is asked to end when the new one is there."""
    previous = house.processes.pop(name)
    (house.directory / f"{name}.log").rename(house.directory / f"old {name}.log")
    house.spawn(name)
    if name == "bot":
        wait_until(lambda: house.sandbox.workspace().connections() > 1, "the new bot to be connected too", within=90)
    else:
        wait_until(
            lambda: "keeping time" in house.log(name) or "working on" in house.log(name), f"the new {name}", within=90
        )
    previous.terminate()
    assert previous.wait(60) == 0, house.log(f"old {name}")


@pytest.mark.both_databases
def test_everybody_goes_on_while_the_schema_changes(house: House, old: dict[str, str]) -> None:
    house.more = old
    in_words_of_before(house)
    house.start()
    first = opened(house, "U0ANN", "customers-db/read", "45s")
    house.more = {}

    migrated = countersign("migrate", house.environment())
    assert f"is at revision {schema.head()}" in migrated.stdout, migrated.stderr

    second = opened(house, "U0BEN", "customers-db/read", "40s")  # by the old ones alone, on the new schema
    refused = countersign("timekeeper", house.environment() | old)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert f"is at revision {schema.head()}; this version needs 0002" in refused.stderr

    replaced(house, "bot")
    third = opened(house, "U0ANN", "customers-db/fix-orders", "35s")  # asked of the new bot, opened by an old worker
    replaced(house, "timekeeper")
    fourth = opened(house, "U0BEN", "customers-db/fix-orders", "25s")
    for name in ("grant", "revoke", "tell"):
        replaced(house, name)
    over = lambda: [one for one in grants(house) if one.status == GrantStatus.ENDED]  # noqa: E731
    wait_until(lambda: len(over()) == 4, "all four to have ended", within=120, every=0.2)
    fifth = opened(house, "U0ANN", "customers-db/read", "5s")
    wait_until(lambda: len(over()) == 5, "the fifth to have ended", within=60, every=0.2)

    rows = {one.id: one for one in house.grants()}
    assert set(rows) == {first, second, third, fourth, fifth}
    for row in rows.values():
        assert row.expires_at is not None
        assert row.proven_at is not None
        assert timedelta(0) <= row.proven_at - row.expires_at < LATE
    assert house.logins() == []
    assert [alert.kind for alert in house.alerts() if alert.kind in (AlertKind.OVERDUE, AlertKind.UNREMOVABLE)] == []
    assert house.verified().flaw is None
    for log in (name for one in ARGUMENTS for name in (f"old {one}", one)):
        assert "Traceback" not in house.log(log)
        assert [line for line in house.log(log).splitlines() if " ERROR " in line] == [], log
    wait_until(lambda: "Verified" in house.cards()[-1].words, "the last card to be true")
