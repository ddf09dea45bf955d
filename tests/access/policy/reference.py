"""What a policy must answer, the slow and obvious way, from the plain values of its file. Written apart from the core.

Only the words that it is tried with: people with managers, groups, levels, owners, rules with stages and a ladder.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from tests.access.policy.reference_ladder import Step, groups_of, ladder_loads, lapses_after, steps_of

World = Mapping[str, Any]
"""The file as plain values, times in seconds."""
SHORTEST = 5


@dataclass(frozen=True)
class Answer:
    """`because` of what is denied; else the rule, whom each stage asks, and what comes while there is no answer."""

    because: str | None
    rule: str | None = None
    stages: tuple[frozenset[str], ...] = ()
    steps: tuple[tuple[Step, frozenset[str]], ...] = ()
    lapses: int = 0


@dataclass(frozen=True)
class Asking:
    by: str
    resource: str
    role: str
    seconds: int
    reason: str
    waited: int = 0
    """For so long there was no answer."""


def answer(world: World, asking: Asking) -> Answer:
    by, resource = asking.by, asking.resource
    if by not in world["people"]:
        return Answer("requester_not_in_policy")
    level = _level(world, resource, asking.role)
    rules = [rule for rule in world["rules"] if _opens(rule, resource, asking.role) and _is_for(world, rule, by)]
    if not rules:
        return Answer("no_rule" if level is not None else "unknown_entitlement")
    (rule,) = rules
    assert level is not None
    wrong = _wrong_time(asking, rule, level) or _wrong_reason(asking, level)
    if wrong:
        return Answer(wrong)
    ladder = _ladder_of(world, rule, asking)
    added = [step.group for step in ladder if step.adds and step.after <= asking.waited]
    places = _places(world, rule, resource, by, added)
    everybody = {person for _, able in places for person in able}
    if not _can_be_filled([able for _, able in places]):
        return Answer(_why_not(world, rule, asking, places, added))
    first = {person for person in everybody if _may_go_first(person, places)}
    asked = [frozenset(first)]
    for stage in range(1, len(rule["stages"])):
        asked.append(frozenset(person for number, able in places if number == stage for person in able))
    steps = tuple((step, frozenset(_members(world, step.group, resource, by))) for step in ladder)
    return Answer(None, rule["id"], tuple(asked), steps, lapses_after(rule, level))


def _stages_of(world: World, rule: Mapping[str, Any], asking: Asking) -> list[Mapping[str, Any]]:
    """With the group that owns the resource; a manager stays a word, of which each person has another."""
    owner = next(one["owner"] for one in world["resources"] if one["id"] == asking.resource)
    found: list[Mapping[str, Any]] = []
    for stage in rule["stages"]:
        word = "all_of" if "all_of" in stage else "any_of"
        found.append({**stage, word: [owner if group == "owner" else group for group in stage[word]]})
    return found


def _ladder_of(world: World, rule: Mapping[str, Any], asking: Asking) -> list[Step]:
    level = _level(world, asking.resource, asking.role)
    assert level is not None
    return steps_of(rule.get("escalate", []), _stages_of(world, rule, asking), lapses_after(rule, level))


def _wrong_time(asking: Asking, rule: Mapping[str, Any], level: Mapping[str, Any]) -> str | None:
    if asking.seconds < SHORTEST:
        return "too_short"
    return "too_long" if asking.seconds > min(rule.get("max", level["max"]), level["max"]) else None


def _wrong_reason(asking: Asking, level: Mapping[str, Any]) -> str | None:
    if not asking.reason:
        return "no_reason"
    return "reason_too_short" if len(asking.reason) < level.get("reason_min", 1) else None


def _may_go_first(person: str, places: list[tuple[int, set[str]]]) -> bool:
    """In a place of the first stage, so that all others can still be filled by others."""
    for place, (stage, able) in enumerate(places):
        others = [others for number, (_, others) in enumerate(places) if number != place]
        if stage == 0 and person in able and _can_be_filled(others, without=person):
            return True
    return False


def _level(world: World, resource: str, role: str) -> Mapping[str, Any] | None:
    for one in world["resources"]:
        if one["id"] == resource and role in one["roles"]:
            return world["levels"][one["roles"][role] or one["level"]]
    return None


def _opens(rule: Mapping[str, Any], resource: str, role: str) -> bool:
    return f"{resource}/{role}" in rule["entitlements"]


def _is_for(world: World, rule: Mapping[str, Any], by: str) -> bool:
    return any(by in world["groups"][group] for group in rule["groups"])


def _members(world: World, group: str, resource: str, by: str) -> set[str]:
    if group == "manager":
        manager = world["people"][by]
        found = {manager} if manager else set()
    else:
        owner = next(one["owner"] for one in world["resources"] if one["id"] == resource)
        found = set(world["groups"][owner if group == "owner" else group])
    return found - {by}


def _places(
    world: World, rule: Mapping[str, Any], resource: str, by: str, added: Iterable[str] = ()
) -> list[tuple[int, set[str]]]:
    """Each approval that is wanted: of which stage, and who can give it. `added`: groups of steps that have come."""
    places: list[tuple[int, set[str]]] = []
    for number, stage in enumerate(rule["stages"]):
        if "all_of" in stage:
            places += [(number, _members(world, group, resource, by)) for group in stage["all_of"]]
        else:
            able = set[str]().union(*(_members(world, group, resource, by) for group in (*stage["any_of"], *added)))
            places += [(number, able)] * stage["quorum"]
    return places


def _can_be_filled(places: list[set[str]], without: str | None = None) -> bool:
    """By trying everybody in every place."""
    everybody = sorted({person for able in places for person in able} - {without})
    return any(
        all(person in able for person, able in zip(order, places, strict=True))
        for order in permutations(everybody, len(places))
    )


def _why_not(
    world: World, rule: Mapping[str, Any], asking: Asking, places: list[tuple[int, set[str]]], added: list[str]
) -> str:
    """Of the first stage that cannot be filled: whether it has nobody at all."""
    for stage in range(len(rule["stages"])):
        if not _can_be_filled([able for number, able in places if number <= stage]):
            groups = groups_of(rule["stages"][stage])
            groups = [*groups, *added] if "any_of" in rule["stages"][stage] else groups
            nobody = not any(_members(world, group, asking.resource, asking.by) for group in groups)
            return "no_approver" if nobody else "too_few_approvers"
    raise AssertionError("all of them can be filled")


def a_world(chance: random.Random) -> dict[str, Any]:
    """A small one, of which each part may be strange."""
    names = ["ann", "ben", "lea", "kim", "sam", "eve"][: chance.randint(2, 6)]
    groups = {f"g{number}": _some(chance, names) for number in range(chance.randint(2, 4))}
    groups["security"] = [chance.choice(names)]
    levels: dict[str, dict[str, int]] = {
        "low": {"max": 7200, "reason_min": 3, "request_ttl": 3600},
        "high": {"max": 3600, "quorum": chance.randint(1, 3), "request_ttl": 1800},
    }  # fmt: skip
    resources = [
        {"id": f"r{number}", "level": chance.choice(["low", "high"]), "owner": chance.choice(sorted(groups)),
         "roles": {role: chance.choice([None, "low", "high"]) for role in ["read", "fix"][: chance.randint(1, 2)]}}
        for number in range(chance.randint(1, 2))
    ]  # fmt: skip
    every = [f"{one['id']}/{role}" for one in resources for role in one["roles"]]
    rules = [_a_rule(chance, number, sorted(groups), every) for number in range(chance.randint(1, 3))]
    return {
        "people": {name: chance.choice([None, *[other for other in names if other != name]]) for name in names},
        "groups": groups, "levels": levels, "resources": resources, "rules": rules,
    }  # fmt: skip


def _a_rule(chance: random.Random, number: int, groups: list[str], every: list[str]) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": f"rule{number}", "groups": _at_least_one(chance, groups), "entitlements": _at_least_one(chance, every),
        "stages": [_a_stage(chance, groups) for _ in range(chance.choice([1, 1, 2, 2, 3]))],
    }  # fmt: skip
    if chance.random() < 0.5:
        rule["max"] = chance.choice([60, 1800, 3600])
    if chance.random() < 0.5:
        rule["escalate"] = _a_ladder(chance, groups)
    return rule


def _a_ladder(chance: random.Random, groups: list[str]) -> list[dict[str, Any]]:
    """Mostly one that loads; now and then two steps at once, or one that comes too late or after the end."""
    times = sorted(chance.choice([300, 600, 900, 1200, 1750, 2400, 3000, 3600]) for _ in range(chance.randint(1, 3)))
    ladder: list[dict[str, Any]] = [{"after": after, "to": chance.choice(groups)} for after in times]
    if chance.random() < 0.3:
        ladder[-1 if chance.random() < 0.9 else 0] = {"after": times[-1], "then": "lapse"}
    return ladder


def _a_stage(chance: random.Random, groups: list[str]) -> dict[str, Any]:
    named = _at_least_one(chance, [*groups, "owner", "manager"])[:2]
    if chance.random() < 0.3:
        return {"all_of": named}
    return {"any_of": named, "quorum": chance.choice([1, 1, 1, 2])}


def _some(chance: random.Random, of: list[str]) -> list[str]:
    return [one for one in of if chance.random() < 0.5]


def _at_least_one(chance: random.Random, of: list[str]) -> list[str]:
    return _some(chance, of) or [chance.choice(of)]


def as_policy(world: World) -> dict[str, Any]:
    """The same in the words of the file."""
    return {
        "version": 1,
        "organisation": {"slack_team": "T0ACME", "timezone": "UTC"},
        "people": {
            name: {"slack": f"U0{name.upper()}"} | ({"manager": manager} if manager else {})
            for name, manager in world["people"].items()
        },
        "groups": {name: {"people": people} for name, people in world["groups"].items()},
        "levels": {
            name: {"alert_after": "5m"}
            | level
            | {"max": f"{level['max']}s", "request_ttl": f"{level['request_ttl']}s"}
            for name, level in world["levels"].items()
        },
        "resources": [
            {"id": one["id"], "title": one["id"], "level": one["level"], "owner": one["owner"], "provider": "postgres",
             "settings": {"dsn": {"env": "DSN"}, "database": "shop"},
             "roles": {role: {"title": role, "grants": ["any"]} | ({"level": level} if level else {})
                       for role, level in one["roles"].items()}}
            for one in world["resources"]
        ],
        "rules": [
            {"id": rule["id"], "for": {"groups": rule["groups"], "entitlements": rule["entitlements"]},
             "approve": {"channel": "C0APPROVE", "stages": rule["stages"]}}
            | ({"max": f"{rule['max']}s"} if "max" in rule else {})
            | {"escalate": [{**step, "after": f"{step['after']}s"} for step in rule.get("escalate", [])]}
            for rule in world["rules"]
        ],
        "security": {"group": "security", "channel": "C0SEC"},
        "digest": {"channel": "C0SEC", "at": "09:00"},
    }  # fmt: skip


def loads(world: World) -> bool:
    """Whether such a file can be used: no rule looser than a level, no two for one person and entitlement."""
    opened: list[tuple[str, str]] = []
    for rule in world["rules"]:
        wanted = sum(len(stage["all_of"]) if "all_of" in stage else stage["quorum"] for stage in rule["stages"])
        longest = 0
        for entitlement in rule["entitlements"]:
            level = _level(world, *entitlement.split("/"))
            assert level is not None
            longest = max(longest, level["request_ttl"])
            if wanted < level.get("quorum", 1) or rule.get("max", 0) > level["max"]:
                return False
        if not ladder_loads(rule, longest):
            return False
        opened += [(name, entitlement) for entitlement in rule["entitlements"] for name in _asking(world, rule)]
    return len(opened) == len(set(opened))


def _asking(world: World, rule: Mapping[str, Any]) -> Iterable[str]:
    return {name for group in rule["groups"] for name in world["groups"][group]}
