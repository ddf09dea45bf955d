"""The whole bot by a person's hands, on a desktop and on a phone."""

import re

import psycopg
import pytest
from playwright.sync_api import Locator, expect

from countersign.cli.digest import digest_now
from tests.hands.books import LOST, Books
from tests.hands.hands import Hands

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]

REQUIRED = "Please complete this required field."
OWN = "You can't decide your own request. Another approver has to."

AT_A_DESK = pytest.mark.parametrize("screen", ["desktop"])
"""What is pressed there is drawn in no other way on a phone; those without it are."""


def test_access_is_asked_for_with_the_form(hands: Hands, books: Books) -> None:
    hands.write("/access")
    form = hands.modal("Ask for access")
    hands.press(hands.button("Ask", form))
    expect(form.get_by_role("alert")).to_have_text([REQUIRED] * 3)
    hands.fits()

    what = form.get_by_label("What do you need?")
    hands.press(what)
    expect(form.get_by_role("option")).to_have_count(100)
    hands.fits()
    form.get_by_role("combobox").fill(f"{books.month:%B %Y}".lower())
    expect(form.get_by_role("option")).to_have_count(1)
    hands.press(form.get_by_role("option", name=books.title))
    expect(form).to_contain_text("Will be asked in")

    form.get_by_label("For how long?").fill("soon")
    form.get_by_label("Why?").fill(books.reason)
    hands.press(hands.button("Ask", form))
    expect(form.get_by_role("alert")).to_contain_text(["not “soon”"])
    expect(form.get_by_label("For how long?")).to_have_attribute("aria-invalid", "true")
    expect(what).to_have_text(books.title)
    expect(form.get_by_label("Why?")).to_have_value(books.reason)
    hands.fits()

    form.get_by_label("For how long?").fill("20m")
    hands.press(hands.button("Ask", form))
    said = hands.modal("Asked")
    expect(said).to_contain_text(books.entitlement)
    hands.press(hands.button("Close", said))
    expect(hands.message(books.ticket)).to_contain_text(books.entitlement)
    hands.fits()


def past_the_start(hands: Hands, form: Locator) -> None:
    """A moment is chosen in several parts, each a stop of its own; leaving all of them out begins at once."""
    for _ in range(10):
        hands.page.keyboard.press("Tab")
        if form.get_by_label("Why?").evaluate("field => field === document.activeElement"):
            return


@AT_A_DESK
def test_access_is_asked_for_with_the_keyboard_alone(hands: Hands, books: Books) -> None:
    keyboard = hands.page.keyboard
    hands.page.get_by_label("Message", exact=True).focus()
    keyboard.type("/acc")
    expect(hands.page.get_by_role("option")).to_be_visible()
    keyboard.press("Tab")
    keyboard.press("Enter")
    form = hands.modal("Ask for access")
    expect(form.get_by_label("What do you need?")).to_be_focused()
    keyboard.press("Enter")
    keyboard.type(books.title)
    expect(form.get_by_role("option")).to_have_count(1)
    keyboard.press("Enter")
    expect(form).to_contain_text("Will be asked in")
    keyboard.press("Tab")
    keyboard.type("20m")
    past_the_start(hands, form)
    keyboard.type(books.ticket + ": by keyboard")
    keyboard.press("Tab")
    expect(hands.button("Cancel", form)).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(hands.button("Close", hands.modal("Asked"))).to_be_focused()
    keyboard.press("Escape")
    expect(hands.page.get_by_role("dialog")).to_have_count(0)
    expect(hands.page.get_by_label("Message", exact=True)).to_be_focused()


@AT_A_DESK
def test_a_line_with_a_slip_is_answered_with_what_was_meant(hands: Hands, books: Books) -> None:
    hands.write(f"/access {books.line}".replace("ledger", "ledgr"))
    expect(hands.whispers).to_contain_text(f"did you mean /access {books.entitlement} 20m {books.ticket}")
    hands.fits()
    hands.write(f"/access {books.line}")
    expect(hands.whispers).to_have_count(2)
    expect(hands.whispers.last).to_contain_text("/access cancel")
    expect(hands.message(books.ticket)).to_contain_text("20 min")
    hands.fits()


@AT_A_DESK
def test_who_may_not_have_it_is_told_so_alone(hands: Hands, books: Books) -> None:
    hands.act_as("Eve")
    hands.write(f"/access {books.line}")
    expect(hands.whispers).to_contain_text(["nothing that you may ask for"])
    hands.write("/access")
    expect(hands.whispers).to_have_count(2)
    hands.fits()
    hands.act_as("Lea")
    expect(hands.whispers).to_have_count(0)
    expect(hands.message(books.ticket)).to_have_count(0)


def test_an_approver_lets_it_happen(hands: Hands, books: Books) -> None:
    books.asked()
    hands.act_as("Lea")
    card = hands.message(books.ticket)
    hands.press(hands.button("Approve", card))
    expect(card).to_contain_text("Approved by @Lea")
    expect(hands.button("Revoke", card)).to_be_visible()
    expect(hands.button("Approve", card)).to_have_count(0)
    hands.fits()
    hands.act_as("Ann")
    if hands.touch:
        expect(hands.page.get_by_role("button", name=re.compile(r"Channels, \d+ unread"))).to_be_visible()
    hands.go_to("Countersign")
    expect(hands.button("Show me how to connect", hands.message(books.entitlement))).to_be_visible()
    expect(hands.next_step).to_contain_text("Approved: press “Show me how to connect” in Ann's message")
    hands.fits()


def test_an_approver_says_why_not(hands: Hands, books: Books) -> None:
    books.asked()
    hands.act_as("Lea")
    card = hands.message(books.ticket)
    hands.press(hands.button("Deny", card))
    why = hands.modal("Deny this request")
    hands.press(hands.button("Deny", why))
    expect(why.get_by_role("alert")).to_have_text([REQUIRED])
    hands.fits()
    why.get_by_label("Why not?").fill("Ask the controller, <!channel>")
    hands.press(hands.button("Deny", why))
    expect(why).to_have_count(0)
    expect(card).to_contain_text("Denied by @Lea")
    expect(card.get_by_text("Ask the controller, <!channel>")).to_be_visible()
    hands.act_as("Ann")
    hands.go_to("Countersign")
    expect(hands.message("Denied", books.entitlement)).to_contain_text("Ask the controller, <!channel>")
    hands.fits()


@AT_A_DESK
def test_nobody_decides_for_himself(hands: Hands, books: Books) -> None:
    books.asked()
    card = hands.message(books.ticket)
    hands.press(hands.button("Approve", card))
    expect(hands.whispers).to_contain_text([OWN])
    hands.press(hands.button("Deny", card))
    expect(hands.whispers).to_contain_text([OWN, OWN])
    expect(hands.button("Approve", card)).to_be_visible()
    hands.fits()


@AT_A_DESK
def test_who_asked_takes_it_back_with_a_line(hands: Hands, books: Books) -> None:
    hands.write(f"/access {books.line}")
    hands.write(hands.whispers.locator("code", has_text="/access cancel").inner_text())
    expect(hands.whispers.last).to_contain_text("taken back")
    expect(hands.button("Approve", hands.message(books.ticket))).to_have_count(0)
    hands.fits()


@AT_A_DESK
def test_who_asked_takes_it_back_at_home(hands: Hands, books: Books) -> None:
    books.asked()
    hands.go_to("Home")
    hands.fits()
    hands.press(hands.at_home("Take it back", books.entitlement))
    expect(hands.home).not_to_contain_text(books.entitlement)
    hands.go_to("payments-approvals")
    expect(hands.button("Approve", hands.message(books.ticket))).to_have_count(0)


def test_the_holder_is_shown_a_password_that_lets_in(hands: Hands, books: Books) -> None:
    books.opened()
    hands.go_to("Countersign")
    hands.press(hands.button("Show me how to connect", hands.message(books.entitlement)))
    shown = hands.modal("How to connect")
    expect(shown).to_contain_text("Password")
    expect(hands.window.locator("#steps li.done").nth(2)).to_contain_text("Switch back to Ann")
    hands.fits()
    host, port, database, user, password, _ = shown.locator("pre").all_inner_texts()
    with psycopg.connect(host=host, port=port, dbname=database, user=user, password=password) as session:
        assert session.execute("SELECT name FROM customers").fetchone()
    hands.press(hands.button("Close", shown))
    expect(shown).to_have_count(0)
    expect(hands.page.get_by_text(password)).to_have_count(0)


@AT_A_DESK
def test_the_holder_is_done(hands: Hands, books: Books) -> None:
    login = books.opened()
    hands.go_to("Countersign")
    hands.press(hands.button("I'm done", hands.message(books.entitlement)))
    expect(hands.whispers).to_contain_text(["Thank you."])
    expect(hands.message(books.entitlement)).to_contain_text("Verified")
    expect(hands.button("I'm done", hands.message(books.entitlement))).to_have_count(0)
    assert login not in books.logins()
    hands.fits()


@AT_A_DESK
def test_the_holder_is_done_at_home(hands: Hands, books: Books) -> None:
    login = books.opened()
    hands.go_to("Home")
    hands.press(hands.at_home("I'm done", books.entitlement))
    expect(hands.home).not_to_contain_text(books.entitlement)
    assert login not in books.logins()
    hands.fits()


@AT_A_DESK
def test_security_alone_revokes_and_says_why(hands: Hands, books: Books) -> None:
    login = books.opened()
    hands.act_as("Lea")
    card = hands.message(books.ticket)
    hands.press(hands.button("Revoke", card))
    expect(hands.whispers).to_contain_text(["security"])

    hands.act_as("Sam")
    hands.press(hands.button("Revoke", card))
    why = hands.modal("Revoke this access")
    hands.press(hands.button("Revoke", why))
    expect(why.get_by_role("alert")).to_have_text([REQUIRED])
    hands.fits()
    why.get_by_label("Why?").fill("The laptop is lost")
    hands.press(hands.button("Revoke", why))
    expect(why).to_have_count(0)
    expect(card).to_contain_text("Verified")
    assert login not in books.logins()
    hands.act_as("Ann")
    hands.go_to("Countersign")
    expect(hands.message("The laptop is lost", books.entitlement)).to_be_visible()
    hands.fits()


def test_the_home_leads_an_approver_to_the_card(hands: Hands, books: Books) -> None:
    books.asked()
    hands.act_as("Lea")
    hands.go_to("Home")
    expect(hands.home).to_contain_text(books.reason)
    hands.fits()
    with hands.page.expect_popup() as opened:
        hands.press(hands.home.locator(".section", has_text=books.entitlement).get_by_role("link"))
    expect(opened.value.locator(".pointed-at")).to_contain_text(books.ticket)


@AT_A_DESK
def test_the_home_opens_the_form(hands: Hands) -> None:
    hands.go_to("Home")
    hands.press(hands.button("Ask for access"))
    expect(hands.modal("Ask for access")).to_be_visible()
    hands.page.keyboard.press("Escape")
    expect(hands.modal("Ask for access")).to_have_count(0)


def test_the_digest_leads_to_what_failed_and_revokes_what_is_refused_now(hands: Hands, books: Books) -> None:
    login = books.opened()
    books.failed()
    hands.act_as("Sam")
    hands.go_to("security")
    with books.refused_by_the_policy():
        digest_now(books.stage.settings)
        digest = hands.message("Needs a person", books.entitlement)
        expect(digest).to_be_visible()
        hands.fits()
        with hands.page.expect_popup() as opened:
            hands.press(hands.button("Open", digest).last)
        expect(opened.value.locator(".pointed-at")).to_contain_text(LOST)
        opened.value.close()
        hands.press(hands.button("Revoke", digest.locator(".section", has_text=books.entitlement)))
        why = hands.modal("Revoke this access")
        why.get_by_label("Why?").fill("The policy has changed")
        hands.press(hands.button("Revoke", why))
        expect(why).to_have_count(0)
    hands.go_to("payments-approvals")
    expect(hands.message(books.ticket, books.entitlement)).to_contain_text("Verified")
    assert login not in books.logins()


@AT_A_DESK
def test_a_press_that_gets_lost_is_said_and_pressed_again(hands: Hands, books: Books) -> None:
    books.asked()
    hands.act_as("Lea")
    hands.press(hands.page.get_by_role("button", name="Inspector", exact=True))
    hands.fits()
    hands.press(hands.page.get_by_role("tab", name="Make it go wrong"))
    panel = hands.page.get_by_role("complementary", name="Inspector")
    hands.press(hands.button("Lose it", panel))
    expect(panel.get_by_role("status")).to_contain_text("lose a payload, once")
    hands.fits()
    hands.page.keyboard.press("Escape")
    card = hands.message(books.ticket)
    hands.press(hands.button("Approve", card))
    expect(card.get_by_role("alert")).to_have_text("We had some trouble connecting. Try again?")
    hands.fits()
    hands.press(hands.button("Approve", card))
    expect(card).to_contain_text("Approved by @Lea")
    expect(card.get_by_role("alert")).to_have_count(0)
