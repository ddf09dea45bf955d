"""The demo's second target by a person's hands: a program, asked for, approved, used and seen to end in the window."""

import pytest
from playwright.sync_api import expect

from countersign.demo.stage import Stage
from tests.hands.hands import Hands
from tests.hands.test_hands import AT_A_DESK

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]

REASON = "INC-13 answer while Ben is away"


@AT_A_DESK
def test_a_person_is_let_into_the_console_and_is_seen_to_leave(hands: Hands, stage: Stage) -> None:
    members = hands.window.locator("#members tbody tr")
    expect(hands.window.locator("#console")).to_have_text("No one is in.")

    hands.write("/access")
    form = hands.modal("Ask for access")
    hands.press(form.get_by_label("What do you need?"))
    form.get_by_role("combobox").fill("pay refunds")
    expect(form.get_by_role("option")).to_have_count(1)
    hands.press(form.get_by_role("option", name="Answer customers and pay refunds"))
    expect(form).to_contain_text("Will be asked in")  # until then the form is being drawn anew
    form.get_by_label("For how long?").fill("20m")
    form.get_by_label("Why?").fill(REASON)
    hands.press(hands.button("Ask", form))
    hands.press(hands.button("Close", hands.modal("Asked")))

    hands.act_as("Lea")
    hands.press(hands.button("Approve", hands.message(REASON)))
    expect(members).to_have_count(1)
    expect(members.first).to_contain_text("Ann")
    expect(members.first).to_contain_text("answers customers and pays refunds")
    assert [member.person for member in stage.console.members()] == ["ann"]

    hands.act_as("Ann")
    hands.go_to("Countersign")
    hands.press(hands.button("I'm done", hands.message("support-console/refund")))
    expect(hands.window.locator("#console")).to_have_text("No one is in. Ann was, until it ended.")
    expect(members).to_have_count(0)
    assert stage.console.members() == []
