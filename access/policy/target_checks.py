"""Checks of what resources share whose settings lead to one target."""

from collections.abc import Iterator, Sequence

from access.policy.document import Document
from access.policy.explain import Finding
from access.policy.shape import PolicyShape
from access.policy.targets import Target


def findings(shape: PolicyShape, document: Document, targets: Sequence[Target]) -> Iterator[Finding]:
    """`targets`: one for each resource, in their order."""
    yield from _limits(shape, document, targets)


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
