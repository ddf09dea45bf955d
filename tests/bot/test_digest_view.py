"""The digest on the screen: what needs a person comes first, every part is legal, and nothing people wrote is alive."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import access
import bot
from access.errors import PolicyError, Refusal
from access.messages.digest.content import Refusals
from access.models import Verdict
from access.policy.canary import Went
from access.requests.remind import Place
from bot.app import ACTIONS, COMMAND, EVENTS, MODALS, OPTIONS
from bot.views.blocks import Rendered
from bot.views.digest import digest_message, digest_parts
from bot.views.refused import ATTEMPTS, REASONS
from sandbox.validator import characters, message_problems
from tests.bot.digest_states import (
    ADDRESSES,
    LONGEST,
    a_closed_alert,
    a_content,
    a_digest,
    an_access,
    busy,
    canary_runs,
    listed,
    longest,
    messages,
    the_message,
)
from tests.bot.facts import minutes
from tests.bot.test_views import walk

ROOT = Path(access.__file__).parent.parent
RECORDERS = {"refusals_recorded": 1, "still_member": 2}
"""Who write down a refused attempt, and which of their arguments names it."""


def words(message: Rendered) -> str:
    return "\n".join(node["text"] for node in walk(message.blocks) if isinstance(node.get("text"), str))


def buttons(message: Rendered) -> list[dict[str, Any]]:
    return [node for node in walk(message.blocks) if node.get("type") == "button"]


def test_what_needs_a_person_comes_before_what_happened() -> None:
    said = words(the_message(busy()))
    order = [
        "Needs a person", "holds", "Past its end", "Could not be opened", "Open alerts", "today's policy would refuse",
        "Opened (4)", "Extended (1)", "Ended and proven (3)", "Over before it opened (1)", "Still open (5)",
        "Denied (1)", "Lapsed (1)", "Alerts closed (2)", "Refused (6)", "Policy loads (1)",
    ]  # fmt: skip
    places = [said.index(title) for title in order]
    assert places == sorted(places)


def test_a_quiet_day_says_so() -> None:
    message = the_message(a_content())
    assert message.text == "Access digest 12: nothing needs a person"
    assert "Nothing needs a person." in words(message)
    assert "Nothing was opened, ended, denied or refused" in words(message)


def test_the_head_of_the_log_and_whether_it_holds_are_in_the_first_message() -> None:
    assert f"4,466 events, head `{'0123456789abcdef' * 4}`. It holds" in words(the_message(a_content()))
    broken = the_message(a_content(flaw="event 7 is missing; the next one is 8"))
    assert "It does not hold." in words(broken)
    assert "Event 7 is missing; the next one is 8." in words(broken)
    assert broken.text == "Access digest 12: 1 thing needs a person"


def test_the_canary_has_one_line_in_the_first_message() -> None:
    def line(**runs: Any) -> str:
        said = words(the_message(a_content(canary=canary_runs(**runs))))
        return re.sub(r"<!date.*?>", "then", said[said.index("*Canary:*") :].partition("\n")[0])

    assert line() == "*Canary:* 288 runs, none failed or late; the latest began then and went well."
    assert line(failed=1, late=2, latest=Went.FAILED) == (
        "*Canary:* 288 runs, *1 failed*, *2 late*; the latest began then and did not open."
    )
    assert line(begun=0, latest=None, latest_at=None) == "*Canary:* no run was begun."
    assert line(configured=False, begun=0, latest=None, latest_at=None) == "*Canary:* none is configured."
    assert "Canary" not in words(the_message(a_content(canary=None)))  # written before it was looked at


def test_what_was_extended_has_its_new_end_and_its_old_one() -> None:
    moved = an_access(ends=minutes(180), ended_before=minutes(120), decided_by=("kim",))
    message = the_message(a_content(extended=listed(moved)))
    (line,) = [node["elements"] for node in walk(message.blocks) if node.get("type") == "rich_text_list"]
    said = "".join(node.get("text") or node["fallback"] for node in line[0]["elements"])
    assert said.startswith("customers-db/read for ann (req7xk), 2026-11-23 02:00 UTC until 2026-11-23 15:00 UTC")
    assert " instead of 2026-11-23 14:00 UTC, approved by kim" in said


def test_every_part_of_the_longest_digest_is_one_that_slack_takes() -> None:
    assert len(LONGEST) > 10
    for message in LONGEST:
        assert message_problems(message.blocks) == []
        assert characters(message.blocks) < 10_000
        assert len(message.blocks) <= 50


def test_the_parts_are_the_same_whoever_draws_them_and_whatever_addresses_are_known() -> None:
    digest, content = a_digest(), longest()
    parts = digest_parts(digest, content)
    assert parts == digest_parts(digest, content)
    for number in range(1, len(parts) + 1):
        bare = digest_message(digest, content, parts, number, {})
        assert len(bare.blocks) == len(digest_message(digest, content, parts, number, ADDRESSES).blocks)


def test_nothing_is_lost_between_two_parts() -> None:
    many = [an_access(id=f"{number:026}", request_id=f"{number:026}", reason=f"why {number}.") for number in range(100)]
    said = messages(a_content(overdue=listed(*many), opened=listed(*many)))
    assert len(said) > 1
    text = "\n".join(words(one) for one in said)
    for number in range(100):
        assert text.count(f"`{number:026}`") == 1
        assert text.count(f"why {number}.") == 1
    assert [one.text for one in said[1:]] == [
        f"Access digest 12, part {n} of {len(said)}" for n in range(2, len(said) + 1)
    ]


def test_how_many_more_there_are_is_said() -> None:
    said = words(the_message(a_content(opened=listed(an_access(), total=1_207))))
    assert "Opened (1,207)" in said
    assert "and 1,206 more; the audit log has them all" in said


def test_the_head_and_the_list_count_the_same_as_open() -> None:
    said = words(the_message(busy()))
    assert "Still open *5* (*1* past the end)" in said
    assert "Still open (5)\n1 of these is past its end and listed above\n" in said


def test_where_all_that_is_open_is_past_its_end_the_list_says_so() -> None:
    said = words(the_message(a_content(overdue=listed(an_access(status="revoking")))))
    assert "Still open *1* (*1* past the end)" in said
    assert "Still open (1)\n1 of these is past its end and listed above" in said


def test_a_button_leads_to_each_thing_that_needs_a_person() -> None:
    found = buttons(the_message(busy()))
    assert [button["text"]["text"] for button in found] == ["Open", "Open", "Open", "Revoke"]
    assert [button.get("url") for button in found[:3]] == [
        *[ADDRESSES[an_access().card or Place("", "")]] * 2,
        found[2]["url"],
    ]
    assert found[2]["url"].startswith("https://acme.slack.com/archives/C0SEC/")
    assert found[3]["value"] == busy().refused_now.first[0].id


def test_without_its_address_a_thing_has_no_button_rather_than_a_dead_one() -> None:
    digest, content = a_digest(), busy()
    message = digest_message(digest, content, digest_parts(digest, content), 1, {})
    assert [button["text"]["text"] for button in buttons(message)] == ["Revoke"]


@pytest.mark.parametrize("hostile", ["<!channel> @here *bold*", "line\nbreak\n\n```", "\u202egnp\u200b.exe"])
def test_what_people_wrote_is_one_line_of_plain_letters_labelled_as_theirs(hostile: str) -> None:
    message = the_message(a_content(opened=listed(an_access(reason=hostile))))
    texts = [node for node in walk(message.blocks) if node.get("type") == "text"]
    written = [node["text"] for node in texts if node.get("style", {}).get("italic")]
    assert " – ann wrote: " in [node["text"] for node in texts]
    assert len(written) == 1
    assert "\n" not in written[0]
    assert "\u202e" not in written[0]
    assert hostile not in message.text


def test_of_very_long_words_the_beginning_is_shown() -> None:
    assert "y" * 199 + "…" in words(the_message(a_content(opened=listed(an_access(reason="y" * 500)))))


def test_who_received_is_named_apart_from_who_asked() -> None:
    said = words(the_message(a_content(opened=listed(an_access(subject="ben", requester="ann")))))
    assert "for ben, asked by ann" in said


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Of every call of a function or method so called: its module, and the call."""
    for path in sorted(file for package in ("access", "bot", "workers") for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts), node


def recorded() -> set[str]:
    """Every name under which a refused attempt can be written down."""
    found = {COMMAND, *ACTIONS, *EVENTS, *OPTIONS, *MODALS}
    for module, call in calls(*RECORDERS):
        named = call.args[RECORDERS[ast.unparse(call.func).rpartition(".")[2]]]
        if isinstance(named, ast.Name) and named.id == "attempt":
            continue  # of several at once, each of which writes it down by itself too
        known = vars(importlib.import_module(module))
        found |= {eval(ast.unparse(named), known, {"verdict": verdict}) for verdict in Verdict}
    return found


def test_every_attempt_that_can_be_refused_has_plain_words() -> None:
    assert recorded() - ATTEMPTS.keys() == set()
    assert ATTEMPTS.keys() - recorded() == set()


def test_a_refused_attempt_is_written_down_in_two_places_only() -> None:
    """Through which every name comes that the test before looks for."""
    written = [module for module, call in calls("record") if "attempt.refused" in ast.unparse(call)]
    assert written == ["access.core", "bot.identity"]


def test_names_that_mean_the_same_become_one_line() -> None:
    refusals = [("grant.return", 2), ("form", 4), ("grant.done", 3)]
    said = words(
        the_message(a_content(refusals=tuple(Refusals(attempt=a, because="NotYours", times=n) for a, n in refusals)))
    )
    assert "Refused (9)" in said
    assert "People tried to give back access: it was not their own (5 times)\n" in said
    assert "People tried to ask for access: it was not their own (4 times)" in said


def test_every_kind_of_refusal_has_plain_words() -> None:
    """Whoever adds one finds it here, and says it as the digest should."""
    for package in (access, bot):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    kinds = {kind.__name__ for kind in (*descendants(Refusal), PolicyError)}

    assert kinds - REASONS.keys() == set()
    assert REASONS.keys() - kinds == set()
    assert [words for words in REASONS.values() if not re.fullmatch(r"[^A-Z].*[^.]|Slack .*[^.]", words)] == []


def descendants(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        if child.__module__.partition(".")[0] in ("access", "bot"):
            yield child
        yield from descendants(child)


def refused(*of: Refusals) -> str:
    return words(the_message(a_content(refusals=of)))


def by(who: str, times: int = 1) -> Refusals:
    return Refusals(attempt="request.approve", because="SelfReview", times=times, who=who)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ([by("ann")], "ann tried to approve a request: it was their own (once)"),
        ([by("ann", 3), by("ben", 2)], "ann and ben tried to approve a request: it was their own (5 times)"),
        ([by("ann", 4), by("ben", 3), by("kim", 2), by("lea")], "ann, ben, kim and 1 other tried"),
        ([by("ann", 4), by("ben", 3), by("kim", 2), by("lea"), by("sam")], "ann, ben, kim and 2 others tried"),
        ([by("ann"), by("", 7)], "ann and others tried to approve a request: it was their own (8 times)"),
        ([by("")], "A person tried to approve a request: it was their own (once)"),
        ([by("", 2)], "People tried to approve a request: it was their own (2 times)"),
    ],
)
def test_who_tried_what_and_why_not_is_one_sentence(of: list[Refusals], said: str) -> None:
    assert f"\n{said}" in refused(*of)


def test_what_has_no_words_yet_is_said_by_its_name() -> None:
    """A button that an older version made, and a kind of refusal that a newer one wrote."""
    odd = Refusals(attempt="request.unheard-of", because="NotThatOne", times=1, who="ann")
    assert "ann tried to use request.unheard-of: not that one (once)" in refused(odd)


@pytest.mark.parametrize(
    ("access_", "said"),
    [
        ({"ended_at": minutes(-540), "status": "ended"}, " for 2 h (ended 2026-11-23 03:00 UTC)"),
        ({"status": "revoking"}, " for 2 h (being ended)"),
        ({"status": "active"}, " for 2 h (until 2026-11-23 04:00 UTC)"),
        (
            {"granted_for": None, "granted_until": minutes(-480), "ended_at": minutes(-540), "status": "ended"},
            " until 2026-11-23 04:00 UTC (ended 2026-11-23 03:00 UTC)",
        ),
        ({"granted_for": None, "status": "ended"}, " until 2026-11-23 04:00 UTC"),  # as the version before wrote it
    ],
)
def test_what_was_opened_says_what_was_approved_and_how_it_went(access_: dict[str, Any], said: str) -> None:
    message = the_message(a_content(opened=listed(an_access(**access_))))

    assert f"2026-11-23 02:00 UTC{said}, approved by lea" in line_of(message)


def test_an_alert_that_is_closed_says_when_and_for_how_long_and_whether_it_was_told() -> None:
    told, not_told = (
        a_closed_alert(sentence="Redis is full."),
        a_closed_alert(sentence="Redis is gone.", delivered_at=None),
    )

    said = line_of(the_message(a_content(alerts_closed=9, closed=(told, not_told))))

    assert "alert 0c1ert, 2026-11-22 23:04 UTC, closed after 12 min: Redis is full." in said
    assert "closed after 12 min; it was closed before it was told: Redis is gone." in said
    assert "and 7 more" in said


def line_of(message: Rendered) -> str:
    """All lines of lists, dates as who cannot read them sees them."""
    lists = [node["elements"] for node in walk(message.blocks) if node.get("type") == "rich_text_list"]
    return "\n".join(
        "".join(node.get("text") or node["fallback"] for node in line["elements"]) for lines in lists for line in lines
    )
