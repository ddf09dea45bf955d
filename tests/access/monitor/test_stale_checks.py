"""What could not be looked at for three times its interval is an alert, until it is seen again."""

from datetime import timedelta

from sqlmodel import select

from access import comparisons
from access.actors import system
from access.models import Alert, AlertKind, CheckKind, MessageKind, PeriodicCheck
from access.monitor.offboarding import Members, Membership
from access.monitor.schedule_checks import schedule_checks
from access.monitor.stale_checks import MEMBERS, UNANSWERED
from access.reconcile.drift import Drift
from tests.cast import BEN, KIM, LEA, SECURITY
from tests.world import World

TARGET = (AlertKind.DRIFT, f"customers-db {UNANSWERED}")
PEOPLE = (AlertKind.SWEEP, MEMBERS)


def opened(world: World) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in world.alerts() if one.closed_at is None]


def call(world: World, **span: float) -> None:
    """The roster is called every half minute for so long."""
    until = world.clock.now() + timedelta(**span)
    while world.clock.now() < until:
        world.clock.tick(seconds=30)
        schedule_checks(world.core)


def looks(world: World, kind: CheckKind) -> list[str]:
    """Those that are due."""
    with world.core.database.read() as session:
        rows = session.exec(select(PeriodicCheck).filter_by(kind=kind)).all()
    return [row.id for row in rows if row.due_at <= world.clock.now()]


def minutes(world: World, number: int, *, slack: str | None = None) -> None:
    """They go by, and all looks that are due are taken. `slack`: why it gives no answer."""
    for _ in range(number):
        call(world, minutes=1)
        world.compare(looks(world, CheckKind.DRIFT))
        members = Members(world.core)
        claimed = members.claim(looks(world, CheckKind.MEMBER))
        if claimed:
            members.commit([Membership(one, problem=slack or "") for one in claimed])


def the(world: World, subject: str) -> Alert:
    (alert,) = [one for one in world.alerts() if one.subject == subject]
    return alert


def test_a_target_that_cannot_be_compared_for_long_is_told_until_it_can(world: World) -> None:
    world.open(minutes=120)
    minutes(world, 11)
    world.server.weather = "down"
    minutes(world, 18)
    assert opened(world) == []

    minutes(world, 14)

    assert opened(world) == [TARGET]
    alert = the(world, TARGET[1])
    assert alert.sentence.startswith("customers-db could not be compared with what was granted for 30 min")
    assert "The fake server does not answer. What stands there" in alert.sentence
    told = {one.recipient for one in world.messages(MessageKind.ALERT) if one.subject == alert.id}
    assert told == {SECURITY, LEA, KIM}, "the owners of the resource too"
    minutes(world, 60)
    assert len(world.alerts()) == 1

    world.server.weather = "fine"
    minutes(world, 2)
    assert opened(world) == []


def test_one_that_never_answered_is_told_too(world: World) -> None:
    world.server.weather = "down"
    minutes(world, 32)

    assert opened(world) == [TARGET]


def test_a_look_that_never_comes_back_is_told_too(world: World) -> None:
    """Its call hangs, and nobody writes anything."""
    minutes(world, 11)
    for _ in range(40):
        call(world, minutes=1)
        Drift(world.core, world.targets).claim(looks(world, CheckKind.DRIFT))

    assert opened(world) == [TARGET]
    assert "was granted for 30 min 30 s. What stands there" in the(world, TARGET[1]).sentence


def test_a_slack_that_does_not_say_who_has_left_is_told_once_until_it_does(world: World) -> None:
    world.open(minutes=120)
    world.scheduled(by=BEN)
    minutes(world, 5)
    minutes(world, 6, slack="Slack does not answer.")
    assert opened(world) == []

    minutes(world, 8, slack="Slack does not answer.")

    assert opened(world) == [PEOPLE]
    sentence = the(world, MEMBERS).sentence
    assert "Slack has not said whether" in sentence
    assert "Slack does not answer. A person who has left keeps open access" in sentence
    minutes(world, 5, slack="Slack does not answer.")
    assert len(world.alerts()) == 1

    minutes(world, 2)
    assert opened(world) == []


def test_while_nobody_keeps_time_nothing_is_silent(world: World) -> None:
    """A stop of an hour is no fault of the targets', and when all start again they have their time anew."""
    world.open(minutes=120)
    minutes(world, 11)
    world.clock.tick(hours=1)
    call(world, minutes=10)

    assert opened(world) == []


def test_what_nobody_has_to_look_at_any_more_is_silent_no_more(world: World) -> None:
    world.server.weather = "down"
    minutes(world, 32)
    assert opened(world) == [TARGET]

    world.rewrite_policy("id: customers-db", "id: orders-db")
    world.rewrite_policy("[customers-db/read, customers-db/fix-orders]", "[orders-db/read, orders-db/fix-orders]")
    call(world, minutes=1)

    assert opened(world) == []


def test_to_be_asked_for_now_is_no_silence(world: World) -> None:
    minutes(world, 50)
    world.server.weather = "down"
    comparisons.ask(world.core, ["customers-db"])
    minutes(world, 2)

    assert opened(world) == []


def test_a_restored_database_has_its_own_alert(world: World) -> None:
    minutes(world, 50)
    world.server.weather = "down"
    with world.core.work(system("operator")) as work:
        work.open_alert(AlertKind.RESTORED, "database", "It was restored.", channel=SECURITY)
    minutes(world, 40)

    assert opened(world) == [(AlertKind.RESTORED, "database")]
