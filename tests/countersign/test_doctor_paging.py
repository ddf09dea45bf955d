"""The doctor says whether somebody is paged, and whether the address took the last page."""

from typing import Any

import pytest

from access.ids import MessageId
from access.models import Message, MessageKind
from access.store import Database
from tests.countersign.clinic import Clinic, the, unwell

URL = "https://duty.example/hooks/canary-page"


@pytest.fixture
def paging(clinic: Clinic, database_url: str) -> Clinic:
    clinic.environment |= {"DATABASE_URL": database_url, "COUNTERSIGN_PAGE_URL": URL}
    return clinic


def page(database: Database, number: int, **values: Any) -> None:
    row: dict[str, Any] = {
        "id": MessageId(f"n{number}"), "kind": MessageKind.PAGE, "subject": f"a{number}", "recipient": "webhook",
        "created_at": database.time(),
    }  # fmt: skip
    with database.write() as session:
        session.add(Message(**(row | values)))


def test_no_address_is_a_choice(clinic: Clinic) -> None:
    (said,) = clinic.look("Pages")

    assert (said.level, said.sentence) == ("ok", "COUNTERSIGN_PAGE_URL is not set: alerts are told in Slack alone.")


def test_an_address_that_took_the_last_page_is_well(paging: Clinic, database: Database) -> None:
    assert "no alert to page for yet" in the(paging.look("Pages"), "webhook").sentence

    page(database, 1, problem="The address for pages answered with 500.", due_at=database.time())
    page(database, 2, delivered_at=database.time())
    findings = paging.look("Pages")

    assert unwell(findings) == []
    assert "it took the last page 20" in the(findings, "webhook").sentence


def test_an_address_that_does_not_answer_is_found(paging: Clinic, database: Database) -> None:
    page(database, 1, delivered_at=database.time())
    page(database, 2, problem="The address for pages does not answer in time.", due_at=database.time())
    findings = paging.look("Pages")

    assert unwell(findings) == [("warning", "webhook")]
    assert the(findings, "webhook").sentence.endswith("tried again: The address for pages does not answer in time.")
    assert "canary" not in str(findings)


def test_a_database_that_is_not_there_leaves_it_open(clinic: Clinic) -> None:
    clinic.environment["COUNTERSIGN_PAGE_URL"] = URL

    assert unwell(clinic.look("Pages")) == [("error", "webhook")]
