"""How `make demo` and `make install` install: they say how far they are, and where it fails all that pip said."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent / "tools" / "install.py"


@pytest.fixture
def packages(tmp_path: Path) -> dict[str, str]:
    """Two packages with nothing in them, and by name the hash of each."""
    hashes = dict[str, str]()
    for name in ("first", "second"):
        wheel = tmp_path / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            info = f"{name}-1.0.dist-info"
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        hashes[name] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return hashes


def install(directory: Path, hashes: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """From that directory alone, into another one."""
    locked = directory / "locked.txt"
    lines = [f"{name}==1.0 \\\n    --hash=sha256:{digest}\n    # via nothing\n" for name, digest in hashes.items()]
    elsewhere = f"elsewhere==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{'0' * 64}\n"
    locked.write_text("".join([*lines, elsewhere]), encoding="utf-8")
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(directory), "PIP_TARGET": str(directory / "installed")}
    return subprocess.run(
        [sys.executable, str(PROGRAM), str(locked)], env=os.environ | pip, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_an_installation_says_how_far_it_is(tmp_path: Path, packages: dict[str, str]) -> None:
    installed = install(tmp_path, packages)

    assert installed.returncode == 0, installed.stderr
    assert installed.stdout.splitlines() == ["  1 of 2  first", "  2 of 2  second", "  unpacking 2 packages …"]
    assert (tmp_path / "installed" / "second-1.0.dist-info").exists()


def test_an_installation_that_fails_shows_what_pip_said(tmp_path: Path, packages: dict[str, str]) -> None:
    failed = install(tmp_path, packages | {"second": "0" * 64})

    assert failed.returncode != 0
    assert "DO NOT MATCH THE HASHES" in failed.stderr
