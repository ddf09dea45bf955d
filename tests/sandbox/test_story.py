"""One request from the slash command to the decided card, with the real Bolt on the other side."""

from typing import Any

from slack_bolt.app.async_app import AsyncApp

from sandbox.server import Running
from tests.sandbox.bot import card, connected, modal
from tests.waiting import wait_until


def _listen(app: AsyncApp) -> None:
    @app.command("/access")
    async def ask(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(private_metadata=body["channel_id"]))

    @app.view("ask")
    async def asked(ack: Any, view: dict[str, Any], client: Any) -> None:
        reason = view["state"]["values"]["reason"]["text"]["value"]
        if len(reason) < 10:
            await ack(response_action="errors", errors={"reason": "Say a little more."})
            return
        await ack()
        await client.chat_postMessage(channel=view["private_metadata"], text="Ann asks", blocks=card(reason))

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        where, who = body["container"], body["user"]["id"]
        await client.chat_update(channel=where["channel_id"], ts=where["message_ts"], text=f"approved by {who}")


def test_a_request_goes_from_the_command_to_the_decided_card(sandbox: Running) -> None:
    workspace = sandbox.workspace()
    ann, lea = workspace.person("U0ANN"), workspace.person("U0LEA")
    with connected(sandbox, _listen):
        assert ann.command("C0PAYAPPR", "/access").ok
        form = wait_until(ann.view, "the form to open")
        assert form
        assert form.title == "Ask for access"
        assert ann.submit({"reason": "because"}) == {"reason": "Say a little more."}
        assert ann.view() is not None
        assert ann.submit({"reason": "invoice 4711 is wrong"}) is None
        assert ann.view() is None

        asked = wait_until(lambda: lea.messages("C0PAYAPPR"), "the card")[0]
        assert "invoice 4711 is wrong" in asked.words
        assert lea.click(asked, "approve").ok
        wait_until(lambda: lea.messages("C0PAYAPPR")[0].text == "approved by U0LEA", "the card to change")
    decided = ann.messages("C0PAYAPPR")[0]
    assert decided.blocks == []
    assert decided.edited
    assert workspace.violations() == []
