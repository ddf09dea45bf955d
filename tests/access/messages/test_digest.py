"""The digest: every day, without a gap, first what needs a person."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from access.actors import by_slack
from access.audit import Event, append
from access.errors import AccessError, BadCredential
from access.grants.revoke import return_access, revoke
from access.messages.digest.content import Content
from access.messages.digest.make import content_of, make_now, make_when_due, moment_of, preview
from access.messages.digest.rows import MOST
from access.models import AlertKind, Digest, EndedBy, MessageKind
from access.monitor.policy_in_force import note_policy
from access.monitor.sweep import Schedule
from access.requests.cancel import cancel
from tests.cast import ANN, BEN, EVE, KIM, LEA, SAM, SECURITY
from tests.fakes import NOON
from tests.tampering import tamper
from tests.world import World

TOMORROW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
"""09:00 in Amsterdam."""
CHANGED = "The policy has changed: ann may not ask for customers-db/read any more."


@pytest.fixture
def begun(world: World) -> World:
    """The first sweep has written down the policy: the log has begun."""
    note_policy(world.core)
    return world


def digests(world: World) -> list[Digest]:
    with world.core.database.read() as session:
        return list(session.exec(select(Digest).order_by(col(Digest.number))))


def content(world: World) -> Content:
    """Of the newest."""
    return content_of(world.core, digests(world)[-1].id)


def said_now(world: World) -> Content:
    return content_of(world.core, make_now(world.core).id)


def test_a_day_on_which_nothing_happened_has_its_digest(begun: World) -> None:
    begun.clock.time = TOMORROW
    begun.work()
    begun.pass_time(days=1)

    first, second = digests(begun)
    assert (first.number, first.day, first.due_at) == (1, date(2026, 11, 24), TOMORROW)
    assert (second.number, second.day) == (2, date(2026, 11, 25))
    assert [message.recipient for message in begun.messages(MessageKind.DIGEST)] == [SECURITY] * 2
    said = content(begun)
    assert said.needs_a_person == said.opened.total == said.refused == 0
    assert said.policy_loads == ()
    assert said.missed == ()
    assert said.flaw == ""


def test_nothing_is_made_before_the_hour_and_nothing_twice(begun: World) -> None:
    begun.clock.time = TOMORROW - timedelta(seconds=1)
    begun.work()
    assert digests(begun) == []

    begun.clock.time = TOMORROW
    begun.work()
    begun.pass_time(hours=23)
    assert len(digests(begun)) == 1


def test_a_house_that_begins_after_the_hour_waits_for_the_next(begun: World) -> None:
    """It began at noon, and the hour of that day was over."""
    begun.pass_time(hours=19)
    assert digests(begun) == []
    begun.pass_time(hours=1)
    assert [digest.day for digest in digests(begun)] == [date(2026, 11, 24)]


def test_the_spans_follow_each_other_without_a_gap(begun: World) -> None:
    for day in range(4):
        begun.clock.time = TOMORROW + timedelta(days=day)
        begun.open(entitlement=f"customers-db/{'read' if day % 2 else 'fix-orders'}")
        make_now(begun.core)
        begun.pass_time(hours=3)

    made = digests(begun)
    assert [digest.number for digest in made] == list(range(1, 9))
    assert [digest.from_seq for digest in made] == [0, *(digest.to_seq for digest in made[:-1])]
    events = {event.seq: event.hash for event in begun.events()}
    assert all(digest.head == events[digest.to_seq] for digest in made)
    assert begun.verified().flaw is None


@pytest.mark.both_databases
def test_every_event_is_told_by_exactly_one_digest(begun: World) -> None:
    opened = 0
    for _ in range(3):
        begun.open(minutes=30)
        opened += said_now(begun).opened.total
        begun.pass_time(hours=1)
    assert opened == 3


def test_missed_days_are_covered_by_one_digest_that_names_them(begun: World) -> None:
    begun.clock.time = TOMORROW
    begun.work()
    begun.open()
    begun.clock.time = TOMORROW + timedelta(days=3, hours=5)
    begun.work()

    first, late = digests(begun)
    assert late.from_seq == first.to_seq
    said = content(begun)
    assert said.missed == (date(2026, 11, 25), date(2026, 11, 26))
    assert late.day == date(2026, 11, 27)
    assert late.made_at - late.due_at == timedelta(hours=5)
    assert said.opened.total == 1


def test_days_missed_since_the_beginning_are_named_too(begun: World) -> None:
    begun.clock.time = TOMORROW + timedelta(days=2)
    begun.work()
    assert content(begun).missed == (date(2026, 11, 24), date(2026, 11, 25))


def test_one_asked_for_in_between_takes_nothing_from_the_day(begun: World) -> None:
    begun.open()
    between = make_now(begun.core)
    begun.pass_time(hours=2)
    begun.clock.time = TOMORROW
    begun.work()

    daily = digests(begun)[-1]
    assert between.day is None
    assert (daily.day, daily.from_seq) == (date(2026, 11, 24), between.to_seq)
    assert content_of(begun.core, between.id).opened.total == 1
    assert content_of(begun.core, daily.id).opened.total == 0
    assert content_of(begun.core, daily.id).ended.total == 1


@pytest.mark.parametrize(
    ("at", "day", "due"),
    [
        ("02:30", date(2026, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # skipped: the clocks show 03:30 then
        ("02:30", date(2026, 3, 30), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)),
        ("02:30", date(2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # shown twice: the first time
        ("02:30", date(2026, 10, 26), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)),
        ("09:00", date(2026, 7, 1), datetime(2026, 7, 1, 7, 0, tzinfo=UTC)),
    ],
)
def test_the_hour_is_that_of_the_teams_clocks(world: World, at: str, day: date, due: datetime) -> None:
    world.rewrite_policy('at: "09:00"', f'at: "{at}"')
    assert moment_of(world.core.policy.current(), day) == due


@pytest.mark.parametrize("start", [datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)])
def test_a_day_with_a_skipped_or_a_doubled_hour_has_exactly_one(world: World, start: datetime) -> None:
    world.rewrite_policy('at: "09:00"', 'at: "02:30"')
    world.clock.time = start
    note_policy(world.core)
    for _ in range(4 * 24 * 4):
        world.clock.tick(minutes=15)
        make_when_due(world.core)

    days = [digest.day for digest in digests(world)]
    assert days == [(start + timedelta(days=number)).date() for number in range(1, 5)]
    assert [content_of(world.core, digest.id).missed for digest in digests(world)] == [()] * 4


@pytest.mark.both_databases
def test_of_two_timekeepers_at_once_one_makes_it(begun: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower one has looked before the faster one wrote."""
    begun.clock.time = TOMORROW
    monkeypatch.setattr("access.messages.digest.make.is_due", lambda *_: sa.true())
    first = make_when_due(begun.core)

    assert first is not None
    assert make_when_due(begun.core) is None
    assert [digest.id for digest in digests(begun)] == [first.id]
    assert len(begun.messages(MessageKind.DIGEST)) == len(begun.events("digest.made")) == 1


def test_without_a_policy_that_ever_worked_the_sweep_goes_on(world: World) -> None:
    world.policy_file.write_text("version: 2", encoding="utf-8")
    world.clock.time = TOMORROW
    assert make_when_due(world.core) is None


def test_a_preview_writes_nothing(begun: World) -> None:
    begun.open()
    before = len(begun.events())
    digest, said = preview(begun.core)

    assert (digest.number, digest.to_seq, said.opened.total) == (1, before, 1)
    assert digests(begun) == []
    assert len(begun.events()) == before


def test_what_it_says_is_written_once(begun: World) -> None:
    grant = begun.open(minutes=60)
    digest = make_now(begun.core)
    said = content_of(begun.core, digest.id)
    begun.pass_time(hours=2)

    assert begun.again(grant).ended_by == EndedBy.EXPIRED
    assert content_of(begun.core, digest.id) == said
    assert len(begun.events("audit.verified")) == 1


def test_what_was_opened_and_is_open_is_listed_with_who_asked_who_approved_and_why(begun: World) -> None:
    grant = begun.open(minutes=60)
    said = said_now(begun)

    assert said.opened == said.still_open
    (one,) = said.opened.first
    assert (one.id, one.entitlement, one.requester, one.decided_by) == (grant.id, "customers-db/read", "ann", ("lea",))
    assert (one.reason, one.at, one.ends) == ("INC-12 stuck refunds", NOON, NOON + timedelta(minutes=60))
    assert one.card is not None
    assert one.card.channel == "C0PAYAPPR"
    assert said.needs_a_person == 0


@pytest.mark.both_databases
def test_what_was_extended_is_listed_with_both_ends_and_who_approved(begun: World) -> None:
    grant = begun.open(minutes=60)
    said_now(begun)
    request = begun.approve(begun.extend(grant, minutes=30), by=KIM)
    begun.pass_time(hours=2)
    said = said_now(begun)

    (one,) = said.extended.first
    assert (said.extended.total, said.opened.total, said.ended.total) == (1, 0, 1)
    assert (one.id, one.request_id, one.entitlement, one.subject) == (grant.id, request.id, "customers-db/read", "ann")
    assert (one.ended_before, one.ends) == (NOON + timedelta(minutes=60), NOON + timedelta(minutes=90))
    assert (one.decided_by, one.reason) == (("kim",), "INC-12 two refunds are left")


def test_of_an_end_that_was_moved_twice_each_line_has_its_own_ends(begun: World) -> None:
    begun.rewrite_policy("resources:\n", "limits: {extensions: 2}\nresources:\n")
    grant = begun.open(minutes=30)
    for by in (LEA, KIM):
        begun.approve(begun.extend(begun.again(grant), minutes=10), by=by)
        begun.work()
    said = said_now(begun)

    moved = [(one.ended_before, one.ends, one.decided_by) for one in said.extended.first]
    ends = [NOON + timedelta(minutes=after) for after in (30, 40, 50)]
    assert moved == [(ends[0], ends[1], ("lea",)), (ends[1], ends[2], ("kim",))]


def test_what_an_older_version_wrote_is_read(begun: World) -> None:
    begun.open(minutes=60)
    said = said_now(begun).model_dump(mode="json")
    for name in ("extended", "canary"):
        del said[name]
    del said["opened"]["first"][0]["ended_before"]

    read = Content.model_validate(said)
    assert (read.opened.total, read.extended.total, read.canary) == (1, 0, None)


def test_of_what_a_newer_version_wrote_all_that_is_known_is_read(begun: World) -> None:
    """Both run side by side during an upgrade, and the older one alone after going back."""
    begun.open(minutes=60)
    made = make_now(begun.core)
    said = content_of(begun.core, made.id)
    newer: dict[str, Any] = said.model_dump(mode="json") | {"unheard_of": {"total": 3}}
    newer["opened"]["first"][0]["unheard_of"] = "too"
    with begun.core.database.write() as session:
        session.get_one(Digest, made.id).content = newer

    assert content_of(begun.core, made.id) == said


def test_what_ended_is_listed_with_why_and_in_whose_words(begun: World) -> None:
    for how in ("expired", "returned", "revoked"):
        grant = begun.open(minutes=30)
        if how == "returned":
            return_access(begun.core, grant_id=grant.id, by=by_slack(ANN))
        if how == "revoked":
            revoke(begun.core, grant_id=grant.id, by=by_slack(SAM), reason="The laptop was stolen.")
        begun.pass_time(hours=1)
    said = said_now(begun)

    assert [one.ended_by for one in said.ended.first] == ["expired", "returned", "revoked"]
    assert (said.ended.first[2].said_by, said.ended.first[2].said) == ("sam", "The laptop was stolen.")
    assert said.ended.first[2].reason == "INC-12 stuck refunds"
    assert said.still_open.total == 0


def test_what_was_denied_lapsed_or_taken_back_is_counted_apart(begun: World) -> None:
    begun.deny(begun.ask(), comment="Use the dashboard.")
    cancel(begun.core, request_id=begun.ask().id, by=by_slack(ANN))
    begun.ask(by=BEN)
    begun.pass_time(hours=9)
    said = said_now(begun)

    assert (said.denied.total, said.lapsed.total, said.taken_back) == (1, 1, 1)
    assert (said.denied.first[0].said_by, said.denied.first[0].said) == ("lea", "Use the dashboard.")
    assert said.lapsed.first[0].requester == "ben"


def test_refused_clicks_are_counted_by_kind(begun: World) -> None:
    request = begun.ask(by=LEA)
    for by in (EVE, EVE, LEA):
        with pytest.raises(AccessError):
            begun.approve(request, by=by)
    with pytest.raises(AccessError):
        begun.ask(by=EVE)
    said = said_now(begun)

    assert [(one.attempt, one.because, one.times) for one in said.refusals] == [
        ("request.approve", "NotAnApprover", 2),
        ("request.approve", "SelfReview", 1),
        ("request.submit", "RefusedByPolicy", 1),
    ]
    assert said.refused == 4


def test_policy_loads_are_listed(begun: World) -> None:
    begun.rewrite_policy("max: 2h", "max: 3h")
    begun.work()
    said = said_now(begun)

    assert [load.sha256 for load in said.policy_loads][-1] == begun.core.policy.current().sha256
    assert len(said.policy_loads) == 2
    assert [(one.sentence, one.wider) for one in said.policy_loads[-1].differences] == [
        ("customers-db/fix-orders and customers-db/read can be had for up to 3 h instead of 2 h, by rule `customers`",
         True),
    ]  # fmt: skip


def test_an_end_that_is_not_proven_needs_a_person_until_it_is(begun: World) -> None:
    grant = begun.open(minutes=30)
    begun.server.weather = "down"
    begun.pass_time(minutes=33)
    said = said_now(begun)

    assert (said.overdue.total, said.still_open.total, said.ended.total) == (1, 0, 0)
    assert said.overdue.first[0].id == grant.id
    assert said.overdue.first[0].problem == "The fake server does not answer."

    begun.server.weather = "fine"
    begun.pass_time(minutes=5)
    assert said_now(begun).overdue.total == 0


def test_an_end_that_is_being_worked_on_is_not_yet_late(begun: World) -> None:
    begun.open(minutes=30)
    begun.clock.tick(minutes=30, seconds=30)
    assert said_now(begun).overdue.total == 0


def test_open_alerts_need_a_person_and_lead_to_their_message(begun: World) -> None:
    begun.open(minutes=30)
    begun.server.weather = "down"
    begun.pass_time(hours=1)
    said = said_now(begun)

    assert said.alerts_open == 1
    (alert,) = said.alerts
    assert alert.kind == AlertKind.OVERDUE
    assert alert.delivered_at is not None
    assert alert.message is not None
    assert alert.message.channel == SECURITY
    assert said.needs_a_person == 2


def test_a_grant_that_could_not_be_opened_needs_a_person(begun: World) -> None:
    begun.server.weather = "refuses"
    grant = begun.scheduled()
    begun.work()
    begun.server.weather = "fine"
    begun.targets.broken = BadCredential()
    late = begun.scheduled(by=BEN)
    begun.pass_time(hours=1)
    said = said_now(begun)

    assert [one.id for one in said.failed.first] == [grant.id, late.id]
    assert said.failed.first[0].problem == "The fake server refuses the bot."
    assert said.unopened.total == said.opened.total == 0


def test_what_ended_before_it_opened_is_not_called_ended_and_proven(begun: World) -> None:
    grant = begun.scheduled()
    return_access(begun.core, grant_id=grant.id, by=by_slack(ANN))
    said = said_now(begun)

    assert (said.unopened.total, said.ended.total, said.failed.total) == (1, 0, 0)


def test_what_todays_policy_would_refuse_needs_a_person(begun: World) -> None:
    grant, kept = begun.open(), begun.open(by=BEN)
    begun.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")
    said = said_now(begun)

    (one,) = said.refused_now.first
    assert (one.id, one.problem) == (grant.id, CHANGED)
    assert {access.id for access in said.still_open.first} == {grant.id, kept.id}
    assert said.needs_a_person == 1


def test_what_a_changed_rule_would_grant_otherwise_needs_a_person_too(begun: World) -> None:
    begun.open()
    begun.rewrite_policy("power: look", "power: look-closer")
    assert said_now(begun).refused_now.total == 1


def test_a_policy_that_cannot_be_used_is_said_and_accuses_nobody(begun: World) -> None:
    begun.open()
    begun.policy_file.write_text("version: 2", encoding="utf-8")
    said = said_now(begun)

    assert said.policy_unusable
    assert said.refused_now.total == 0
    assert said.needs_a_person == 1


def test_a_tampered_log_is_said_in_every_digest_until_it_is_mended(begun: World) -> None:
    begun.open()
    assert said_now(begun).flaw == ""
    begun.open(by=BEN)
    victim = begun.events("grant.active")[-1]
    tamper(begun.core.database, "UPDATE audit_event SET actor = 'system:other' WHERE seq = :seq", seq=victim.seq)

    for _ in range(2):
        said = said_now(begun)
        assert said.flaw == f"a column of event {victim.seq} differs from its entry"
        assert said.needs_a_person == 1
    tamper(
        begun.core.database, "UPDATE audit_event SET actor = :was WHERE seq = :seq", was=victim.actor, seq=victim.seq
    )
    assert said_now(begun).flaw == ""
    assert [digest.holds for digest in digests(begun)] == [True, False, False, True]
    assert [event.entry.count('"outcome":"failure"') for event in begun.events("audit.verified")] == [0, 1, 1, 0]


def test_a_log_that_was_cut_off_behind_a_digest_is_said(begun: World) -> None:
    begun.open()
    made = make_now(begun.core)
    assert content_of(begun.core, made.id).flaw == ""
    database = begun.core.database
    cut = made.to_seq - 2
    kept = next(event for event in begun.events() if event.seq == cut)
    tamper(database, "DELETE FROM audit_event WHERE seq > :cut", cut=cut)
    tamper(database, "UPDATE audit_head SET seq = :cut, hash = :hash", cut=cut, hash=kept.hash)

    assert f"event {made.to_seq}, up to which the log once held, is" in said_now(begun).flaw
    later = digests(begun)[-1]
    assert later.from_seq == made.to_seq


def test_only_what_came_since_is_recomputed(begun: World) -> None:
    begun.open()
    first = make_now(begun.core)
    assert content_of(begun.core, first.id).checked_from == 1
    assert said_now(begun).checked_from == first.to_seq + 1


@pytest.mark.both_databases
def test_of_very_many_the_first_are_listed_and_all_are_counted(begun: World) -> None:
    active = Event(action="request.lapsed", actor="system", object_id=begun.ask().id)
    with begun.core.database.write() as session:
        append(session, [active] * (MOST + 7), at=begun.clock.now())
    said = said_now(begun)

    assert said.lapsed.total == MOST + 7
    assert len(said.lapsed.first) == MOST


def test_what_the_sweep_makes_is_due_at_once(begun: World) -> None:
    begun.clock.time = TOMORROW
    (item,) = [item for item, _ in Schedule(begun.core).sweep() if item.startswith("notice:")]
    (route,) = Schedule(begun.core).route([item]).now
    assert (route.queue, route.target) == ("tell", "slack")
