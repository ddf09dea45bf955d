"""The two checks of the golden payloads: Slack's own types, and Slack's own validator, here the sandbox's."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Running
from tools import check_against_slack
from tools.golden import payloads
from tools.slack_types import check
from tools.slack_types.check import HEADER, LOCK, complaints

GOLDEN = payloads()


def test_every_golden_payload_is_of_slacks_types() -> None:
    assert complaints(GOLDEN) == []


def test_the_compiler_sees_what_is_not_of_slacks_types() -> None:
    text = {"type": "plain_text", "text": "x"}
    wrong: dict[str, dict[str, Any]] = {
        "header_in_mrkdwn": {"text": "x", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]},
        "unknown_block": {"text": "x", "blocks": [{"type": "nonsense"}]},
        "unknown_key": {"text": "x", "blocks": [{"type": "divider", "colour": "red"}]},
        "style": {
            "text": "x",
            "blocks": [{"type": "actions", "elements": [{"type": "button", "text": text, "style": "loud"}]}],
        },
        "no_title": {"type": "modal", "blocks": []},
        "home_with_title": {"type": "home", "blocks": [], "title": text},
    }
    first = HEADER.count("\n") + 1
    judged = "\n".join(complaints(wrong))
    assert [name for line, name in enumerate(wrong, first) if f"golden.ts({line}," not in judged] == []


def test_the_types_are_never_fetched_by_a_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(check, "STAMP", tmp_path / "never-written")
    with pytest.raises(RuntimeError, match=r"run `python -m tools\.slack_types --install`"):
        complaints(GOLDEN)


def test_the_lock_file_names_no_registry() -> None:
    lock = LOCK.read_text()
    assert "resolved" not in lock
    assert "http" not in lock.replace("https://github.com/sponsors", "")


def test_a_validator_that_takes_everything_is_believed(sandbox: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_against_slack.main(["--url", f"{sandbox.api_url}blocks.validate"]) == 0
    assert f"{len(GOLDEN)} payloads, 0 refusals" in capsys.readouterr().out


def test_a_refusal_is_told_with_its_place(sandbox: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = deepcopy(next(each for each in GOLDEN.values() if "type" not in each))
    message["blocks"].append({"type": "header", "text": {"type": "plain_text", "text": ""}})
    (tmp_path / "bad.json").write_text(json.dumps(message))
    (tmp_path / "modal.json").write_text(json.dumps({"type": "modal", "blocks": [{"type": "divider"}]}))
    arguments = ["--url", f"{sandbox.api_url}blocks.validate", "--folder", str(tmp_path)]
    assert check_against_slack.main(arguments) == 1
    said = capsys.readouterr().out
    assert f"bad: must be more than 0 characters at /blocks/{len(message['blocks']) - 1}/text/text" in said
    assert "modal: missing required field: title at /view" in said


def test_a_busy_validator_is_asked_again_when_it_says(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[int] = []
    monkeypatch.setattr(check_against_slack.time, "sleep", waited.append)
    sandbox.workspace().faults.limit_calls(2, only="blocks.validate", retry_after=9)
    assert check_against_slack.main(["--url", f"{sandbox.api_url}blocks.validate"]) == 0
    assert waited == [9, 9]
    sandbox.workspace().faults.limit_calls(None, only="blocks.validate")
    assert check_against_slack.main(["--url", f"{sandbox.api_url}blocks.validate"]) == 2
    assert "429 again and again" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "file:///etc/hosts"])
def test_a_validator_out_of_reach_is_said(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_against_slack.main(["--url", url]) == 2
    assert "cannot be asked" in capsys.readouterr().err
