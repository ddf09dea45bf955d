"""Compares the targets with what was granted, now: the workers look, this waits and prints what they saw."""

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from access.comparisons import SECOND_LOOK, ask, looks, not_comparable, resources_to_compare
from access.core import Core
from access.errors import NotFound
from access.messages.digest.standing_counts import standing_list
from access.models import PeriodicCheck, StandingStatus
from access.monitor.schedule_checks import schedule_checks
from access.settings import Settings
from countersign.wiring import command_parts, policy_problem

PATIENCE = SECOND_LOOK + timedelta(seconds=30)
"""A second look is worth waiting for."""
_SECONDS = 0.5


def look_now(settings: Settings, resources: Sequence[str]) -> int:
    """The exit code: 1 where something differs or was not compared, 2 where it is not known what to compare.

    Raises NotFound for a resource whose provider cannot list what is ours, and PolicyError.
    """
    with command_parts(settings) as made:
        core = made.core
        schedule_checks(core)
        refused = policy_problem(core)
        chosen = _chosen(core, resources)
        asked_at = core.clock.now()
        ask(core, chosen)
        seen = _waited_for(core, chosen, asked_at)
        with core.database.read() as session:
            new = Counter(row.resource for row in standing_list(session) if row.status == StandingStatus.NEW)
            others = [] if resources else not_comparable(core, session)
            unknown = [] if resources else sorted(resources_to_compare(core, session) - seen.keys())
    for name in chosen:
        print(f"{name}: {_said(seen[name], asked_at)}")
        if new[name]:
            roles = "1 role is" if new[name] == 1 else f"{new[name]} roles are"
            print(f"{name}: {roles} held without a grant and not accepted; `countersign drift --baseline` lists them.")
    for name in others:
        print(f"{name}: not compared. Its provider cannot list what is there: look there by hand.")
    for name in unknown:
        print(f"{name}: not compared yet, for it is new in the policy. Ask again in half a minute.")
    if refused and not resources:
        print(f"The policy cannot be used, so only targets with open access were compared. {refused}", file=sys.stderr)
        return 2
    wrong = [name for name in chosen if seen[name].suspects or not _is_over(seen[name], asked_at)]
    return int(bool(others or unknown or wrong))


def _chosen(core: Core, resources: Sequence[str]) -> list[str]:
    known = looks(core)
    for name in resources:
        if name not in known:
            raise NotFound(f"There is no resource {name} whose provider can list what is ours on it.")
    if not known:
        core.policy.current()  # without one, nothing says what there is to compare
    return sorted(resources or known)


def _waited_for(core: Core, chosen: Sequence[str], asked_at: datetime) -> dict[str, PeriodicCheck]:
    until = core.clock.now() + PATIENCE
    said = False
    while True:
        seen = looks(core)
        if all(_is_over(seen[name], asked_at) for name in chosen) or core.clock.now() >= until:
            return seen
        if not said and any(seen[name].suspects for name in chosen):
            print("Something differs; the second look, in a minute, says whether it counts.", file=sys.stderr)
            said = True
        threading.Event().wait(_SECONDS)


def _is_over(row: PeriodicCheck, asked_at: datetime) -> bool:
    """There was an answer since, and no second look is near."""
    answered = row.looked_at is not None and row.looked_at >= asked_at
    return answered and not row.problem and row.looked_at is not None and row.due_at - row.looked_at > SECOND_LOOK


def _said(row: PeriodicCheck, asked_at: datetime) -> str:
    if row.problem:
        return f"no answer. {row.problem}"
    if row.looked_at is None or row.looked_at < asked_at:
        return "no worker has looked. Are the workers and a timekeeper running? `countersign doctor` says."
    if row.suspects:
        return f"differs: {', '.join(row.suspects)}. Open alerts say what is done about it."
    return "as it was left."
