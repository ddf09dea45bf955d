"""What the table of behaviours says and no other test shows; and that every row of it names a test that there is."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.behaviours import BEHAVIOURS
from sandbox.person import Person
from sandbox.server import Running
from tests.sandbox.bot import Keeper, button, modal, scripted, text_field
from tests.waiting import wait_until

PLACE = "C0PAYAPPR"
TESTS = {
    name
    for file in Path(__file__).parent.glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.fixture
def app(sandbox: Running) -> Iterator[Keeper]:
    with scripted(sandbox, keeper := Keeper()):
        yield keeper


def opened(ann: Person, app: Keeper, client: WebClient, **changes: Any) -> None:
    ann.command(PLACE, "/access")
    client.views_open(trigger_id=app.payloads[-1]["trigger_id"], view=modal(**changes))


def test_every_behaviour_names_tests_that_there_are() -> None:
    for each in BEHAVIOURS:
        named = set(each.tests.split())
        assert named, f"nothing tests: {each.what}"
        assert named <= TESTS, f"no such test: {named - TESTS}"


def test_who_left_cannot_be_written_to(client: WebClient) -> None:
    with pytest.raises(SlackApiError, match="channel_not_found"):
        client.chat_postMessage(channel="U0DEE", text="hello")


def test_a_modal_opened_from_inside_a_modal_takes_its_place(ann: Person, app: Keeper, client: WebClient) -> None:
    more = {"type": "actions", "elements": [button("more", "More", "x")]}
    opened(ann, app, client, blocks=[more])
    first = ann.view()
    assert first
    ann.click(first, "more")
    title = {"type": "plain_text", "text": "Another"}
    client.views_open(trigger_id=app.payloads[-1]["trigger_id"], view=modal(title=title))
    assert [view.title for view in ann.views()] == ["Another"]


def test_a_field_of_a_form_tells_the_app_only_when_it_is_to(ann: Person, app: Keeper, client: WebClient) -> None:
    telling = text_field("loud", "Loud") | {"dispatch_action": True}
    opened(ann, app, client, blocks=[text_field("quiet", "Quiet"), telling])
    form = ann.view()
    assert form
    ann.choose(form, "text", "x", block_id="quiet")
    ann.choose(form, "text", "y", block_id="loud")
    told = [each["actions"][0] for each in app.payloads if each.get("type") == "block_actions"]
    assert [(each["block_id"], each["value"]) for each in told] == [("loud", "y")]


def test_a_form_brings_response_urls_for_the_conversations_chosen_in_it(
    ann: Person, app: Keeper, client: WebClient
) -> None:
    def field(block_id: str, **more: Any) -> dict[str, Any]:
        element = {"type": "conversations_select", "action_id": "pick"} | more
        return text_field(block_id, "Where") | {"element": element}

    opened(ann, app, client, blocks=[field("there", response_url_enabled=True), field("elsewhere")])
    ann.submit({"there": PLACE, "elsewhere": "C0GENERAL"})
    [given] = app.payloads[-1]["response_urls"]
    assert given.pop("response_url").startswith("http")
    assert given == {"block_id": "there", "action_id": "pick", "channel_id": PLACE}


def test_an_acknowledgement_counts_over_another_connection(sandbox: Running, client: WebClient, ann: Person) -> None:
    async def talk() -> Any:
        async with aiohttp.ClientSession() as session:
            links = [client.apps_connections_open(app_token=sandbox.app_token)["url"] or "" for _ in range(2)]
            first, second = [await session.ws_connect(link) for link in links]
            assert [(await each.receive_json())["type"] for each in (first, second)] == ["hello", "hello"]
            asked = asyncio.create_task(asyncio.to_thread(ann.command, PLACE, "/access"))
            receiving = {asyncio.create_task(each.receive_json()): each for each in (first, second)}
            [arrived], waiting = await asyncio.wait(receiving, return_when=asyncio.FIRST_COMPLETED)
            other = second if receiving[arrived] is first else first
            await other.send_json({"envelope_id": arrived.result()["envelope_id"]})
            outcome = await asked
            for each in waiting:
                each.cancel()
            return outcome

    assert asyncio.run(talk()).ok


def test_an_element_inside_a_card_reports_the_block_around_it(ann: Person, app: Keeper, client: WebClient) -> None:
    def holding(action: str) -> dict[str, Any]:
        return {"type": "card", "actions": [button(action, "Press", "x")]}

    inside = {"type": "actions", "block_id": "inner", "elements": [button("contained", "Press", "x")]}
    blocks = [
        holding("carded") | {"block_id": "card"},
        {"type": "carousel", "block_id": "carousel", "elements": [holding("turning")]},
        {"type": "container", "block_id": "container", "child_blocks": [inside]},
    ]
    client.chat_postMessage(channel=PLACE, text="x", blocks=blocks)
    for action in ("carded", "turning", "contained"):
        ann.click(ann.messages(PLACE)[0], action)
    wait_until(lambda: len(app.payloads) == 3, "all three presses")
    assert [each["actions"][0]["block_id"] for each in app.payloads] == ["card", "carousel", "container"]
