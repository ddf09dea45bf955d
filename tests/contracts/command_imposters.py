"""Programs that others could have put there, and that ask for the bot's secret: promise C39."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign.testing import Imposter

_EVE = 61003
_LISTENS = """#!/bin/sh
cat >> {heard}
echo '{{"state": "active", "present": true}}'
"""


@dataclass(frozen=True)
class StandIn:
    """Keeps what it is told."""

    name: str
    settings: Mapping[str, Any]
    cure: str
    file: Path
    demands_proof: bool = True

    def heard(self) -> bytes:
        return self.file.read_bytes() if self.file.exists() else b""

    def answered(self) -> bool:
        return bool(self.heard())


def imposters(secret: Path) -> Sequence[AbstractContextManager[Imposter]]:
    kinds = {
        "a program that others may write to": "chmod go-w",
        "a program in a folder that others may write to": "chmod go-w",
        "a program of another account": "chown root",
        "a link of another account": "chown root",
        "a program whose interpreter others may write to": "chmod go-w",
        "a program with a script as its argument that others may write to": "chmod go-w",
    }
    return [_stand_in(kind, cure, secret) for kind, cure in kinds.items()]


@contextmanager
def _stand_in(kind: str, cure: str, secret: Path) -> Iterator[Imposter]:
    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        here.chmod(0o755)
        heard, program, arguments = here / "heard", here / "bin" / "program", list[str]()
        program.parent.mkdir()
        program.write_text(_LISTENS.format(heard=heard))
        program.chmod(0o755)
        if "interpreter" in kind:
            shell = program.rename(here / "bin" / "shell")
            program.write_text(f"#!{shell}\n")
            program.chmod(0o755)
            shell.chmod(0o777)
        elif "argument" in kind:
            program.chmod(0o777)
            program, arguments = Path("/bin/sh"), [str(program)]
        elif "folder" in kind:
            program.parent.chmod(0o777)
        elif "link" in kind:
            link = here / "link"
            link.symlink_to(program)
            os.lchown(link, _EVE, _EVE)
            program = link
        elif "account" in kind:
            os.chown(program, _EVE, _EVE)
        else:
            program.chmod(0o777)
        settings = {
            "program": str(program), "arguments": arguments, "user": "root", "can": ["expire", "extend", "reveal"],
            "secrets": {"api_token": {"file": str(secret)}},
        }  # fmt: skip
        yield StandIn(kind, settings, cure, heard)
