"""Runs every check, one after the other; one that breaks is a finding itself."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from access.clock import host_now
from access.errors import AccessError, Unready
from access.faults import describe
from access.ports import Finding
from access.settings import Settings
from countersign.doctor import database, files, messages, paging, policy, processes, redis, slack, targets
from countersign.doctor.report import Family, as_json, as_text, exit_code
from countersign.doctor.surroundings import Surroundings, error

PATIENCE = 20.0
"""Seconds that workers have to look at their targets."""
Check = Callable[[Surroundings], Iterator[Finding]]

FAMILIES: dict[str, Check] = {
    "Policy": policy.look,
    "Files": files.look,
    "Database": database.look,
    "Redis": redis.look,
    "Slack": slack.look,
    "Messages": messages.look,
    "Processes": processes.look,
    "Pages": paging.look,
    "Targets": targets.look,
}


def run_doctor(*, in_json: bool) -> int:
    """Prints what was found; how far it is goes to standard error. Returns the exit code."""
    families = examine(os.environ, say=lambda line: print(line, file=sys.stderr, flush=True))
    print(as_json(families) if in_json else as_text(families))
    return exit_code(families)


def examine(
    environment: Mapping[str, str],
    *,
    say: Callable[[str], None],
    host: Callable[[], datetime] = host_now,
    patience: float = PATIENCE,
) -> list[Family]:
    """Every family's findings. Never raises; changes nothing but for the question to the workers."""
    try:
        settings = Settings.read(environment)
    except Unready as unready:
        cure = "Set it as README.md says, then ask the doctor again."
        return [Family("Settings", [error("environment", unready.sentence, cure)])]
    here = Surroundings(settings, host, patience, say)
    try:
        return [Family(name, list(_guarded(check, here))) for name, check in FAMILIES.items()]
    finally:
        here.close()


def _guarded(check: Check, here: Surroundings) -> Iterator[Finding]:
    try:
        yield from check(here)
    except AccessError as known:
        yield error("check", known.sentence, "Mend that, then ask the doctor again.")
    except Exception as fault:
        sentence = f"This check itself broke with {describe(fault)}."
        yield error("check", sentence, "Please report it with this line; the other checks are not touched by it.")
