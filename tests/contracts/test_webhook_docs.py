"""docs/providers/webhook.md is true: its set-up is pasted here, its policy is loaded, its one-liner signs."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import access
from access.ports import Deadline
from tests.contracts.imposters import resolving
from tests.contracts.webhook_receiver import make_spec, soon
from tests.ports import free_port
from tests.waiting import wait_until
from workers.providers.exchange.schema import Question, Verb
from workers.providers.webhook import Role, Settings, Webhook

ROOT = Path(access.__file__).parent.parent
PAGE = (ROOT / "docs" / "providers" / "webhook.md").read_text(encoding="utf-8")
HOST = "access.internal.example"


def block(language: str, within: str) -> str:
    """The one block in that language with these words in it."""
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if within in text]
    return found


def test_the_set_up_can_be_pasted_and_its_endpoint_has_no_fault(tmp_path: Path) -> None:
    port = free_port()
    script = block("bash", "receiver.py").replace("/etc/countersign-webhook", str(tmp_path / "webhook"))
    script = script.replace("~/countersign", str(ROOT)).replace("0.0.0.0:8443", f"127.0.0.1:{port}")
    script = script.replace("python3 ", f"exec {shlex.quote(sys.executable)} ")
    said = yaml.safe_load(block("yaml", "sales-reports"))["resources"][0]
    log = tmp_path / "log"
    with log.open("wb") as output:
        pasted = subprocess.Popen(["bash", "-euc", script], stdout=output, stderr=output)
    try:
        wait_until(lambda: "listening on" in log.read_text(), "the endpoint of the set-up")
        made = {"file": str(tmp_path / "webhook" / "keys")}
        here = {"url": said["settings"]["url"].replace("8443", str(port)), "key": made, "networks": ["127.0.0.0/8"]}
        settings = said["settings"] | here | {"ca": str(tmp_path / "webhook" / "ca.pem")}
        provider = Webhook(Settings.model_validate(settings))
        roles = {name: Role(grants=role["grants"]) for name, role in said["roles"].items()}
        with resolving({HOST: ["127.0.0.1"]}):
            assert [finding.level for finding in provider.check(roles, Deadline.after(20))] == ["ok"]
            assert provider.grant(make_spec(), soon()).state == "active"
    finally:
        pasted.terminate()
        pasted.wait(20)


def test_the_policy_of_the_page_is_one(tmp_path: Path) -> None:
    said = yaml.safe_load(block("yaml", "sales-reports"))["resources"][0]

    assert Settings.model_validate(said["settings"]).can == said["settings"]["can"]


def test_the_one_liner_signs_as_the_worker_does(tmp_path: Path) -> None:
    from pydantic import SecretStr

    from access.clock import host_now
    from workers.providers.webhook.signing import SIGNATURE, TIMESTAMP, read_key, sign_call

    written, body = "2026-11:" + "0123456789abcdef" * 4, '{"verb":"list","note":"a \'quote\' and 100%"}'
    call = sign_call(read_key(SecretStr(written)), body.encode(), host_now())
    said = dict(call.headers)
    words = {"at": said[TIMESTAMP], "id": call.id, "body": body, "K": written}
    line = block("bash", "countersign-call-v1")
    signed = subprocess.run(
        ["bash", "-euc", line], env=os.environ | words, capture_output=True, text=True, check=True, timeout=60
    )  # fmt: skip

    assert signed.stdout.strip() == said[SIGNATURE]


def test_the_call_of_the_page_is_one() -> None:
    said = json.loads(block("json", '"verb": "grant"'))

    assert Question.model_validate(said).grant is not None


@pytest.mark.parametrize("verb", Verb.__args__)
def test_every_verb_has_its_answer_on_the_page(verb: str) -> None:
    answers = PAGE.partition("## An answer")[2].partition("## What an endpoint has to keep")[0]

    assert f"`{verb}`" in answers
