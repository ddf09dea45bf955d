"""The doctor looks at the processes, and has a real worker look at a real target."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest
from sqlmodel import select

from access.clock import host_now
from access.ids import AlertId, MessageId
from access.models import Alert, AlertKind, Heartbeat, Message, MessageKind, TargetCheck
from access.ports import Finding
from access.store import Database
from countersign.demo import target
from countersign.demo.policy import SECRET, demo_policy
from countersign.demo.stage import acme
from countersign.embedded.postgres import EmbeddedPostgres
from tests.countersign.clinic import Clinic, the, unwell
from tests.databases import SqliteFiles
from tests.redis_server import RedisServer
from tests.waiting import wait_until

KINDS = ("timekeeper", "worker grant", "worker revoke", "worker tell", "bot")


@pytest.fixture
def stored(clinic: Clinic, database_url: str) -> Clinic:
    clinic.environment["DATABASE_URL"] = database_url
    return clinic


@pytest.fixture
def at_redis(stored: Clinic, redis_url: str) -> Clinic:
    stored.environment["REDIS_URL"] = redis_url
    return stored


@pytest.fixture
def that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second passes between a sign of life and the look."""
    now = host_now()
    monkeypatch.setattr(Database, "time", lambda _: now)


def beat(database: Database, *kinds: str, ago: float = 0) -> None:
    now = database.time()
    with database.write() as session:
        for kind in kinds:
            session.add(Heartbeat(name=f"{kind}@host:{ago:g}", kind=kind, beat_at=now - timedelta(seconds=ago)))


def test_a_house_where_everybody_lives_is_well(at_redis: Clinic, database: Database) -> None:
    beat(database, *KINDS)

    findings = at_redis.look("Processes")

    assert unwell(findings) == []
    assert [one.subject for one in findings] == [*KINDS, "ping", "work"]
    assert the(findings, "work").sentence == "No overdue work."


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("missing", KINDS)
def test_each_kind_that_gives_no_sign_of_life_is_found(at_redis: Clinic, database: Database, missing: str) -> None:
    beat(database, *(kind for kind in KINDS if kind != missing))

    findings = at_redis.look("Processes")

    assert unwell(findings) == [("error", missing)]
    assert f"countersign {missing}" in the(findings, missing).cure
    assert the(findings, missing).sentence == "Never started."


@pytest.mark.usefixtures("that_moment")
def test_the_last_sign_of_a_dead_process_is_named(at_redis: Clinic, database: Database) -> None:
    beat(database, *KINDS[1:])
    beat(database, "timekeeper", ago=16)
    beat(database, "timekeeper", ago=240)

    found = the(at_redis.look("Processes"), "timekeeper")

    assert found.level == "error"
    assert found.sentence.startswith("None is alive; the last was timekeeper@host:16, 16 s ago")


@pytest.mark.usefixtures("that_moment")
def test_one_that_lives_makes_up_for_those_that_died(at_redis: Clinic, database: Database) -> None:
    beat(database, *KINDS, ago=14)
    beat(database, *KINDS, ago=86400)

    assert unwell(at_redis.look("Processes")) == []


def test_without_redis_nobody_misses_the_workers(stored: Clinic, database: Database) -> None:
    beat(database, "timekeeper", "bot")

    assert unwell(stored.look("Processes")) == []


def test_a_ping_that_is_not_set_is_said_and_no_trouble(at_redis: Clinic, database: Database) -> None:
    beat(database, *KINDS)

    findings = at_redis.look("Processes")

    assert unwell(findings) == []
    assert "COUNTERSIGN_PING_URL is not set" in the(findings, "ping").sentence


@pytest.mark.usefixtures("that_moment")
def test_when_the_ping_was_last_heard_is_said(at_redis: Clinic, database: Database) -> None:
    at_redis.environment["COUNTERSIGN_PING_URL"] = "https://ping.example.com/canary-4711"
    beat(database, *KINDS)
    assert "in the last day" in the(at_redis.look("Processes"), "ping").sentence
    beat(database, "ping", ago=240)
    findings = at_redis.look("Processes")
    assert unwell(findings) == [("warning", "ping")]
    assert "since 4 min ago" in the(findings, "ping").sentence

    beat(database, "ping", ago=42)

    findings = at_redis.look("Processes")
    assert unwell(findings) == []
    assert "heard 42 s ago" in the(findings, "ping").sentence
    assert "canary" not in str(findings)


def test_what_is_left_lying_and_open_alerts_are_found(at_redis: Clinic, database: Database) -> None:
    beat(database, *KINDS)
    now = database.time()
    due = now - timedelta(seconds=31)
    with database.write() as session:
        session.add(
            Message(
                id=MessageId("n"), kind=MessageKind.ANSWER, subject="r", recipient="U0ANN", due_at=due, created_at=due
            )
        )
        session.add(
            Alert(id=AlertId("a"), kind=AlertKind.TIMERS, subject="redis", sentence="Redis is gone.", opened_at=now)
        )

    findings = at_redis.look("Processes")

    assert unwell(findings) == [("warning", "work"), ("warning", "alert")]
    assert the(findings, "work").sentence == "Overdue by more than 30 s: 1 message."
    assert the(findings, "alert").sentence == "Redis is gone."


@pytest.mark.usefixtures("that_moment")
def test_an_alert_of_which_nobody_was_told_is_worse_than_one_that_is_known(
    at_redis: Clinic, database: Database
) -> None:
    beat(database, *KINDS)
    opened = database.time() - timedelta(minutes=6)
    with database.write() as session:
        for name, told in (("a", None), ("b", opened)):
            session.add(
                Alert(
                    id=AlertId(name), kind=AlertKind.TIMERS, subject=name, sentence=f"Redis {name} is gone.",
                    opened_at=opened, delivered_at=told,
                )
            )  # fmt: skip

    findings = [one for one in at_redis.look("Processes") if one.subject == "alert"]

    assert [one.level for one in findings] == ["warning", "error", "warning"]
    assert findings[1].sentence == "This was not told yet, though it has been open for 6 min."
    assert "Tell the security team yourself." in findings[1].cure


def test_without_the_database_nobody_can_be_seen(clinic: Clinic) -> None:
    for family in ("Processes", "Targets"):
        (found,) = clinic.look(family)
        assert found.level == "error"
        assert "the database" in found.cure


# The targets, by a real worker

LEDGER = """\
  - id: ledger-db
    title: Ledger
    level: low
    owner: payments-leads
    provider: postgres
    settings: {dsn: {env: LEDGER_DSN}}
    roles:
      read: {title: Read, grants: [ledger_read]}

rules:
"""
DOWN = "host=127.0.0.1 port=9 dbname=ledger user=countersign password=canary"


@pytest.fixture(scope="module")
def staffed(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_files: SqliteFiles,
    redis_server: RedisServer,
    postgres: EmbeddedPostgres,
) -> Iterator[Clinic]:
    """A timekeeper and a worker, in processes of their own. Only they are given the targets' secrets."""
    directory, shop = tmp_path_factory.mktemp("staffed"), target.prepare(postgres)
    with sqlite_files.fresh() as database_url, ExitStack() as stack:
        policy = demo_policy(acme()).replace("rules:\n", LEDGER)
        clinic = Clinic.make(directory, policy, DATABASE_URL=database_url, REDIS_URL=redis_server.url)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        secrets = {SECRET: shop.bot_dsn, "LEDGER_DSN": DOWN, "SLACK_BOT_TOKEN": "xoxb-not-used"}
        log = stack.enter_context((directory / "log").open("ab"))
        for arguments in (["timekeeper"], ["worker", "grant"]):
            command = [sys.executable, "-m", "countersign", *arguments]
            environment = kept | clinic.environment | secrets
            process = stack.enter_context(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            stack.callback(process.terminate)
        database = Database(database_url)
        stack.callback(database.close)
        wait_until(lambda: living(database) == {"timekeeper", "worker grant"}, "signs of life", within=60)
        yield clinic
    assert "canary" not in (directory / "log").read_text(encoding="utf-8")


def living(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.exec(select(Heartbeat.kind)).all())


def target_checks(database: Database) -> list[TargetCheck]:
    with database.read() as session:
        return list(session.exec(select(TargetCheck)))


def about_the_bot(findings: list[Finding]) -> list[tuple[str, str]]:
    """Without what everybody may do: the server of the tests has databases of other tests too."""
    return [(level, subject) for level, subject in unwell(findings) if ": public " not in subject]


def test_a_worker_looks_at_the_targets_for_the_doctor_who_holds_no_key(staffed: Clinic) -> None:
    findings = staffed.look("Targets")

    assert the(findings, "customers-db: connection").sentence == "The database server answers."
    assert the(findings, "customers-db: read").sentence == "The bot may grant support_read."
    assert the(findings, "customers-db: fix-orders").level == "ok"
    assert about_the_bot(findings) == [("error", "ledger-db: connection")], "that one is down"
    assert "Look at the `dsn`" in the(findings, "ledger-db: connection").cure
    assert "canary" not in repr(findings)
    assert any("2 targets" in line for line in staffed.said)
    database = Database(staffed.environment["DATABASE_URL"])
    assert target_checks(database) == [], "nothing is left behind"
    database.close()


def test_weak_rights_of_the_bot_are_found_with_the_statement_that_mends_them(
    staffed: Clinic, postgres: EmbeddedPostgres
) -> None:
    with psycopg.connect(postgres.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("REVOKE support_read FROM countersign; REVOKE pg_signal_backend FROM countersign")
        try:
            findings = staffed.look("Targets")
        finally:
            superuser.execute("GRANT support_read TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
            superuser.execute("GRANT pg_signal_backend TO countersign")

    assert {("error", "customers-db: pg_signal_backend"), ("error", "customers-db: read")} < set(
        about_the_bot(findings)
    )
    assert (
        'GRANT pg_signal_backend TO "countersign" WITH INHERIT TRUE;'
        in the(findings, "customers-db: pg_signal_backend").cure
    )


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("alive", [("timekeeper",), ("worker grant",), ()])
def test_a_house_without_its_people_is_told_so_at_once(
    at_redis: Clinic, database: Database, alive: tuple[str, ...]
) -> None:
    beat(database, *alive)

    (found,) = at_redis.look("Targets")

    assert found.level == "error"
    assert found.sentence == "No worker is alive that could look at the targets."
    assert at_redis.said == []


def test_a_worker_that_does_not_answer_is_waited_for_no_longer_than_that(at_redis: Clinic, database: Database) -> None:
    beat(database, "timekeeper", "worker grant")

    (found,) = at_redis.look("Targets", patience=0.3)

    assert found.sentence == "No worker answered within 0.3 s."
    assert "countersign worker grant" in found.cure
    assert target_checks(database) == []
