"""The digest on the screen: what needs a person comes first, every part is legal, and nothing people wrote is alive."""

from typing import Any

import pytest

from access.operations import Place
from bot.views.blocks import Message
from bot.views.digest import digest_message, digest_parts
from sandbox.validator import characters, message_problems
from tests.bot.digest_states import (
    ADDRESSES,
    LONGEST,
    a_content,
    a_digest,
    an_access,
    busy,
    listed,
    longest,
    messages,
    the_message,
)
from tests.bot.test_views import walk


def words(message: Message) -> str:
    return "\n".join(node["text"] for node in walk(message.blocks) if isinstance(node.get("text"), str))


def buttons(message: Message) -> list[dict[str, Any]]:
    return [node for node in walk(message.blocks) if node.get("type") == "button"]


def test_what_needs_a_person_comes_before_what_happened() -> None:
    said = words(the_message(busy()))
    order = [
        "Needs a person", "holds", "Past its end", "Could not be opened", "Open alerts", "today's policy would refuse",
        "Opened (2)", "Ended and proven (3)", "Over before it opened (1)", "Still open (3)", "Denied (1)", "Lapsed (1)",
        "Refused (5)", "Policy loads (1)",
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


def test_a_button_leads_to_each_thing_that_needs_a_person() -> None:
    found = buttons(the_message(busy()))
    assert [button["text"]["text"] for button in found] == ["Open", "Open", "Open", "Revoke"]
    assert [button.get("url") for button in found[:3]] == [
        *[ADDRESSES[an_access().card or Place("", "")]] * 2,
        found[2]["url"],
    ]
    assert found[2]["url"].startswith("https://acme.slack.com/archives/C0SEC/")
    assert found[3]["value"] == an_access().id


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
