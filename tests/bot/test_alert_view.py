"""An alert on the screen: why first, then where and what to type; nothing that grows old, and why it was closed."""

import json
import re

import pytest

from access.errors import Transient
from access.models import AlertKind, GrantStatus
from bot.views.alert import alert_card
from bot.views.blocks import Rendered
from tests.bot.facts import a_grant, an_alert, minutes
from tests.bot.states import MESSAGES
from tests.bot.test_views import walk
from workers.providers.postgres.ending_statements import by_hand
from workers.providers.postgres.typed import typed

OPEN_ALERTS = {name: one for name, one in MESSAGES.items() if name.startswith("alert-") and "closed" not in name}


def lines(message: Rendered) -> list[str]:
    return [node["text"] for node in walk(message.blocks) if isinstance(node.get("text"), str)]


def overdue(**grant: object) -> list[str]:
    return lines(alert_card(an_alert(), a_grant(GrantStatus.REVOKING, **grant)))


def test_what_is_late_begins_with_the_last_problem_and_not_with_the_one_it_opened_with() -> None:
    said = overdue(problem="The password was changed.")

    assert said[1] == "The password was changed. So ann's customers-db/read is past its end and may still be there."


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (GrantStatus.ACTIVE, "No worker has begun to end it."),
        (GrantStatus.REVOKING, "The target has not confirmed yet that it is gone."),
    ],
)
def test_where_nothing_went_wrong_it_begins_with_how_far_the_end_has_come(status: GrantStatus, why: str) -> None:
    said = lines(alert_card(an_alert(), a_grant(status)))

    assert said[1].startswith(f"{why} So ann's")


def test_above_the_statements_stands_where_to_type_them() -> None:
    said = overdue()
    where = said.index("To end it now, on database shop on db.example:5432, as an administrator, run:")

    assert said[where + 1].startswith("ALTER ROLE")


def test_of_access_that_the_version_before_planned_the_resource_is_named() -> None:
    assert "To end it now, on customers-db, as an administrator, run:" in overdue(plan={"revoke": ["REMOVE"]})


def test_no_alert_says_how_old_it_is_for_that_grows_old() -> None:
    assert len(OPEN_ALERTS) > 20
    said = {name: json.dumps(one.blocks) for name, one in OPEN_ALERTS.items()}

    assert [name for name, words in said.items() if "when this was written" in words] == []
    assert [name for name, words in said.items() if re.search(r"Open since [^.]*;", words)] == []


@pytest.mark.parametrize("kind", AlertKind)
def test_each_kind_says_how_it_came_to_be_closed(kind: AlertKind) -> None:
    closed = lines(alert_card(an_alert(kind, closed_at=minutes(150)), None))[1]

    because = closed.partition("after it was opened. ")[2]
    assert re.fullmatch(r"[A-Z][^.]+\.", because), closed
    assert because != "Its cause is gone."


def test_a_closed_alert_says_what_it_had_said() -> None:
    said = lines(alert_card(an_alert(closed_at=minutes(150)), a_grant(GrantStatus.ENDED)))

    assert said[1].endswith("after it was opened. The access is proven gone.")
    assert said[-1].startswith(f"The alert said: {Transient().sentence}")


def test_an_alert_shows_all_that_takes_the_access_away_whatever_is_cut_after_it() -> None:
    """What is left out tidies up; without the statement that locks the login a person would be let in again."""
    login = "cs_01m8pb3yk4ypeaantw5chvpm66"
    statements = [typed(one) for one in by_hand(login, ["support_read", "orders_fix"])]

    said = "\n".join(overdue(plan={"revoke": statements, "where": "database shop on db-1:5432"}))

    assert f'ALTER ROLE "{login}" NOLOGIN' in said
    assert "More statements follow" in said
