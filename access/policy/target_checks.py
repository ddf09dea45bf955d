"""Checks of what resources share whose settings lead to one target."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from access.catalog import CANARY_NAME
from access.policy.document import Document, Path
from access.policy.explain import Finding
from access.policy.shape import PolicyShape, ResourceShape
from access.policy.targets import Target


@dataclass(frozen=True, eq=False)
class _Receiver:
    """A person, or the canary."""

    label: str
    path: Path
    """Where the names stand."""
    names: Mapping[str, str]
    otherwise: str

    def usual(self, provider: str) -> str:
        return self.names.get(provider, self.otherwise)


def findings(shape: PolicyShape, document: Document, targets: Sequence[Target]) -> Iterator[Finding]:
    """`targets`: one for each resource, in their order."""
    yield from _limits(shape, document, targets)
    at_target: defaultdict[str, list[ResourceShape]] = defaultdict(list)
    for resource, target in zip(shape.resources, targets, strict=True):
        at_target[target.key].append(resource)
    receivers, named = _receivers(shape), defaultdict[str, list[_Receiver]](list)
    for one in receivers:
        for resource_id in one.names:
            named[resource_id].append(one)
    usual = {
        provider: {one.usual(provider): one for one in reversed(receivers)}
        for provider in {resource.provider for resource in shape.resources}
    }
    for resources in at_target.values():
        by_resource = {resource.id: named.get(resource.id, []) for resource in resources}
        yield from _principals(by_resource, usual[resources[0].provider])


def _limits(shape: PolicyShape, document: Document, targets: Sequence[Target]) -> Iterator[Finding]:
    """A target bears what it bears: neither of two words for it may win by chance or by order."""
    first: dict[str, int] = {}
    for index, (resource, target) in enumerate(zip(shape.resources, targets, strict=True)):
        if resource.limits is None:
            continue
        other = first.setdefault(target.key, index)
        if shape.resources[other].limits != resource.limits:
            line = document.line(("resources", other, "limits"))
            yield (
                ("resources", index, "limits"),
                f"`{resource.id}` and `{shape.resources[other].id}` (line {line}) are at one target and say different "
                "`limits`; say the same, or say them at one of the two",
            )


def _receivers(shape: PolicyShape) -> list[_Receiver]:
    people = [
        _Receiver(f"`{name}`", ("people", name, "names"), person.names, name) for name, person in shape.people.items()
    ]
    if shape.canary is None:
        return people
    return [*people, _Receiver("the canary", ("canary", "names"), shape.canary.names, CANARY_NAME)]


def _principals(named: Mapping[str, Sequence[_Receiver]], usual: Mapping[str, _Receiver]) -> Iterator[Finding]:
    """Two under one name on a target would share what either of them is granted, whichever resource it was by.

    `named`: by resource of one target, who has a name for it alone; `usual`: who is called what by all others. Two of
    those alike are told elsewhere.
    """
    first: dict[str, tuple[_Receiver, str]] = {}
    for one, here in ((one, here) for here, ones in named.items() for one in ones):
        principal = one.names[here]
        other, there = first.setdefault(principal, (one, here))
        if other is one and principal in usual:
            other = usual[principal]
            there = next((resource for resource in named if resource not in other.names), "")
        if other is not one and there:
            yield (*one.path, here), _both(one, here, other, there, principal)


def _both(one: _Receiver, here: str, other: _Receiver, there: str, principal: str) -> str:
    if here == there:
        return f"{one.label} and {other.label} would both be `{principal}` on {here}; each needs a name of their own"
    return (
        f"{one.label} on {here} and {other.label} on {there} would both be `{principal}`, and both are at one target; "
        "each needs a name of their own"
    )
