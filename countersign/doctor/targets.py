"""The targets, looked at by a worker: the doctor holds no key to any of them."""

import time
from collections.abc import Iterator
from datetime import timedelta

from access import clock
from access.catalog import Policy
from access.clock import HostClock
from access.core import Core
from access.monitor.target_checks import TargetChecks
from access.policy_source import PolicySource
from access.ports import Agenda, Finding
from access.store import Database
from countersign.doctor.processes import alive
from countersign.doctor.surroundings import Surroundings, error, not_looked_at
from countersign.wiring import SweepOnly, measured_offset
from workers.agenda import RedisAgenda
from workers.redis_connection import connect

_BETWEEN_LOOKS = timedelta(seconds=0.1)
_CURE = "Start `countersign worker grant` and `countersign timekeeper`, or see their logs."


def look(here: Surroundings) -> Iterator[Finding]:
    policy, database = here.policy, here.usable_database
    if policy is None:
        yield not_looked_at("targets", "the policy")
        return
    if database is None:
        yield not_looked_at("targets", "the database")
        return
    if not alive(here, "timekeeper") or (here.redis_url and not alive(here, "worker grant")):
        yield error("targets", "No worker is alive that could look at the targets.", _CURE)
        return
    yield from _ask(here, policy, database)


def _ask(here: Surroundings, policy: Policy, database: Database) -> Iterator[Finding]:
    target_checks = TargetChecks(_core(here, database))
    asked = target_checks.ask(sorted(policy.resources))
    here.say(f"Asking a worker to look at {len(asked)} {'target' if len(asked) == 1 else 'targets'} …")
    end, waiting = clock.monotonic() + here.patience, dict(asked)
    try:
        while waiting and clock.monotonic() < end:
            answers = target_checks.answers(list(waiting.values()))
            for resource in [name for name, identifier in waiting.items() if identifier in answers]:
                here.say(f"  {resource}: answered")
                for finding in answers[waiting.pop(resource)]:
                    yield _of(resource, finding)
            if waiting:
                time.sleep(_BETWEEN_LOOKS.total_seconds())
        for resource in waiting:
            yield error(resource, f"No worker answered within {here.patience:g} s.", _CURE)
    finally:
        target_checks.forget(list(asked.values()))


def _core(here: Surroundings, database: Database) -> Core:
    url = here.redis_url
    agenda: Agenda = RedisAgenda(connect(url)) if url else SweepOnly()
    clock_here = HostClock(offset=measured_offset(database))
    return Core(database, clock_here, agenda, PolicySource(here.settings.policy_file, here.classes), here.classes)


def _of(resource: str, finding: Finding) -> Finding:
    subject = f"{resource}: {finding.subject}"
    return Finding(level=finding.level, subject=subject, sentence=finding.sentence, cure=finding.cure)
