"""Standing access: who holds what we can give without a grant is told, accepted by security, told anew if it grows."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import col, select

from access.actors import by_slack, system
from access.errors import AlreadyAccepted, NotForYouToAccept, NotFound, StandingAccessChanged, UnknownPerson
from access.grants.revoke import return_access
from access.ids import SlackUser
from access.models import (
    Alert,
    AlertKind,
    CheckKind,
    GrantStatus,
    MessageKind,
    PeriodicCheck,
    StandingAccess,
    StandingStatus,
)
from access.monitor.schedule_checks import schedule_checks
from access.ports import Deadline, Holder
from access.reconcile.drift import Drift
from access.reconcile.standing_accept import ACCEPT, Standing, accept_one_value, accept_standing, standing_facts
from access.store import Database
from tests.cast import ANN, KIM, LEA, SAM, SECURITY, STRANGER
from tests.fakes import FakeProvider
from tests.shared_target import SharedProvider, SharedWorld
from tests.world import World, deadline

EVE = Holder(
    principal="eve", role="look", ours=False, place="one", member_id="7001", grantor="dana", given_id="1",
    options=frozenset({"inherit"}),
)  # fmt: skip
TEAM = replace(EVE, principal="team", member_id="7002", given_id="2", can_log_in=False)
NEW, ACCEPTED, GONE = StandingStatus.NEW, StandingStatus.ACCEPTED, StandingStatus.GONE


class Place(SharedWorld):
    """A target where a test says who holds what."""

    holders: list[Holder]


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = SharedWorld.make(database, tmp_path)
    place = Place(made.core, made.clock, made.agenda, made.targets, made.policy_file)
    place.holders = []

    def listed(_self: SharedProvider, _deadline: Deadline) -> list[Holder]:
        return list(place.holders)

    monkeypatch.setattr(SharedProvider, "list_holders", listed)
    return place


def look(world: World) -> None:
    """The next look, when it is due."""
    schedule_checks(world.core)
    with world.core.database.read() as session:
        (one,) = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT)).all()
    world.clock.time = max(world.clock.now(), one.due_at)
    world.compare([one.id])


def sees(place: Place, *holders: Holder) -> None:
    place.holders[:] = holders
    look(place)


def rows(world: World) -> list[StandingAccess]:
    with world.core.database.read() as session:
        return list(session.exec(select(StandingAccess).order_by(col(StandingAccess.id))))


def brief(world: World) -> list[tuple[str, str]]:
    return sorted((row.principal, row.status) for row in rows(world))


def alerts(world: World) -> list[Alert]:
    return [one for one in world.alerts() if one.kind == AlertKind.STANDING]


def shown(world: World) -> Standing:
    with world.core.database.read() as session:
        facts = standing_facts(session, alerts(world)[-1])
    assert facts is not None
    return facts


def accept_all(world: World, by: SlackUser = SAM) -> None:
    accept_standing(world.core, button=shown(world).accept_all, by=by_slack(by))


def names(world: World, action: str) -> list[list[str]]:
    said = (json.loads(event.entry)["details"]["holders"] for event in world.events(action))
    return [[one["principal"] for one in holders] for holders in said]


def test_the_first_look_tells_everybody_who_holds_something_in_one_alert(place: Place) -> None:
    sees(place, EVE, TEAM)
    assert brief(place) == [("eve", NEW), ("team", NEW)]
    (alert,) = alerts(place)
    assert "2 roles are held on customers-db without a grant" in alert.sentence
    place.work()
    assert [one for one in place.told() if one[0] == MessageKind.ALERT] == [(MessageKind.ALERT, SECURITY)]
    assert names(place, "standing.found") == [["eve", "team"]]
    look(place)
    assert (len(alerts(place)), len(rows(place))) == (1, 2), "the same at the next look is no news"


def test_granting_goes_on_while_it_is_not_accepted(place: Place) -> None:
    sees(place, EVE)
    grant = place.scheduled(minutes=60)
    place.work()
    assert place.again(grant).status == GrantStatus.ACTIVE


def test_security_accepts_all_that_was_shown_and_the_alert_closes(place: Place) -> None:
    sees(place, EVE, TEAM)
    place.work()
    done = accept_standing(place.core, button=shown(place).accept_all, by=by_slack(SAM))
    assert (done.number, done.left) == (2, 0)
    assert brief(place) == [("eve", ACCEPTED), ("team", ACCEPTED)]
    assert {(row.accepted_by, row.accepted_slack, row.accepted_at) for row in rows(place)} == {
        ("sam", SAM, place.clock.now())
    }
    assert alerts(place)[0].closed_at == place.clock.now()
    (event,) = place.events("standing.accepted")
    assert event.actor == f"slack:{SAM}"
    assert names(place, "standing.accepted") == [["eve", "team"]]
    look(place)
    assert (brief(place), len(alerts(place))) == ([("eve", ACCEPTED), ("team", ACCEPTED)], 1)


def test_security_accepts_one_and_the_other_stays_told(place: Place) -> None:
    sees(place, EVE, TEAM)
    first, second = shown(place).first
    done = accept_standing(place.core, button=accept_one_value(first), by=by_slack(SAM))
    assert (done.number, done.left) == (1, 1)
    assert alerts(place)[0].closed_at is None
    assert [row.principal for row in shown(place).first] == [second.principal]
    with pytest.raises(AlreadyAccepted):
        accept_standing(place.core, button=accept_one_value(first), by=by_slack(SAM))
    accept_standing(place.core, button=accept_one_value(second), by=by_slack(SAM))
    assert alerts(place)[0].closed_at is not None


@pytest.mark.parametrize(
    ("by", "refusal"),
    [(LEA, NotForYouToAccept), (KIM, NotForYouToAccept), (ANN, NotForYouToAccept), (STRANGER, UnknownPerson)],
)  # fmt: skip
def test_nobody_but_security_accepts_and_the_attempt_is_recorded(
    place: Place, by: SlackUser, refusal: type[Exception]
) -> None:
    sees(place, EVE)
    with pytest.raises(refusal):
        accept_all(place, by)
    assert brief(place) == [("eve", NEW)]
    assert place.refusals() == [(ACCEPT, refusal.__name__)]


@pytest.mark.parametrize(
    ("later", "left"),
    [
        ([EVE, TEAM], {("eve", NEW), ("team", NEW)}),
        ([replace(EVE, options=frozenset({"inherit", "admin"}))], {("eve", GONE), ("eve", NEW)}),
        ([replace(EVE, principal="evelyn")], {("evelyn", NEW)}),
        ([replace(EVE, member_id="7099", given_id="9")], {("eve", GONE), ("eve", NEW)}),
    ],
    ids=["one_more", "wider", "renamed", "another_of_that_name"],
)  # fmt: skip
def test_what_has_changed_since_it_was_shown_is_not_accepted_but_shown_anew(
    place: Place, later: Sequence[Holder], left: set[tuple[str, str]]
) -> None:
    sees(place, EVE)
    place.work()
    all_of_it, one = shown(place).accept_all, accept_one_value(shown(place).first[0])
    sees(place, *later)
    place.work()
    versions = {message.subject: message.wanted_version for message in place.messages(MessageKind.ALERT)}
    with pytest.raises(StandingAccessChanged):
        accept_standing(place.core, button=all_of_it, by=by_slack(SAM))
    if TEAM not in later:
        with pytest.raises((StandingAccessChanged, AlreadyAccepted)):
            accept_standing(place.core, button=one, by=by_slack(SAM))
    assert set(brief(place)) == left
    (message,) = [one for one in place.messages(MessageKind.ALERT) if one.version == 1]
    assert message.wanted_version > versions[message.subject], "the alert is drawn anew for who pressed"


def test_what_is_found_between_the_press_and_the_write_is_not_accepted_by_it(place: Place) -> None:
    """The worker has looked, and writes after the press: what it found is told anew."""
    sees(place, EVE)
    schedule_checks(place.core)
    place.clock.tick(minutes=10)
    place.holders.append(TEAM)
    business = Drift(place.core, place.targets)
    with place.core.database.read() as session:
        (row,) = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT)).all()
    seen = [business.act(one, deadline()) for one in business.claim([row.id])]
    accept_all(place)
    assert alerts(place)[0].closed_at is not None
    business.commit(seen)
    assert brief(place) == [("eve", ACCEPTED), ("team", NEW)]
    assert [one.closed_at is None for one in alerts(place)] == [False, True]


@pytest.mark.parametrize(
    "changed",
    [
        replace(EVE, member_id="7077"),
        replace(EVE, options=frozenset({"inherit", "set"})),
        replace(EVE, grantor="ben"),
        replace(EVE, given_id="99"),
        replace(EVE, via="team"),
        replace(EVE, role="mend"),
    ],
    ids=["made_anew", "wider", "another_grantor", "given_again", "through_a_role", "another_role"],
)
def test_what_is_another_than_was_accepted_is_new_and_told(place: Place, changed: Holder) -> None:
    sees(place, EVE)
    accept_all(place)
    sees(place, changed)
    assert brief(place) == [("eve", GONE), ("eve", NEW)]
    first, second = alerts(place)
    assert (first.closed_at is not None, second.closed_at) == (True, None)
    place.work()
    assert [one.delivered_at is not None for one in alerts(place)][1]


def test_a_role_that_may_log_in_now_is_new(place: Place) -> None:
    sees(place, TEAM)
    accept_all(place)
    sees(place, replace(TEAM, can_log_in=True))
    assert brief(place) == [("team", GONE), ("team", NEW)]


def test_what_was_taken_away_and_given_again_is_new_also_without_numbers(place: Place) -> None:
    bare = Holder(principal="eve", role="look", ours=False)
    sees(place, bare)
    accept_all(place)
    sees(place)
    assert brief(place) == [("eve", GONE)]
    sees(place, bare)
    assert brief(place) == [("eve", GONE), ("eve", NEW)]
    assert alerts(place)[-1].closed_at is None


def test_what_became_narrower_stays_accepted_and_is_recorded(place: Place) -> None:
    wide = replace(EVE, options=frozenset({"inherit", "admin", "set"}))
    sees(place, wide)
    accept_all(place)
    sees(place, EVE)
    (row,) = rows(place)
    assert (row.status, row.options) == (ACCEPTED, ["inherit"])
    assert len(place.events("standing.changed")) == 1
    sees(place, wide)
    assert brief(place) == [("eve", GONE), ("eve", NEW)], "back to what was accepted once is wider again"


def test_when_all_is_gone_the_alert_closes(place: Place) -> None:
    sees(place, EVE)
    sees(place)
    assert brief(place) == [("eve", GONE)]
    assert alerts(place)[0].closed_at is not None
    assert names(place, "standing.gone") == [["eve"]]


def test_one_more_rings_again_and_so_does_not_go_by_in_an_open_alert(place: Place) -> None:
    sees(place, EVE)
    place.work()
    sees(place, EVE, TEAM)
    place.work()
    assert [one.version for one in place.messages(MessageKind.ALERT)] == [1, 2]
    for number in range(10):
        sees(place, EVE, TEAM, *(replace(EVE, member_id=f"8{one}", given_id=f"8{one}") for one in range(number)))
        place.work()
    assert len(place.messages(MessageKind.ALERT)) == 5, "who can give roles cannot fill the channel"
    assert shown(place).number == 11


def test_what_a_grant_explains_is_not_standing_access(place: Place) -> None:
    grant = place.scheduled(minutes=60)
    ours = replace(EVE, principal="ann", ours=None)
    place.holders[:] = [ours]
    place.work()
    look(place)
    look(place)
    assert rows(place) == []
    return_access(place.core, grant_id=grant.id, by=by_slack(ANN))
    for _ in range(6):
        place.work()
        place.clock.tick(seconds=1)
    assert place.again(grant).status == GrantStatus.ENDED
    look(place)
    assert rows(place) == [], "the answer may be from before the end"
    look(place)
    assert brief(place) == [("ann", NEW)]


def test_what_the_bot_itself_gave_is_told_alone_and_cannot_be_accepted(place: Place) -> None:
    sees(place, replace(EVE, ours=True))
    look(place)
    assert rows(place) == []
    assert [one.subject for one in place.alerts()] == ["customers-db look of eve"]


def test_what_comes_with_a_gift_of_the_bot_is_looked_after_by_that_and_else_is_standing_access(place: Place) -> None:
    through = replace(EVE, ours=True, via="team")
    sees(place, replace(EVE, ours=True, role="team"), through)
    look(place)
    assert rows(place) == []
    assert [one.subject for one in place.alerts()] == ["customers-db team of eve"]
    sees(place, through)
    assert brief(place) == [("eve", NEW)]


def test_what_another_gave_the_bot_is_standing_access(place: Place) -> None:
    sees(place, replace(EVE, principal="countersign", service_account=True))
    assert brief(place) == [("countersign", NEW)]


def test_a_temporary_login_is_explained_by_its_grant_and_else_told_at_the_second_look(place: Place) -> None:
    marked = replace(EVE, principal="cs_" + "0" * 26, grant_id="0" * 26)
    sees(place, marked)
    assert rows(place) == []
    look(place)
    assert [row.status for row in rows(place)] == [NEW]
    grant = place.scheduled(minutes=60)
    place.work()
    sees(place, replace(marked, principal=f"cs_{grant.id}", grant_id=grant.id))
    look(place)
    assert [row.status for row in rows(place)] == [GONE]


def test_in_the_mode_of_temporary_logins_a_gift_of_the_bot_to_a_person_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(FakeProvider.capabilities, list_holders=True)
    monkeypatch.setattr(FakeProvider, "capabilities", both)
    held = [replace(EVE, ours=True), replace(TEAM, ours=False)]
    monkeypatch.setattr(FakeProvider, "list_holders", lambda *_: held)
    look(world)
    look(world)
    assert [one.subject for one in world.alerts() if one.kind == AlertKind.DRIFT] == ["customers-db look of eve"]
    assert brief(world) == [("team", NEW)]


def test_a_target_that_does_not_answer_changes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sees(place, EVE)
    accept_all(place)

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(SharedProvider, "list_holders", broken)
    look(place)
    assert brief(place) == [("eve", ACCEPTED)]


def test_an_older_look_takes_nothing_back_that_a_newer_one_has_seen(place: Place) -> None:
    """Two resources lead to one target, and the slower worker's answer is from before."""
    schedule_checks(place.core)
    place.clock.tick(minutes=10)
    business = Drift(place.core, place.targets)
    with place.core.database.read() as session:
        (row,) = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT)).all()
    (claimed,) = business.claim([row.id])
    old = business.act(claimed, deadline())  # sees nobody
    place.clock.tick(seconds=5)
    place.holders.append(EVE)
    new = business.act(claimed, deadline())
    business.commit([new])
    accept_all(place)
    with place.core.work(
        system("test")
    ) as work:  # the same claim, as another resource's look would have one of its own
        work.session.get_one(PeriodicCheck, row.id).fence = row.fence + 1
    business.commit([old])
    assert brief(place) == [("eve", ACCEPTED)]


def test_what_no_resource_leads_to_any_more_is_given_up_after_an_hour(place: Place) -> None:
    sees(place, EVE)
    place.rewrite_policy("customers-db", "clients-db")
    place.clock.tick(minutes=30)
    schedule_checks(place.core)
    assert brief(place) == [("eve", NEW)]
    place.clock.tick(minutes=31)
    schedule_checks(place.core)
    assert brief(place) == [("eve", GONE)]
    assert alerts(place)[0].closed_at is not None


def test_a_resource_that_was_renamed_keeps_what_was_accepted(place: Place) -> None:
    sees(place, EVE)
    accept_all(place)
    place.rewrite_policy("customers-db", "clients-db")
    look(place)  # of the old name once more, which leads nowhere now
    assert brief(place) == [("eve", ACCEPTED)]
    place.clock.tick(minutes=1)
    look(place)
    place.clock.tick(hours=2)
    look(place)
    schedule_checks(place.core)
    assert brief(place) == [("eve", ACCEPTED)]
    assert rows(place)[0].resource == "clients-db"


def test_a_policy_that_cannot_be_read_gives_nothing_up(place: Place) -> None:
    sees(place, EVE)
    place.policy_file.write_text("nonsense", encoding="utf-8")
    place.clock.tick(hours=3)
    schedule_checks(place.core)
    assert brief(place) == [("eve", NEW)]


@pytest.mark.parametrize("button", ["", "v1", "v1.one", "v1.one.none.0", "v2.all.x.y", "v1.some.x.y"])
def test_a_value_that_is_no_button_of_ours_is_refused(place: Place, button: str) -> None:
    sees(place, EVE)
    with pytest.raises(NotFound):
        accept_standing(place.core, button=button, by=by_slack(SAM))


def test_seven_hundred_are_told_by_one_alert_and_accepted_by_one_press(place: Place) -> None:
    many = [replace(EVE, principal=f"p{one}", member_id=str(one), given_id=str(one)) for one in range(700)]
    sees(place, *many)
    assert len(alerts(place)) == 1
    assert (shown(place).number, len(shown(place).first)) == (700, 10)
    accept_all(place)
    assert {row.status for row in rows(place)} == {ACCEPTED}
    assert sum(len(one) for one in names(place, "standing.accepted")) == 700
    assert place.verified().flaw is None
