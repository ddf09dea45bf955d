"""`/access` and its words, as people write them well and badly."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from access import sqlite
from access.ids import SlackUser, short
from access.models import EndedBy, RequestStatus
from bot import ids
from bot.refusals import POLICY_BROKEN
from bot.slash_command import COMMANDS
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack
from tests.cast import ANN, BEN, EVE, LEA, SAM
from tests.world import World


def test_a_line_asks_without_the_form(desk: Desk, world: World, slack: FakeSlack) -> None:
    assert desk.command(ANN, "customers-db/read 90m INC-12 stuck  refunds") is None

    (request,) = world.requests()
    assert (request.entitlement, request.duration) == ("customers-db/read", timedelta(minutes=90))
    assert request.reason == "INC-12 stuck  refunds"
    assert "*Asked in <#C0PAYAPPR>:* <@U0KIM> and <@U0LEA>." in slack.whispers[0]
    assert short(request.id) in slack.whispers[0]


@pytest.mark.parametrize(
    ("written", "duration", "reason"),
    [
        ("90s stuck refunds", timedelta(seconds=90), "stuck refunds"),
        ("1h30 stuck refunds", timedelta(minutes=90), "stuck refunds"),
        ("1 h 30 min stuck refunds", timedelta(minutes=90), "stuck refunds"),
        ("2 hours to see stuck refunds", timedelta(hours=2), "to see stuck refunds"),
        ("1h\u00a030m stuck refunds", timedelta(minutes=90), "stuck refunds"),
        ("1h stuck refunds\nof yesterday", timedelta(hours=1), "stuck refunds\nof yesterday"),
        ("1h 14 stuck refunds", timedelta(hours=1), "14 stuck refunds"),
    ],
)
def test_times_are_read_as_people_write_them(desk: Desk, written: str, duration: timedelta, reason: str) -> None:
    desk.command(ANN, f"customers-db/read {written}")

    (request,) = desk.world.requests()
    assert (request.duration, request.reason) == (duration, reason)


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("Europe/Amsterdam", datetime(2026, 11, 23, 12, 30, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 11, 24, 8, 0, tzinfo=UTC)),
        ("Mars/Olympus", datetime(2026, 11, 23, 12, 30, tzinfo=UTC)),
        (None, datetime(2026, 11, 23, 12, 30, tzinfo=UTC)),
    ],
)
def test_until_is_meant_in_the_zone_of_who_writes_it(desk: Desk, zone: str | None, end: datetime) -> None:
    desk.slack.join(ANN, tz=zone)
    desk.world.rewrite_policy("max: 2h", "max: 8h")
    desk.world.rewrite_policy("{max: 8h, request_ttl", "{max: 48h, request_ttl")
    desk.world.rewrite_policy("    max: 8h\n", "    max: 48h\n")

    desk.command(ANN, "customers-db/read until 13:30 stuck refunds")

    assert [request.until for request in desk.world.requests()] == [end]


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("customers-db/raed 2h stuck refunds", ["did you mean /access customers-db/read 2h stuck refunds?"]),
        ("nowhere/nothing 2h stuck refunds", ["you may ask for customers-db/fix-orders and customers-db/read."]),
        ("customers-db/<!channel> 2h stuck refunds", ["I don't know customers-db/@channel; did you mean"]),
        ("customers-db/read", ["Say for how long and why: /access customers-db/read 2h INC-12 stuck refunds"]),
        (
            "customers-db/read stuck refunds",
            ["The time after customers-db/read can't be used", "/access customers-db/read 2h stuck refunds"],
        ),
        ("customers-db/read 3h stuck refunds", ["The longest access to customers-db/read is 2 h; you asked for 3 h."]),
        ("customers-db/read 1s stuck refunds", ["The shortest access is 5 s."]),
        ("customers-db/read 2h", ["Say why, after the time: /access customers-db/read 2h"]),
        ("customers-db/read 2h why", ["Say more: the reason needs at least 10 characters here, this has 3."]),
        (f"customers-db/read 2h {'x' * 3000}", ["it may have 500 characters, this has 3,000."]),
        (
            "customers-db/read 3h why",
            ["you asked for 3 h.\nSay more: the reason needs at least 10 characters here, this has 3."],
        ),
        (
            "customers-db/read 0m why",
            ["For example: /access customers-db/read 2h why\nSay more: the reason needs at least 10 characters here"],
        ),
        ("customers-db/read 400d stuck refunds", ["The longest access to customers-db/read is 2 h; you asked for 400"]),
        (
            "customers-db/read 5m at 9:00 why",
            ["To begin then: /access customers-db/read 5m from 9:00 why.", "Say more: the reason needs at least 10"],
        ),
        ("mien", ["There is no command “mien”. Did you mean /access mine? /access help shows every command."]),
        ("please <@U0EVE>", ["I don't know please; you may ask for customers-db/fix-orders and customers-db/read."]),
        (
            "customers-db 2h stuck refunds",
            ["Say which role on customers-db you need: customers-db/fix-orders or customers-db/read."],
        ),
        ("done", ["You hold no open access."]),
        ("extend", ["You hold no open access."]),
        ("cancel", ["None of your requests waits for an answer."]),
        ("done a b", ["Write one id: /access done <id>."]),
        ("done zzzzzz", ["You hold no open access with the id zzzzzz."]),
        ("extend `zzzzzz`", ["You hold no open access with the id zzzzzz."]),
        ("cancel zzzzzz", ["None of your requests with the id zzzzzz waits for an answer."]),
        ("revoke zzzzzz", ["Only the security team can revoke another person's access."]),
        ("revoke", ["Only the security team can revoke another person's access."]),
    ],
)
def test_a_wrong_line_is_answered_with_what_would_be_right(desk: Desk, line: str, sentences: list[str]) -> None:
    desk.command(ANN, line)

    (whisper,) = desk.slack.whispers
    for sentence in sentences:
        assert sentence in whisper
    assert desk.world.requests() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("&lt;!channel&gt; a &amp; b are stuck", "<!channel> a & b are stuck"),
        ("<@U0EVE|eve> says it is stuck", "@eve says it is stuck"),
        ("<https://evil.example|https://jira.example> is stuck", "https://evil.example is stuck"),
        ("\u202estuck refunds\u202c of\u200b us", "stuck refunds of us"),
        ("*Approved by Lea* ```stuck", "*Approved by Lea* ```stuck"),
    ],
)
def test_a_reason_is_kept_as_it_was_meant_and_nothing_is_hidden_in_it(desk: Desk, typed: str, kept: str) -> None:
    desk.command(ANN, f"customers-db/read 1h {typed}")

    assert [request.reason for request in desk.world.requests()] == [kept]


def test_asking_for_what_waits_already_is_told(desk: Desk, slack: FakeSlack) -> None:
    for _ in range(2):
        desk.command(ANN, "customers-db/read 1h stuck refunds")

    assert slack.whispers[1] == "You have already asked for customers-db/read; it waits for an answer."


def test_a_broken_policy_takes_no_requests_but_still_ends_access(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()
    world.rewrite_policy("version: 1", "version: 1\nnonsense: 1")

    desk.command(ANN, "customers-db/read 1h stuck refunds")
    desk.command(ANN, f"done {short(grant.id)}")

    assert slack.whispers[0] == POLICY_BROKEN
    assert world.grants()[0].ended_by == EndedBy.RETURNED


def test_a_database_that_cannot_be_written_is_told(
    desk: Desk, world: World, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", timedelta(0))
    world.core.database.close()  # what is connected already would wait for its turn

    with world.core.database.engine().begin():
        desk.command(ANN, "customers-db/read 1h stuck refunds")

    assert slack.whispers == [
        "Countersign can't write to its database just now, so nothing was changed. Please try again in a minute."
    ]


def test_mine_shows_what_i_hold_and_wait_for_with_the_buttons(desk: Desk, world: World, slack: FakeSlack) -> None:
    world.open()
    world.ask(entitlement="customers-db/fix-orders")

    desk.command(ANN, "mine")
    desk.command(BEN, "mine")

    assert "customers-db/read" in slack.whispers[0]
    assert "customers-db/fix-orders" in slack.whispers[0]
    assert {ids.CONNECT, ids.EXTEND, ids.DONE, ids.CHANGE, ids.CANCEL} == set(action_ids(slack.said[0]["blocks"]))
    assert slack.whispers[1].startswith("You hold no access")


def test_mine_says_who_is_asked_and_leads_to_the_card(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask()
    desk.command(ANN, "mine")
    world.work()

    desk.command(ANN, "mine")

    before, after = slack.whispers
    assert "Asked: <@U0KIM> and <@U0LEA>." in before
    assert "Open the card" not in before, "it is not posted yet"
    (card,) = world.messages("review")
    link = f"<https://acme.slack.com/archives/C0PAYAPPR/p{str(card.ts).replace('.', '')}|"
    assert f"{link}Open the card of request {short(request.id)}>" in after


@pytest.mark.parametrize("failure", ["message_not_found", TimeoutError()])
def test_mine_is_answered_though_slack_gives_no_address(
    desk: Desk, world: World, slack: FakeSlack, failure: str | Exception
) -> None:
    world.ask()
    world.work()
    slack.failing["chat.getPermalink"] = failure

    desk.command(ANN, "mine")

    (whisper,) = slack.whispers
    assert "Asked: <@U0KIM> and <@U0LEA>." in whisper
    assert "Open the card" not in whisper


def test_security_sees_who_is_in_until_when_who_approved_it_and_why(desk: Desk, world: World, slack: FakeSlack) -> None:
    world.open(reason="INC-12 stuck refunds")
    world.ask(by=BEN)

    desk.command(SAM, "who")

    (whisper,) = slack.whispers
    assert "1 access is open now" in whisper
    assert f"<@{ANN}>" in whisper
    assert "left, approved by lea" in whisper
    assert "INC-12 stuck refunds" in whisper
    assert BEN not in whisper, "what is only asked for is not in"


@pytest.mark.parametrize("user", [ANN, LEA])
def test_only_security_sees_who_is_in_and_the_attempt_is_recorded(
    desk: Desk, world: World, slack: FakeSlack, user: SlackUser
) -> None:
    world.open()

    desk.command(user, "who")

    assert "security team" in slack.whispers[0]
    assert [event.actor for event in world.events("attempt.refused")] == [f"slack:{user}"]


def test_done_by_the_end_of_its_id(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()

    desk.command(ANN, f"done `{short(grant.id).upper()}`")

    assert world.grants()[0].ended_by == EndedBy.RETURNED
    assert "is being ended" in slack.whispers[0]


@pytest.mark.parametrize("verb", ["done", "extend", "revoke"])
@pytest.mark.parametrize("shown", ["grant", "request", "more time", "nothing"])
def test_every_id_that_a_message_shows_is_understood(desk: Desk, verb: str, shown: str) -> None:
    world, slack = desk.world, desk.slack
    grant = world.open()
    more = world.extend(grant)
    if shown == "more time":
        world.approve(more)
    typed = {"grant": short(grant.id), "request": short(grant.request_id), "more time": short(more.id), "nothing": ""}
    world.rewrite_policy("digest:", "limits: {extensions: 2}\ndigest:")

    desk.command(SAM if verb == "revoke" else ANN, f"{verb} {typed[shown]}")

    if verb == "done":
        assert world.grants()[0].ended_by == EndedBy.RETURNED
    else:
        assert slack.view["private_metadata"] == grant.id


@pytest.mark.parametrize("typed", ["revoke ann", "revoke @Ann", "revoke <@U0ANN>", "revoke <@U0ANN|ann.a>", "revoke"])
def test_revoke_understands_whose_access_is_meant(desk: Desk, world: World, slack: FakeSlack, typed: str) -> None:
    grant = world.open()

    desk.command(SAM, typed)

    assert slack.view["private_metadata"] == grant.id


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("revoke ben", "ben holds no open access."),
        ("revoke ann now", "Write one id: /access revoke <id>. The card shows it; a name will do."),
        ("revoke <@U0BEN>", "ben holds no open access."),
        ("revoke bem", "No open access has the id bem, and the access policy has no person of that name."),
        ("revoke zzzzzz", "No open access has the id zzzzzz, and the access policy has no person of that name."),
    ],
)
def test_revoke_answers_about_who_was_named(
    desk: Desk, world: World, slack: FakeSlack, typed: str, sentence: str
) -> None:
    world.open()

    desk.command(SAM, typed)

    assert slack.whispers == [sentence]


def test_several_that_may_be_meant_are_listed(desk: Desk, world: World, slack: FakeSlack) -> None:
    read, fix = world.open(), world.open(entitlement="customers-db/fix-orders")
    bens = world.open(by=BEN)
    mine = f"{short(fix.id)} (customers-db/fix-orders) and {short(read.id)} (customers-db/read)"

    for verb in ("done", "extend"):
        desk.command(ANN, verb)
    desk.command(SAM, "revoke ann")
    desk.command(SAM, "revoke")

    assert slack.whispers[:2] == [f"You hold 2: {mine}. Say which one: /access {verb} {short(fix.id)}"
                                  for verb in ("done", "extend")]  # fmt: skip
    assert slack.whispers[2].startswith("ann holds 2: ")
    assert f"{short(bens.id)} (customers-db/read of ben)" in slack.whispers[3]
    assert [one.status for one in world.grants()] == ["active"] * 3


def test_an_id_whose_verb_is_another_says_what_it_is_and_which(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant, waiting = world.open(), world.ask(entitlement="customers-db/fix-orders")
    request = short(grant.request_id)

    for typed in (f"cancel {request}", f"cancel {short(grant.id)}", f"done {short(waiting.id)}"):
        desk.command(ANN, typed)
    world.deny(waiting)
    desk.command(ANN, f"cancel {short(waiting.id)}")
    desk.command(BEN, f"cancel {request}")

    give_back = f"was approved already. To give the access back: /access done {short(grant.id)}"
    assert slack.whispers == [
        f"Request {request} (customers-db/read) {give_back}",
        f"Request {request} (customers-db/read) {give_back}",
        f"Request {short(waiting.id)} (customers-db/fix-orders) waits for an answer. "
        f"To take it back: /access cancel {short(waiting.id)}",
        f"Request {short(waiting.id)} (customers-db/fix-orders) was denied.",
        f"None of your requests with the id {request} waits for an answer.",
    ]


def test_what_was_typed_for_an_id_is_not_repeated_at_length(desk: Desk, slack: FakeSlack) -> None:
    for verb in ("done", "cancel", "extend"):
        desk.command(ANN, f"{verb} {'x' * 3000}")
    desk.command(SAM, f"revoke {'x' * 3000}")

    assert max(map(len, slack.whispers)) < 200


def test_too_little_of_an_id_asks_for_more(desk: Desk, world: World, slack: FakeSlack) -> None:
    grants = [world.open(), world.open(entitlement="customers-db/fix-orders")]
    with world.core.database.write() as session:
        for grant in grants:
            session.connection().execute(
                text("""UPDATE "grant" SET id = :new WHERE id = :old"""), {"old": grant.id, "new": grant.id[:-2] + "qq"}
            )

    desk.command(ANN, "done qq")

    assert slack.whispers == ["The id qq fits 2 of them; write more of it."]


def test_cancel_without_an_id_takes_back_the_only_request(desk: Desk, world: World, slack: FakeSlack) -> None:
    world.ask()

    desk.command(ANN, "cancel")

    assert world.requests()[0].status == RequestStatus.CANCELLED


def test_cancel_by_the_end_of_its_id(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.command(ANN, f"CANCEL {short(world.ask().id)}")

    assert world.requests()[0].status == RequestStatus.CANCELLED
    assert "is taken back" in slack.whispers[0]


def test_security_revokes_anybodys_by_command_and_says_why(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.command(SAM, f"revoke {short(world.open().id)}")

    assert desk.submit(SAM, slack.view, reason="The laptop was stolen.") is None
    assert world.grants()[0].end_reason == "The laptop was stolen."


def test_revoke_by_its_holder_is_refused(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.command(ANN, f"revoke {short(world.open().id)}")

    assert slack.whispers == ["Only the security team can revoke another person's access."]


@pytest.mark.parametrize("there", [True, False], ids=["open", "unknown"])
def test_an_approver_hears_by_the_command_what_the_button_says(
    desk: Desk, world: World, slack: FakeSlack, there: bool
) -> None:
    grant = world.open()
    desk.press(LEA, ids.REVOKE, grant.id)

    desk.command(LEA, f"revoke {short(grant.id) if there else 'nosuch'}")

    assert slack.whispers == ["Only the security team can revoke another person's access."] * 2
    assert world.refusals() == [("grant.revoke", "NotSecurity")] * 2


def test_who_may_ask_for_nothing_is_told_of_the_commands(desk: Desk, slack: FakeSlack) -> None:
    desk.command(SAM, "outstanding")

    assert slack.whispers[0].endswith("/access help shows every command.")


def test_help_shows_every_command(desk: Desk, slack: FakeSlack) -> None:
    desk.command(LEA, "help")

    for command in COMMANDS:
        assert command.meaning in slack.whispers[0]


def test_who_may_ask_for_nothing_is_told_instead_of_shown_an_empty_form(desk: Desk, slack: FakeSlack) -> None:
    desk.command(EVE)

    assert "nothing that you may ask for" in slack.whispers[0]
    assert slack.called("views.open") == []


def action_ids(blocks: list[dict]) -> list[str]:
    return [one["action_id"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


def test_why_shows_how_it_was_decided_and_who_is_asked_now(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask()

    desk.command(ANN, f"why {short(request.id)}")
    desk.command(ANN, "why")
    desk.command(BEN, f"why {short(request.id)}")

    first, without_an_id, refused = slack.whispers
    assert first == without_an_id
    assert "yes, rule customers: matches because ann is in engineers" in first
    assert "*Asked now, by the policy of now:* kim, lea (of `payments-leads`)" in first
    assert "ben, eve, sam: is not in payments-leads" in first
    assert f"no request or access with the id {short(request.id)}" in refused
