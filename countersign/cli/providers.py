"""Every provider that is installed: what it can do, and what was seen of it when it was tested."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from countersign.conformance import record
from countersign.conformance.facts import facts
from countersign.conformance.record import Suite
from countersign.conformance.words import expiry, moved_by, promises_kept, tested_on, yes
from countersign.providers import ProviderClasses

_BY_SETTINGS = "by settings"


def report(*, in_json: bool = False) -> str:
    """Reads what is installed, and nothing else: no policy, no database, no target."""
    known = facts(ProviderClasses(), record.read())
    return json.dumps(known, indent=2, ensure_ascii=False) if in_json else "\n".join(map(_one, known))


def _one(known: Mapping[str, Any]) -> str:
    lines = [f"{known['provider']}, of {known['distribution']} {known['version']}".rstrip()]
    if not known["usable"]:
        return "\n".join([*lines, f"  It cannot be used: {known['problem']}", ""])
    lines += [f"  grants    {known['grants']}", f"  narrows   {', '.join(known['narrows']) or 'nothing'}"]
    lines += [f"  limits    {_limits(known['limits'])}"]
    for mode, able in known["ways"].items():
        lines.append(
            f"  can       {'what the settings of its target say' if mode == _BY_SETTINGS else _can(mode, able)}"
        )
    lines += [f"  tested    {line}" for line in _tested(known["tested"])]
    return "\n".join([*lines, ""])


def _limits(limits: Mapping[str, int | None]) -> str:
    at_once = limits["concurrency"] or "COUNTERSIGN_CALLS_AT_ONCE"
    paced = f", a second: {limits['per_second']}" if limits["per_second"] else ""
    return f"calls at once: {at_once}{paced}; for each worker and target"


def _can(mode: str, able: Mapping[str, Any]) -> str:
    parts = [
        f"isolation {able['isolation']}",
        f"own end: {expiry(able)}{moved_by(able)}",
        f"ends sessions: {yes(able['ends_sessions'])}",
        f"makes a secret: {yes(able['reveals'])}",
        f"lists ours: {yes(able['list_managed'])}",
        f"lists holders: {yes(able['list_holders'])}",
    ]
    return f"{f'mode {mode}: ' if mode else ''}{'; '.join(parts)}"


def _tested(suites: list[dict[str, Any]]) -> Iterator[str]:
    if not suites:
        yield "not tested here: its author can say what it keeps (docs/writing-a-provider.md)"
    for said in suites:
        suite = Suite.model_validate(said)
        yield f"{tested_on(suite)}: keeps {promises_kept(suite)}"
