"""The link that makes the Slack app: what it holds, and which address of the bot it takes."""

import json
import os
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from countersign.manifest import manifest_file, manifest_link


def test_the_link_holds_the_whole_manifest() -> None:
    link = urlsplit(manifest_link())

    assert (link.scheme, link.netloc, link.path) == ("https", "api.slack.com", "/apps")
    fields = parse_qs(link.query)
    assert fields["new_app"] == ["1"]
    assert json.loads(fields["manifest_json"][0]) == yaml.safe_load(manifest_file().read_text(encoding="utf-8"))


@pytest.mark.parametrize("address", ["https://bot.example.org", "https://bot.example.org:8443/countersign/"])
def test_the_link_for_http_mode_has_the_hosts_name_wherever_slack_calls(address: str) -> None:
    (text,) = parse_qs(urlsplit(manifest_link(address)).query)["manifest_json"]

    assert text.count(f'"{address.rstrip("/")}/slack/events"') == 4
    assert "example.com" not in text
    assert json.loads(text)["settings"]["socket_mode_enabled"] is False


@pytest.mark.parametrize(
    "address",
    ["bot.example.org", "http://bot.example.org", "https://", "https://localhost", "https://bot.example.org/slack/events",
     "https://user@bot.example.org", "https://bot.example.org/?a=b", "https://bot.example.org/a b", "https://-.example.org"],
)  # fmt: skip
def test_an_address_that_slack_cannot_call_is_refused_with_what_it_looks_like(address: str) -> None:
    command = [sys.executable, "-m", "countersign", "manifest-link", "--http", address]

    refused = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "200"})

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "--http" in refused.stderr
    assert "https://bot.example.com/countersign" in refused.stderr or "leave /slack/events out" in refused.stderr
