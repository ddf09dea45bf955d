"""Whatever is wrong after a chaos run is found: each wrong thing is done once, by hand."""

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock, patch

import pytest
import sqlalchemy as sa
from redis import Redis

from access.ids import AlertId
from access.models import Alert, AlertKind, EndedBy, Grant, GrantStatus
from access.store import Database
from access.unit_of_work import grant_item
from tests.chaos.city import ALERT_AFTER, City, foreign
from tests.chaos.harm import STRONG, THROWN_OUT_AFTER, TURN, Harm, Window
from tests.chaos.hostile import Holdouts, trick_of
from tests.chaos.target import HANGING_SECONDS, Premises
from tests.chaos.verdict import TOLD_WITHIN, Records, Scene, found_wrong
from tests.databases import SqliteFiles
from tests.redis_server import redis_server, redis_url
from tests.tampering import tamper
from tests.world import World
from workers.agenda import AGENDA

__all__ = ["redis_server", "redis_url"]


@dataclass
class Run:
    """One grant that was given and taken away as it should be."""

    world: World
    scene: Scene
    grant: Grant
    away: float = 0.0
    lock_expired: bool = False

    def wrong(self) -> dict[str, int]:
        return {name: len(said) for name, said in found_wrong(Records(self.scene)).items() if said}

    def set(self, **values: Any) -> None:
        with self.world.core.database.write() as session:
            session.connection().execute(sa.update(Grant).where(sa.column("id") == self.grant.id).values(**values))

    def ends(self, ago: float) -> None:
        """So many seconds ago it was to end."""
        self.set(end_due_at=moment(-ago))

    def in_a_room(self, *, until: float, **values: Any) -> None:
        """The grant gave for an hour what others give as well; it ends so many seconds from now, and all is gone."""
        name = f"look~{self.grant.principal}"
        self.scene.shared.let_in(name)
        an_hour_ago = time.time() - 3600
        os.utime(self.world.policy_file.parent / "shared" / "here" / name, (an_hour_ago, an_hour_ago))
        end = moment(until)
        self.scene.shared.put_out(name)
        began = {"created_at": moment(-3700), "activated_at": moment(-3500)}
        shared = {"settings": {"mode": "shared"}, "definition": {"rights": ["look", "mend"]}}
        self.set(**shared, **began, end_due_at=end, **values)

    def alert(self, *, opened_after: float, told_after: float | None, ago: float, subject: str = "") -> None:
        alert = Alert(
            id=AlertId(f"a{subject}"), kind=AlertKind.OVERDUE, subject=subject or self.grant.id, sentence="Late.",
            opened_at=moment(opened_after - ago),
            delivered_at=None if told_after is None else moment(opened_after + told_after - ago),
        )  # fmt: skip
        with self.world.core.database.write() as session:
            session.add(alert)


def moment(ahead: float) -> datetime:
    return datetime.fromtimestamp(time.time() + ahead, UTC)


@pytest.fixture
def run(sqlite_files: SqliteFiles, redis_url: str, tmp_path: Path) -> Iterator[Run]:
    own, shared = Premises(tmp_path / "own"), Premises(tmp_path / "shared")
    holdouts = Holdouts(tmp_path / "own")
    for place in (own, shared, holdouts):
        place.build()
    for name in foreign():
        shared.let_in(name)
    with sqlite_files.fresh() as url:
        database = Database(url)
        world = World.make(database, tmp_path)
        grant = world.open()
        own.let_in(grant.id)
        os.utime(tmp_path / "own" / "here" / grant.id, (an_hour_ago := time.time() - 3600, an_hour_ago))
        end = moment(-0.01)
        own.put_out(grant.id)
        made = {grant.request_id}
        scene = Scene(
            world.core, own, holdouts, shared, redis_url, made, lambda *_: run.away, lambda *_: "nothing",
            lambda _: run.lock_expired,
        )  # fmt: skip
        run = Run(world, scene, grant)
        over = {"status": GrantStatus.ENDED, "ended_by": EndedBy.EXPIRED, "proven_at": moment(0), "due_at": None}
        run.set(**over, end_due_at=end)
        yield run
        database.close()


def test_what_went_well_is_found_well(run: Run) -> None:
    assert run.wrong() == {}


def put_on_agenda(run: Run) -> None:
    run.set(status=GrantStatus.SCHEDULED, due_at=moment(-86400 * 400))
    with Redis.from_url(run.scene.redis_url) as redis:
        redis.zadd(AGENDA, {grant_item(run.grant.id): 0.0})


def break_the_log(run: Run) -> None:
    tamper(run.world.core.database, "UPDATE audit_head SET hash = :hash", hash="0" * 64)


def late_with(ago: float, opened_after: float, told_after: float | None) -> Callable[[Run], None]:
    def act(run: Run) -> None:
        run.ends(ago)
        run.alert(opened_after=opened_after, told_after=told_after, ago=ago)

    return act


def come_and_go(premises: Premises) -> None:
    premises.let_in("sweep~asker050")
    premises.put_out("sweep~asker050")


def shut_out_after_the_proof(run: Run) -> None:
    run.set(proven_at=moment(-5))
    run.scene.holdouts.ways.let_in(run.grant.id)
    run.scene.holdouts.ways.put_out(run.grant.id)


def leave_something(run: Run) -> None:
    fighters = (f"{number:026}" for number in range(100))
    run.scene.holdouts.let_in(next(one for one in fighters if trick_of(one) == "leaves much behind"))
    run.scene.holdouts.ways.put_out(*run.scene.holdouts.ways.all_in())


STRANGE = "x" * 26
WRONG: dict[str, tuple[str, Callable[[Run], object]]] = {
    "still open": ("lost", lambda run: run.set(status=GrantStatus.ACTIVE)),
    "not proven": ("lost", lambda run: run.set(proven_at=None)),
    "left at its own door": ("lost", lambda run: run.scene.own.let_in(run.grant.id)),
    "left in a shared room": ("lost", lambda run: run.scene.shared.let_in("look~asker050")),
    "a way in left open": ("ended with a way in", lambda run: run.scene.holdouts.ways.let_in(run.grant.id)),
    "shut out after the proof": ("ended with a way in", shut_out_after_the_proof),
    "something left behind": ("left behind", leave_something),
    "a leftover on paper": ("left behind", lambda run: run.set(leftover=["A table."])),
    "taken away early": ("early", lambda run: run.ends(ago=-1)),
    "late without an alert": ("overdue without an alert", lambda run: run.ends(ago=ALERT_AFTER + 60)),
    "late, the alert as well": ("overdue without an alert", late_with(200, opened_after=100, told_after=1)),
    "told of late": ("alerts untold", late_with(200, opened_after=ALERT_AFTER, told_after=TOLD_WITHIN + 1)),
    "never told of": ("alerts untold", late_with(200, opened_after=ALERT_AFTER, told_after=None)),
    "another's taken": ("foreign access touched", lambda run: run.scene.shared.put_out(min(foreign()))),
    "put out of a room early": ("early in the rooms", lambda run: run.in_a_room(until=60)),
    "let into a room by nobody": ("in the rooms without a row", lambda run: come_and_go(run.scene.shared)),
    "let in after its end": (
        "in the rooms without a row",
        lambda run: run.in_a_room(until=-3650, proven_at=moment(-3640)),
    ),
    "late in a room without an alert": ("overdue in the rooms", lambda run: run.in_a_room(until=-ALERT_AFTER - 60)),
    "gone by itself": ("gone by itself", lambda run: run.set(ended_by=EndedBy.DRIFT)),
    "early, and taken for gone": ("early", lambda run: run.set(ended_by=EndedBy.DRIFT, end_due_at=moment(1))),
    "log changed": ("audit log", break_the_log),
}


@pytest.mark.parametrize("deed", WRONG)
def test_what_is_wrong_is_found(run: Run, deed: str) -> None:
    name, act = WRONG[deed]
    act(run)

    assert name in run.wrong()


def test_a_name_that_nobody_was_told_to_let_in_is_found(run: Run) -> None:
    run.scene.own.let_in(STRANGE)
    run.scene.own.put_out(STRANGE)

    assert run.wrong() == {"without a row": 1}


def test_what_is_not_over_and_on_the_agenda_is_found(run: Run) -> None:
    put_on_agenda(run)

    assert "on the agenda" in run.wrong()


def test_late_with_an_alert_that_was_told_is_as_promised(run: Run) -> None:
    late_with(200, opened_after=ALERT_AFTER, told_after=1)(run)

    assert run.wrong() == {}


def test_that_another_was_told_in_time_is_no_excuse(run: Run) -> None:
    late_with(200, opened_after=ALERT_AFTER, told_after=TOLD_WITHIN + 1)(run)
    run.alert(opened_after=ALERT_AFTER + 1, told_after=1, ago=200, subject="another")

    assert run.wrong() == {"alerts untold": 1}


def test_while_the_store_was_away_no_alert_could_be_written(run: Run) -> None:
    late_with(200, opened_after=100, told_after=1)(run)
    run.away = 90.0

    assert run.wrong() == {}


def test_what_went_well_in_a_room_is_found_well(run: Run) -> None:
    run.in_a_room(until=-0.01)

    assert run.wrong() == {}


def test_late_in_a_room_with_an_alert_or_without_a_store_is_as_promised(run: Run) -> None:
    run.in_a_room(until=-200)
    run.away = 190.0
    assert "overdue in the rooms" not in run.wrong()

    run.away = 0.0
    run.alert(opened_after=ALERT_AFTER, told_after=1, ago=200)
    assert "overdue in the rooms" not in run.wrong()


def test_who_was_stopped_until_his_turn_was_over_may_put_somebody_out_late(run: Run) -> None:
    run.in_a_room(until=60)
    run.lock_expired = True

    assert "early in the rooms" not in run.wrong()


def test_only_who_was_stopped_for_long_has_overslept_and_only_for_a_call() -> None:
    harm = Harm(cast("City", None), "seed", STRONG)
    harm.windows += [Window("SIGSTOP revoke", 0, TURN + 1), Window("SIGSTOP grant", 300, 300 + TURN - 1)]

    assert harm.lock_expired(TURN + 2)
    assert not harm.lock_expired(TURN + 2 + HANGING_SECONDS)
    assert not harm.lock_expired(300 + TURN)


def test_the_first_outage_of_redis_is_long_and_the_others_are_by_chance() -> None:
    harm, lasted = Harm(cast("City", Mock()), "seed", STRONG), list[Any]()
    with patch.object(harm, "_while", lambda _chance, seconds: lasted.append(seconds)):
        for outage in (harm.silence_redis, harm.end_redis, harm.silence_redis):
            outage(random.Random(0))

    assert lasted == [(45, 45), STRONG.outage, STRONG.outage]


def test_what_keeps_everybody_from_writing_is_counted_once() -> None:
    harm = Harm(cast("City", None), "seed", STRONG)
    harm.windows += [
        Window("store silent", 10, 20), Window("store restarted", 15, 18), Window("SIGSTOP grant", 19, 90),
        Window("target down", 0, 100), Window("store cut off", 200, 201),
    ]  # fmt: skip

    assert harm.away(12, 100) == (20 - 12) + (19 + THROWN_OUT_AFTER - 20)
    assert harm.meanwhile(195, 210) == "store cut off at +5 to +6 s"
