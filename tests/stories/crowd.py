"""Twenty more people who may ask, beside the cast of the sandbox."""

from dataclasses import replace

from countersign.demo.policy import demo_policy
from countersign.demo.stage import acme
from sandbox.cast import Cast, Person

CROWD = tuple(Person(f"U0ASK{number:02}", f"asker{number:02}", f"Asker {number}") for number in range(1, 21))
_ENGINEERS = "people: [ann, ben]"


def everybody() -> Cast:
    """The cast and the crowd, who type in their direct messages with the app."""
    cast = acme()
    return replace(cast, people=cast.people + CROWD)


def policy_for(cast: Cast) -> str:
    """The demo's policy, in which the crowd are engineers too; without the canary, for every login is counted."""
    policy, canary, _ = demo_policy(cast).partition("canary:")
    assert canary
    assert policy.count(_ENGINEERS) == 1
    return policy.replace(_ENGINEERS, f"people: [ann, ben, {', '.join(one.name for one in CROWD)}]")
