"""The golden payloads: every message, modal and Home tab the bot can send, as its tests keep them."""

import json
from pathlib import Path
from typing import Any

SNAPSHOTS = Path(__file__).parents[1] / "tests" / "bot" / "snapshots"


def payloads(folder: Path = SNAPSHOTS) -> dict[str, dict[str, Any]]:
    """By name: a view when it has a `type`, else a message with `text` and `blocks`."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    if not found:
        raise SystemExit(f"There are no payloads in {folder}.")
    return found
