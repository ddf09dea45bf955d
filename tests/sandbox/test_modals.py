"""Modals live by Slack's rules: triggers, the stack, hashes, and what an answer to a submission does."""

from typing import Any

import pytest
from slack_sdk import WebClient

from sandbox.person import Trouble
from sandbox.server import Running
from tests.sandbox.bot import SILENT, button, modal, scripted, text_field
from tests.sandbox.conftest import Clock
from tests.sandbox.test_web_api import error_of
from tests.waiting import wait_until


class App:
    """Keeps what it is sent; opens a modal at each command; answers submissions with `answer`."""

    def __init__(self, client: WebClient, view: dict[str, Any] | None = None) -> None:
        self.client = client
        self.view = view or modal()
        self.answer: Any = None
        self.received: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, payload: dict[str, Any]) -> Any:
        self.received.append((kind, payload))
        if kind == "slash_commands":
            self.client.views_open(trigger_id=payload["trigger_id"], view=self.view)
        return self.answer if kind == "view_submission" else None

    def last(self, kind: str) -> dict[str, Any]:
        return [payload for found, payload in self.received if found == kind][-1]


def trigger(sandbox: Running) -> str:
    """A trigger id that nobody has used yet."""
    taken: list[str] = []

    def keep(_: str, payload: dict[str, Any]) -> None:
        taken.append(payload["trigger_id"])

    with scripted(sandbox, keep):
        sandbox.workspace().person("U0ANN").command("C0PAYAPPR", "/access")
    return taken[0]


def test_a_trigger_opens_one_modal_only(sandbox: Running, client: Any) -> None:
    trigger_id = trigger(sandbox)
    client.views_open(trigger_id=trigger_id, view=modal())
    assert error_of(client.views_open, trigger_id=trigger_id, view=modal()) == "exchanged_trigger_id"


def test_a_trigger_is_good_for_three_seconds(sandbox: Running, client: Any, clock: Clock) -> None:
    in_time, late = trigger(sandbox), trigger(sandbox)
    clock.now += 3.0
    client.views_open(trigger_id=in_time, view=modal())
    clock.now += 0.001
    assert error_of(client.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"


def test_a_trigger_that_was_never_given_is_invalid(client: Any) -> None:
    assert error_of(client.views_open, trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"


def test_a_refused_view_leaves_the_trigger_unused(sandbox: Running, client: Any) -> None:
    trigger_id = trigger(sandbox)
    assert error_of(client.views_open, trigger_id=trigger_id, view=modal(blocks=[])) == "invalid_arguments"
    assert client.views_open(trigger_id=trigger_id, view=modal())["ok"]


def test_three_modals_lie_on_top_of_one_another_and_no_more(sandbox: Running, client: Any) -> None:
    app = App(client, modal(blocks=[{"type": "actions", "elements": [button("more", "More", "x")]}]))
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, app):
        ann.command("C0PAYAPPR", "/access")
        for depth in (2, 3):
            ann.click(_top(ann), "more")
            client.views_push(trigger_id=app.last("block_actions")["trigger_id"], view=app.view)
            assert len(ann.views()) == depth
        ann.click(_top(ann), "more")
        trigger_id = app.last("block_actions")["trigger_id"]
    assert error_of(client.views_push, trigger_id=trigger_id, view=app.view) == "push_limit_reached"
    root, second, third = (view.raw for view in ann.views())
    assert (root["previous_view_id"], second["previous_view_id"]) == (None, root["id"])
    assert third["root_view_id"] == root["id"]


def test_a_push_needs_a_trigger_from_inside_a_modal(sandbox: Running, client: Any) -> None:
    assert error_of(client.views_push, trigger_id=trigger(sandbox), view=modal()) == "not_found"


def test_an_update_finds_the_view_while_it_is_open(sandbox: Running, client: Any) -> None:
    ann = sandbox.workspace().person("U0ANN")
    view = client.views_open(trigger_id=trigger(sandbox), view=modal(external_id="mine"))["view"]
    renamed = modal(title={"type": "plain_text", "text": "Renamed"})
    client.views_update(view_id=view["id"], view=modal(external_id="mine"))
    client.views_update(external_id="mine", view=renamed)
    assert _top(ann).title == "Renamed"
    ann.close_view()
    assert error_of(client.views_update, view_id=view["id"], view=renamed) == "not_found"


def test_a_stale_hash_is_a_conflict(sandbox: Running, client: Any) -> None:
    view = client.views_open(trigger_id=trigger(sandbox), view=modal())["view"]
    changed = client.views_update(view_id=view["id"], view=modal(), hash=view["hash"])["view"]
    call = {"view_id": view["id"], "view": modal()}
    assert error_of(client.views_update, **call, hash=view["hash"]) == "hash_conflict"
    assert client.views_update(**call, hash=changed["hash"])["ok"]


def test_an_external_id_is_used_once_at_a_time(sandbox: Running, client: Any) -> None:
    client.views_open(trigger_id=trigger(sandbox), view=modal(external_id="mine"))
    call = {"trigger_id": trigger(sandbox), "view": modal(external_id="mine")}
    assert error_of(client.views_open, **call) == "duplicate_external_id"


def test_a_view_of_more_than_250_kilobytes_is_too_large(sandbox: Running, client: Any) -> None:
    texts = [{"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}] * 84
    call = {"trigger_id": trigger(sandbox), "view": modal(blocks=texts)}
    assert error_of(client.views_open, **call) == "view_too_large"


def test_what_was_typed_stays_where_the_ids_stay(sandbox: Running, client: Any) -> None:
    app = App(client, modal(blocks=[text_field("reason", "Reason"), text_field("note", "Note") | {"optional": True}]))
    app.answer = {"response_action": "errors", "errors": {"reason": "no"}}
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, app):
        ann.command("C0PAYAPPR", "/access")
        ann.submit({"reason": "typed", "note": "typed too"})
    view = _top(ann)
    client.views_update(view_id=view.id, view=modal(blocks=[text_field("reason", "Why"), text_field("other", "Other")]))
    assert _top(ann).state == {
        "reason": {"text": {"type": "plain_text_input", "value": "typed"}},
        "other": {"text": {"type": "plain_text_input", "value": None}},
    }


def test_an_empty_answer_closes_the_view_it_answers(sandbox: Running, client: Any) -> None:
    assert _stack_after(sandbox, client, None, depth=2) == ["Ask for access"]


def test_clear_closes_them_all(sandbox: Running, client: Any) -> None:
    assert _stack_after(sandbox, client, {"response_action": "clear"}, depth=2) == []


def test_update_and_push_show_the_view_they_carry(sandbox: Running, client: Any) -> None:
    view = modal(title={"type": "plain_text", "text": "Next"})
    assert _stack_after(sandbox, client, {"response_action": "update", "view": view}, depth=1) == ["Next"]
    pushed = {"response_action": "push", "view": view}
    assert _stack_after(sandbox, client, pushed, depth=1) == ["Ask for access", "Next"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"text": "ok"},
        {"response_action": "errors"},
        {"response_action": "errors", "errors": {}},
        {"response_action": "errors", "errors": {"text": "named by action id"}},
        {"response_action": "errors", "errors": {"words": "not an input block"}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "close"},
    ],
)
def test_an_answer_slack_cannot_use_is_trouble_and_a_violation(sandbox: Running, client: Any, answer: Any) -> None:
    workspace = sandbox.workspace()
    words = {"type": "section", "block_id": "words", "text": {"type": "plain_text", "text": "x"}}
    app = App(client, modal(blocks=[words, text_field("reason", "Reason")]))
    app.answer = answer
    ann = workspace.person("U0ANN")
    with scripted(sandbox, app):
        ann.command("C0PAYAPPR", "/access")
        with pytest.raises(Trouble, match=r"We had some trouble connecting. Try again?"):
            ann.submit({"reason": "x"})
    assert _top(ann).title == "Ask for access"
    assert [each["where"] for each in workspace.violations()] == ["view_submission"]


def test_a_submission_nobody_acknowledges_times_out(hasty: Running) -> None:
    app = App(WebClient(token=hasty.bot_token, base_url=hasty.api_url))
    app.answer = SILENT
    ann = hasty.workspace().person("U0ANN")
    with scripted(hasty, app):
        ann.command("C0PAYAPPR", "/access")
        wait_until(ann.view, "the form")
        with pytest.raises(Trouble) as caught:
            ann.submit({"reason": "x"})
    assert caught.value.name == "operation_timeout"
    assert ann.view() is not None


def test_a_closed_view_is_told_to_the_app_that_asked_for_it(sandbox: Running, client: Any) -> None:
    app = App(client, modal(notify_on_close=True))
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, app):
        ann.command("C0PAYAPPR", "/access")
        ann.close_view()
        told = app.last("view_closed")
        assert (told["is_cleared"], told["view"]["callback_id"]) == (False, "ask")
        ann.command("C0PAYAPPR", "/access")
        ann.close_view(everything=True)
    assert app.last("view_closed")["is_cleared"]
    assert ann.view() is None


def test_a_closed_view_is_told_to_nobody_else(sandbox: Running, client: Any) -> None:
    app = App(client)
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, app):
        ann.command("C0PAYAPPR", "/access")
        ann.close_view()
    assert [kind for kind, _ in app.received] == ["slash_commands"]


def _stack_after(sandbox: Running, client: Any, answer: Any, depth: int) -> list[str]:
    """The titles of Ann's modals after she submitted the top one of `depth` and the app gave this answer."""
    app = App(client)
    app.answer = {"response_action": "push", "view": modal()}
    ann = sandbox.workspace().person("U0ANN")
    with scripted(sandbox, app):
        ann.command("C0PAYAPPR", "/access")
        for _ in range(depth - 1):
            ann.submit({"reason": "x"})
        app.answer = answer
        assert ann.submit({"reason": "x"}) is None
    return [view.title for view in ann.views()]


def _top(person: Any) -> Any:
    view = person.view()
    assert view
    return view
