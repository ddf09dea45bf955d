"""The Slack app's manifest, beside the code in a checkout and inside the package when installed, and its link."""

import json
from pathlib import Path
from urllib.parse import quote

import yaml

_NEW_APP = "https://api.slack.com/apps?new_app=1&manifest_json="


def manifest_file() -> Path:
    """The path of `manifest.yml`."""
    here = Path(__file__).parent
    installed = here / "manifest.yml"
    return installed if installed.exists() else here.parent / "manifest.yml"


def manifest_link() -> str:
    """Opens Slack's page for a new app with everything filled in."""
    manifest = yaml.safe_load(manifest_file().read_text(encoding="utf-8"))
    return _NEW_APP + quote(json.dumps(manifest, separators=(",", ":")), safe="")
