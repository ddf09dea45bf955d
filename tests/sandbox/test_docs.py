"""The page about the sandbox says what the sandbox goes by, no more and no less."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.api import METHODS
from sandbox.behaviours import BEHAVIOURS
from sandbox.cast import DEFAULT
from sandbox.facts import FACTS
from sandbox.knowledge import written
from sandbox.server import Running, running

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@pytest.fixture(scope="module")
def scopeless() -> Iterator[Running]:
    with running(replace(DEFAULT, app=replace(DEFAULT.app, scopes=()))) as sandbox:
        yield sandbox


def test_the_generated_part_is_fresh() -> None:
    assert written(PAGE) == PAGE, "run: python -m sandbox.knowledge docs/sandbox.md"


BOT_METHODS = [name for name, method in METHODS.items() if not method.for_app_token and not method.public]


@pytest.mark.parametrize("name", BOT_METHODS)
def test_the_scope_of_a_method_is_the_one_it_demands(scopeless: Running, name: str) -> None:
    channel = {"channel": "C0PAYAPPR"} if name in ("conversations.info", "conversations.members") else {}
    client: Any = WebClient(token=scopeless.bot_token, base_url=scopeless.api_url)
    try:
        answer = client.api_call(name, json=channel).data
    except SlackApiError as error:
        answer = error.response.data
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    said = row.split("|")[2]
    assert f"`{answer['needed']}`" in said if answer.get("error") == "missing_scope" else said == " — "


def test_every_fact_has_a_source() -> None:
    assert all(fact.source for fact in FACTS)
    assert all(each.source != "—" for each in BEHAVIOURS if each.confidence in ("documented", "reported"))


def test_no_fact_and_no_behaviour_is_told_twice() -> None:
    assert len({fact.id for fact in FACTS}) == len(FACTS)
    assert len({each.what for each in BEHAVIOURS}) == len(BEHAVIOURS)
