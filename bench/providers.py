"""What each provider costs beside its target: a grant, and a revoke with the look whether it holds.

Each beside the same said by hand on the same conditions: a warm connection where the provider keeps one, a connection
or a process for each call where it takes one each time. And ten resources on one account, which share its limit.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from access.policy_source import PolicySource
from access.ports import Deadline
from bench.figures import Figure, p50_and_p99
from bench.provider_targets import BARE, ended, granted
from bench.servers import Servers, say, wait_for
from countersign.demo.policy import demo_policy
from countersign.demo.stage import acme
from countersign.providers import ProviderClasses
from tests.contracts.mysql_server import READY
from workers.lanes import Lanes
from workers.target_limits import TargetLimits

GOAL_RATIO = 1.5
TEN = 10
SHARED = 4
"""Calls at once that the account bears."""


def measure(servers: Servers, *, samples: int, calls: int) -> list[Figure]:
    """So many grants and ends of each provider; and so many calls on ten resources of one account."""
    names = list(_on_this_machine())
    return [*(figure for name in names for figure in _beside(servers, name, samples)), *_shared(servers, calls)]


def _on_this_machine() -> Iterator[str]:
    """All targets but MariaDB come with the packages that are installed anyway."""
    for name in BARE:
        if name == "mysql" and not READY:
            say("  providers: mysql is not measured: there is no MariaDB on this machine; `make mariadb` installs it")
        else:
            yield name


def _beside(servers: Servers, name: str, samples: int) -> Iterator[Figure]:
    say(f"  providers: {name}, {samples} grants and ends, each beside the bare ones")
    times: dict[str, tuple[list[float], list[float]]] = {"grant": ([], []), "revoke and look again": ([], [])}
    with BARE[name](servers) as pair:
        for number in range(samples + 1):
            spec, bare = pair.spec(), pair.spec()
            took = {"grant": (_took(granted, pair, spec), _took(pair.grant, bare))}
            pair.between(bare)
            took["revoke and look again"] = (_took(ended, pair, spec), _took(pair.revoke, bare))
            for verb, (ours, theirs) in took.items() if number else ():  # the first one connects
                times[verb][0].append(ours)
                times[verb][1].append(theirs)
    for verb, (ours, theirs) in times.items():
        yield from p50_and_p99(f"{name}: {verb}", ours, theirs, goal_p50_ratio=GOAL_RATIO)


def _took(does: Callable[..., None], *args: Any) -> float:
    began = time.perf_counter()
    does(*args)
    return time.perf_counter() - began


@dataclass(frozen=True)
class Call:
    """What is asked of a resource."""

    id: str


@dataclass(frozen=True)
class Answered:
    """All is well."""

    healthy: bool = True


@dataclass
class Account:
    """Counts the calls that are under way; each takes 5 ms."""

    now: int = 0
    most: int = 0
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, ids: Sequence[str]) -> list[Call]:
        return [Call(one) for one in ids]

    def act(self, claimed: Call, deadline: Deadline) -> Answered:  # noqa: ARG002 -- the interface's
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.005)
        with self.lock:
            self.now -= 1
            self.done += 1
        return Answered()

    def commit(self, results: Sequence[Answered]) -> None: ...

    def release(self, claimed: Sequence[Call]) -> None: ...


def _shared(servers: Servers, calls: int) -> Iterator[Figure]:
    say(f"  providers: {calls} calls on {TEN} resources of one account that bears {SHARED} at once")
    file = servers.directory / "ten.yml"
    file.write_text(_policy_of_ten(), encoding="utf-8")
    classes, account = ProviderClasses(), Account()
    source = PolicySource(file, classes)
    resources = list(source.current().resources.values())
    with ExitStack() as stack:
        lanes = Lanes[Call, Answered](account, on_leak=lambda: None, limits=TargetLimits(source, classes, 16))
        stack.callback(lanes.stop)
        for number in range(calls):
            lanes.put(resources[number % TEN].target, [f"call-{number}"])
        wait_for(lambda: account.done == calls, "all calls to be made", within=60)
    yield Figure(
        name=f"{TEN} resources on one account, most calls at once", value=account.most, unit="calls", floor=SHARED,
        goal=SHARED, samples=calls,
    )  # fmt: skip


def _policy_of_ten() -> str:
    """The demo's, with ten databases on its server, of which one says what the account bears."""
    policy = demo_policy(acme())
    head, rest = policy.split("resources:\n")
    resource, rules = rest.split("\nrules:\n")
    one = resource.replace("    roles:", f"    limits: {{concurrency: {SHARED}}}\n    roles:", 1)
    others = [resource.replace("id: customers-db", f"id: db-{number}") for number in range(1, TEN)]
    return f"{head}resources:\n{one}{''.join(others)}\nrules:\n{rules}"
