"""Golden files: what a view looked like when somebody last read it. `UPDATE_SNAPSHOTS=1` writes them anew."""

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "snapshots"


def check(name: str, value: Any) -> None:
    """Compares with the golden file of this name."""
    file = FOLDER / f"{name}.json"
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        assert os.environ.get("CI") != "true", "UPDATE_SNAPSHOTS writes what is to be compared: not with CI=true"
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{file.name} is missing: look at the view, then run with UPDATE_SNAPSHOTS=1"
    assert text == file.read_text(encoding="utf-8"), f"{name} changed: look at it, then run with UPDATE_SNAPSHOTS=1"
