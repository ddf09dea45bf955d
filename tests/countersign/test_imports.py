"""What each process imports: what stays for weeks, and many times over, carries no library that it does not use."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from countersign import minding
from countersign.supervisor import Child

ROOT = Path(__file__).parents[2]


def imported(program: str) -> set[str]:
    """The modules that are there after a fresh interpreter has run this."""
    said = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    return set(json.loads(said.stdout.splitlines()[-1]))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


BARE = imported("import json, sys")
"""What a bare interpreter has: an editable install adds to it."""
STAYS_SMALL = {
    "countersign.minding": {
        "access", "access.clock", "access.faults", "countersign", "countersign.embedded", "countersign.embedded.leash",
        "countersign.logs", "countersign.minding", "countersign.ready", "countersign.supervisor",
    },
    "countersign.embedded.valkey": {
        "access", "access.errors", "access.faults", "access.private_files", "countersign", "countersign.embedded",
        "countersign.embedded.leash", "countersign.embedded.resp", "countersign.embedded.valkey", "countersign.ready",
    },
}  # fmt: skip


@pytest.mark.parametrize("program", STAYS_SMALL)
def test_who_minds_others_imports_no_library_and_nothing_that_decides(program: str) -> None:
    found = imported(f"import {program}") - BARE
    ours = {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names}

    assert ours == STAYS_SMALL[program]


def test_what_up_writes_for_the_half_that_stays_holds_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    child = Child("bot", ["python"], {"SLACK_BOT_TOKEN": "xoxb-canary", "DATABASE_URL": "sqlite:///here"})

    written = json.dumps(minding._written(child))

    assert "canary" not in written
    assert minding._read(json.loads(written)) == child
