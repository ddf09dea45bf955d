"""From opening the form to seeing it, and from a typed letter to seeing what fits, among thousands of entitlements."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice

from bench.figures import Figure, p50_and_p99
from bench.policy import Crowd, policy
from bench.servers import Servers, say, wait_for
from bench.slashes import answered
from sandbox.person import Person
from sandbox.seen import View
from sandbox.server import Running

ROUNDS = 4
"""Ours and the floor take turns, so that a busy moment of the machine hits both."""
ROLES = 10
BLOCK, ACTION = "entitlement", "form.choose"
SYSTEMS = ("Orders", "Customers", "Payments", "Refunds", "Payroll", "Warehouse", "Search", "Mail", "Billing", "Fraud")
POWERS = ("Read", "Correct", "Export", "Delete", "Replay", "Restart", "Look at the logs of", "Own", "Tune", "Audit")
TYPED = ("read", "ord", "warehouse 17", "logs of pay", "e", "s-3", "nothing like it")

Named = dict[str, list[float]]


def measure(servers: Servers, *, entitlements: int, forms: int, letters: int, people: int = 5) -> list[Figure]:
    """`forms` forms opened, then `letters` look-ups by one person, and as many by several people at once."""
    crowd = Crowd(people=people, roles=0)
    text = large_policy(crowd, entitlements)
    environment = servers.environment(store="", policy=text, COUNTERSIGN_SANDBOX="1")
    with ExitStack() as stack:
        environment["DATABASE_URL"] = stack.enter_context(servers.store("SQLite"))
        say(f"  a policy of {entitlements:,} entitlements")
        apps = {
            "ours": stack.enter_context(answered(environment, "countersign", "bot", cast=crowd.cast())),
            "floor": stack.enter_context(answered(environment, "bench.bare_bolt", cast=crowd.cast())),
        }
        typists = {name: [_person(app, one.id) for one in crowd.askers] for name, app in apps.items()}
        for people_of_app in typists.values():
            for person in people_of_app:
                _open(person)  # warm; the form stays open to type into
        say(f"  form: {forms} opened; type-ahead: {letters} letters by one, {letters} by {people} at once")
        opened = _in_turns(typists, forms, lambda group, count: [_opened(group[0]) for _ in range(count)])
        alone = _in_turns(typists, letters, lambda group, count: _typed(group[0], count))
        together = _in_turns(typists, letters, _typed_together)
    return [
        *p50_and_p99("form → open", opened["ours"], opened["floor"], goal_p99=300),
        *p50_and_p99("letter → options, 1 person", alone["ours"], alone["floor"], goal_p99=100),
        *p50_and_p99(f"letter → options, {people} people", together["ours"], together["floor"]),
    ]


def large_policy(crowd: Crowd, entitlements: int) -> str:
    """Everybody of the crowd may ask for all of them."""
    text = policy(crowd, provider="postgres", settings={"dsn": {"env": "SHOP_DSN"}}, role={"grants": ["any"]})
    said = json.loads(text)
    (template,) = said["resources"]
    said["resources"] = [
        template | {
            "id": f"{SYSTEMS[number % len(SYSTEMS)].lower()}-{number}",
            "title": f"{SYSTEMS[number % len(SYSTEMS)]} {number}",
            "roles": {f"role-{one}": {"title": f"{POWERS[one]} {SYSTEMS[number % len(SYSTEMS)].lower()}",
                                      "grants": ["any"]} for one in range(ROLES)},
        }
        for number in range(entitlements // ROLES)
    ]  # fmt: skip
    (rule,) = said["rules"]
    rule["for"]["entitlements"] = [f"{one['id']}/{role}" for one in said["resources"] for role in one["roles"]]
    return json.dumps(said, indent=1)


def _person(app: Running, identifier: str) -> Person:
    return app.workspace().person(identifier)


def _in_turns(typists: dict[str, list[Person]], count: int, run: Callable[[list[Person], int], list[float]]) -> Named:
    took: Named = {name: [] for name in typists}
    for _ in range(ROUNDS):
        for name, group in typists.items():
            took[name] += run(group, max(1, count // ROUNDS))
    return took


def _opened(person: Person) -> float:
    person.close_view(everything=True)
    return _open(person)


def _open(person: Person) -> float:
    """Seconds from the command to the form on the screen."""
    began = time.perf_counter()
    person.command(person.direct_message, "/access")
    wait_for(person.view, "the form to open", every=0.002)
    return time.perf_counter() - began


def _typed_together(group: list[Person], count: int) -> list[float]:
    with ThreadPoolExecutor(len(group)) as pool:
        parts = pool.map(lambda person: _typed(person, max(1, count // len(group))), group)
        return [seconds for part in parts for seconds in part]


def _typed(person: Person, count: int) -> list[float]:
    """Seconds of each look-up, as a person types: nothing yet, then letter by letter."""
    view = person.view()
    assert view is not None
    letters = [text[:length] for text in TYPED for length in range(len(text) + 1)]
    return [_looked_up(person, view, text) for text in islice(letters * (count // len(letters) + 1), count)]


def _looked_up(person: Person, view: View, text: str) -> float:
    began = time.perf_counter()
    answer = person.workspace.ask(
        "suggest", **{"as": person.id}, view=view.id, block_id=BLOCK, action_id=ACTION, value=text
    )
    took = time.perf_counter() - began
    assert "groups" in answer, answer
    return took
