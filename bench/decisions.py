"""A large company's policy: reading it, deciding one request by it, and listing what one person may ask for."""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from access.catalog import Entitlement, Policy
from access.ids import Person
from access.people import People
from access.policy.decide import Allowed, Ask, decide
from access.policy.load import check, load_policy
from bench.figures import Figure, p50_and_p99
from bench.policy import Crowd, policy
from bench.servers import Servers, say
from countersign.providers import ProviderClasses

_ROLES = 10
"""Of a resource."""


def measure(
    _servers: Servers, *, entitlements: int, rules: int, people: int, decisions: int, loads: int = 5
) -> list[Figure]:
    """`people` in `rules` teams, each with a rule of its own over its share of the `entitlements`."""
    text, by_name = company(entitlements, rules, people)
    say(f"  a policy of {entitlements:,} entitlements, {rules} rules and {people:,} people, read {loads} times")
    classes = ProviderClasses()
    loaded, read, bare = None, list[float](), list[float]()
    for _ in range(loads):
        (loaded, problems), took = _timed(lambda: check(text, file="access.yml", providers=classes))
        assert loaded is not None, problems[0].sentence
        read.append(took)
        bare.append(_timed(lambda: yaml.load(text, yaml.CSafeLoader))[1])
    assert loaded is not None
    say(f"  {decisions:,} decisions, each by another person")
    decided, looked_up = _decisions(loaded, by_name, decisions)
    listed, sorted_alone = _lists(text, classes, by_name)
    return [
        Figure(name="a large policy read and checked", value=_median(read), unit="s", floor=_median(bare), goal=3.0,
               samples=loads),
        *p50_and_p99("one decision on a large policy", decided, looked_up, goal_p50=0.3),
        Figure(name="what one person may ask for, listed", value=_median(listed), unit="ms",
               floor=_median(sorted_alone), goal=20.0, samples=len(listed)),
    ]  # fmt: skip


def company(entitlements: int, rules: int, people: int) -> tuple[str, dict[str, list[str]]]:
    """The text, and what each person may ask for. Two stages a rule: the owners or leads, then security."""
    crowd = Crowd(people=0, roles=0)
    said: dict[str, Any] = json.loads(policy(crowd, provider="postgres", settings={"dsn": {"env": "DSN"}}, role={}))
    chance, names = random.Random(1), [f"p{number:05}" for number in range(people)]
    said["people"] = {name: {"slack": f"U0{name.upper()}"} for name in names}
    teams = {f"team{number:03}": names[number::rules] for number in range(rules)}
    leads = {f"leads{number:02}": chance.sample(names, min(6, people)) for number in range(min(40, rules))}
    said["groups"] = {name: {"people": inside} for name, inside in (teams | leads).items()}
    said["groups"]["security"] = {"people": chance.sample(names, min(12, people))}
    said["levels"]["low"] |= {"quorum": 2}
    owners = list(leads)
    said["resources"] = [
        {
            "id": f"db{number:04}", "title": f"Database {number}", "level": "low",
            "owner": owners[number % len(owners)],
            "provider": "postgres", "settings": {"dsn": {"env": f"DSN{number}"}},
            "roles": {f"r{role}": {"title": f"Role {role}", "grants": ["any"]} for role in range(_ROLES)},
        }
        for number in range(entitlements // _ROLES)
    ]  # fmt: skip
    every = [f"{resource['id']}/{role}" for resource in said["resources"] for role in resource["roles"]]
    share = max(1, len(every) // rules)
    opened = {team: every[number * share : (number + 1) * share] or every[:1] for number, team in enumerate(teams)}
    said["rules"] = [
        {
            "id": f"rule-{team}", "for": {"groups": [team], "entitlements": opened[team]},
            "approve": {
                "channel": "C0PAYAPPR",
                "stages": [{"any_of": ["owner", owners[number % len(owners)]]}, {"any_of": ["security"]}],
            },
        }
        for number, team in enumerate(teams)
    ]  # fmt: skip
    return json.dumps(said, indent=1), {name: opened[team] for team, inside in teams.items() for name in inside}


def _decisions(loaded: Policy, by_name: dict[str, list[str]], count: int) -> tuple[list[float], list[float]]:
    """Ours, and the least there is to look up: the rule by its entitlement, its team, and who is left to approve."""
    chance, names, people, now = random.Random(2), list(by_name), People(loaded), datetime.now(UTC)
    by_entitlement = {str(one): rule for rule in loaded.rules for one in rule.entitlements}
    groups = {name: group.people for name, group in loaded.groups.items()}
    ours, floor = list[float](), list[float]()
    for _ in range(count):
        name = chance.choice(names)
        wanted = chance.choice(by_name[name])
        ask = Ask(
            requester=Person(name), subject=Person(name), entitlement=Entitlement.parse(wanted),
            duration=timedelta(hours=1), until=None, reason="INC-12 stuck refunds", at=now,
        )  # fmt: skip
        decision, took = _timed(lambda ask=ask: decide(loaded, people, ask))
        ours.append(took)
        assert isinstance(decision, Allowed), decision

        def look_up(name: str = name, wanted: str = wanted) -> bool:
            rule = by_entitlement[wanted]
            return name in groups[rule.groups[0]] and bool(groups["security"] - {Person(name)})

        floor.append(_timed(look_up)[1])
    return ours, floor


def _lists(text: str, classes: ProviderClasses, by_name: dict[str, list[str]]) -> tuple[list[float], list[float]]:
    """The first time for each of some teams, when nothing has been made beforehand."""
    loaded = load_policy(text, file="access.yml", providers=classes)
    some = list(by_name)[:20]
    ours = [_timed(lambda name=name: loaded.requestable(Person(name)))[1] * 1000 for name in some]
    floor = [_timed(lambda name=name: sorted(by_name[name]))[1] * 1000 for name in some]
    return ours, floor


def _timed(act: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    found = act()
    return found, time.perf_counter() - began


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
