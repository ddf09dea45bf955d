"""Two stages through the whole product: a lead, then security; the login is there only when both have approved."""

import pytest

from access.models import GrantStatus, RequestStatus
from tests.stories.house import CHANNEL, House
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
ONE = "approve: {channel: C0PAYAPPR, stages: [{any_of: [payments-leads], quorum: 1}]}"
TWO = "approve: {channel: C0PAYAPPR, stages: [{any_of: [payments-leads]}, {any_of: [security]}]}"


def test_security_is_called_when_a_lead_has_approved_and_opens_the_access(house: House) -> None:
    _two_stages(house)
    house.start()
    card = house.ask("20s")
    ann, sam = house.person("U0ANN"), house.person("U0SAM")

    sam.click(card, "request.approve")
    wait_until(
        lambda: any("not your turn yet" in one.words for one in sam.ephemerals(CHANNEL)), "Sam to be told to wait"
    )
    house.approve(card, by="U0LEA")
    wait_until(
        lambda: any("*Next stage.* <@U0SAM>" in one.words for one in sam.messages(CHANNEL)),
        "Sam to be called in the thread of the card",
    )
    wait_until(lambda: "lea approved" in house.cards()[0].words, "the card to say who has approved")
    assert (house.grants(), house.logins()) == ([], [])
    wait_until(lambda: any("waiting for" in one.words for one in ann.direct_messages()), "Ann to be told who is asked")

    house.approve(house.cards()[0], by="U0SAM")
    with house.connect(house.secret()) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
        wait_until(lambda: house.grants()[0].status == GrantStatus.ENDED, "the access to end", within=90)
    (request,) = house.requests("U0ANN")
    assert request.status == RequestStatus.APPROVED
    assert [(one.reviewer, one.stage, one.groups) for one in house.reviews(request)] == [
        ("lea", 1, ["payments-leads"]), ("sam", 2, ["security"]),
    ]  # fmt: skip
    assert house.logins() == []
    assert house.verified().flaw is None


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_lead_who_has_approved_may_think_better_of_it_before_security_answers(house: House) -> None:
    _two_stages(house)
    house.start()
    card = house.ask("20s")
    house.approve(card, by="U0LEA")
    wait_until(lambda: "lea approved" in house.cards()[0].words, "the card to say who has approved")

    lea = house.person("U0LEA")
    assert lea.click(house.cards()[0], "request.deny").ok
    wait_until(lea.view, "the modal that asks why not")
    assert lea.submit({"comment": "It is the wrong database."}) is None

    wait_until(lambda: house.cards()[0].words.startswith("Denied"), "the card to be denied")
    assert "wrong database" in house.cards()[0].words
    assert house.grants() == []


def _two_stages(house: House) -> None:
    policy = house.directory / "access.yml"
    text = policy.read_text(encoding="utf-8")
    assert ONE in text
    policy.write_text(text.replace(ONE, TWO), encoding="utf-8")
