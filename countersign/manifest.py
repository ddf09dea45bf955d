"""The Slack app's manifests, beside the code in a checkout and inside the package when installed, and their links."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import yaml

_NEW_APP = "https://api.slack.com/apps?new_app=1&manifest_json="
_EXAMPLE = "https://bot.example.com"
"""What stands in `manifest.http.yml` for the bot's own address."""
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"https://(?:{_LABEL}\.)+{_LABEL}(?::[0-9]{{1,5}})?(?P<prefix>(?:/[A-Za-z0-9._~-]+)*)/?")
_EVENTS = "/slack/events"


def manifest_file(name: str = "manifest.yml") -> Path:
    """The path of `manifest.yml`, or of `manifest.http.yml`."""
    here = Path(__file__).parent
    installed = here / name
    return installed if installed.exists() else here.parent / name


def manifest_link(address: str = "") -> str:
    """Opens Slack's page for a new app with everything filled in; with an `address` for HTTP mode.

    Raises ValueError with the reason when Slack cannot call the address.
    """
    manifest = yaml.safe_load(_http_manifest(bot_address(address)) if address else _text("manifest.yml"))
    return _NEW_APP + quote(json.dumps(manifest, separators=(",", ":")), safe="")


def bot_address(text: str) -> str:
    """`https://host` or `https://host/prefix`, without a slash at its end. Raises ValueError with the reason."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(
            f"Slack calls the bot at an address like {_EXAMPLE} or {_EXAMPLE}/countersign, not at “{text}”"
        )
    if found["prefix"].endswith(_EVENTS):
        raise ValueError(f"leave {_EVENTS} out of the address; the manifest adds it")
    return text.rstrip("/")


def prefix_of(address: str) -> str:
    """What stands in a bot's address before our own paths: nothing, or `/countersign`."""
    found = _ADDRESS.fullmatch(address)
    return found["prefix"] if found else ""


def _http_manifest(address: str) -> str:
    return _text("manifest.http.yml").replace(f"{_EXAMPLE}{_EVENTS}", f"{address}{_EVENTS}")


def _text(name: str) -> str:
    return manifest_file(name).read_text(encoding="utf-8")
