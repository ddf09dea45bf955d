"""Loads the policy file: strictly, with the line and the cure for everything that is wrong in it."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import combinations
from typing import Any

from pydantic import ValidationError

from access import catalog
from access.errors import PolicyError
from access.ids import Person, SlackChannel, SlackUser
from access.policy import checks, explain, target_checks
from access.policy.advice import advice
from access.policy.document import Document, Path, Problem, read
from access.policy.explain import Finding
from access.policy.shape import CanaryShape, PolicyShape, ResourceShape, RuleShape
from access.policy.targets import Target, targets
from access.ports import CallLimits, Provider


def load_policy(text: str, *, file: str, providers: Mapping[str, type[Provider]]) -> catalog.Policy:
    """The policy that this text says. Raises PolicyError at its first error; its sentence holds all of them."""
    policy, problems = check(text, file=file, providers=providers)
    if policy is not None:
        return policy
    first, *others = problems
    sentence = "\n".join([first.sentence, *(problem.at(file) for problem in others)])
    raise PolicyError(sentence, file=file, line=first.line)


def check(
    text: str, *, file: str, providers: Mapping[str, type[Provider]]
) -> tuple[catalog.Policy | None, list[Problem]]:
    """The policy, or None where it has errors; and the problems by line: errors, or advice on what loads."""
    document = read(text)
    shape, found = _shape(document)
    policy = None
    if shape is not None:
        read_targets, target_findings = targets(shape, providers)
        policy = _policy(shape, read_targets, text, file)
        found += [*checks.findings(shape, document, providers), *target_findings, *_overlaps(policy, document)]
        found += target_checks.findings(shape, document, read_targets)
    problems = document.problems + [Problem(line=document.line(path), sentence=sentence) for path, sentence in found]
    if policy is None or problems:
        return None, _by_line(problems)
    warnings = [
        Problem(line=document.line(path), sentence=sentence, severity="warning") for path, sentence in advice(policy)
    ]
    return policy, _by_line(warnings)


def _by_line(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.line or 0)


def _shape(document: Document) -> tuple[PolicyShape | None, list[Finding]]:
    """Reads past words it does not know, so that one round shows all there is to mend."""
    if document.data is None:
        empty = "the file is empty; access.example.yml is a good start"
        return None, [] if document.problems else [((), empty)]
    found: list[Finding] = []
    while True:
        try:
            return PolicyShape.model_validate(document.data), found
        except ValidationError as error:
            unknown = [detail for detail in explain.details(error) if explain.is_unknown_word(detail)]
            if not unknown:
                return None, [*found, *explain.findings(error, PolicyShape)]
            found += [explain.finding(detail, PolicyShape) for detail in unknown]
            for detail in unknown:
                _drop(document.data, detail["loc"])


def _drop(data: Any, path: Path) -> None:
    for part in path[:-1]:
        data = data[part]
    del data[path[-1]]


def _policy(shape: PolicyShape, read_targets: list[Target], text: str, file: str) -> catalog.Policy:
    people = {Person(name): entry for name, entry in shape.people.items()}
    return catalog.Policy(
        version=shape.version,
        slack_team=shape.organisation.slack_team,
        timezone=shape.organisation.timezone,
        people={
            name: catalog.PersonEntry(
                name=name,
                slack=SlackUser(entry.slack),
                names=entry.names,
                manager=None if entry.manager is None else Person(entry.manager),
            )
            for name, entry in people.items()
        },
        levels={name: catalog.Level(name=name, **dict(level)) for name, level in shape.levels.items()},
        groups={
            name: catalog.Group(name=name, people=frozenset(map(Person, group.people)))
            for name, group in shape.groups.items()
        },
        resources={
            resource.id: _resource(resource, target)
            for resource, target in zip(shape.resources, read_targets, strict=True)
        },
        rules=tuple(_rule(rule) for rule in shape.rules),
        bundles=tuple(
            catalog.Bundle(id=bundle.id, title=bundle.title, entitlements=tuple(bundle.entitlements))
            for bundle in shape.bundles
        ),
        security=catalog.Security(group=shape.security.group, channel=SlackChannel(shape.security.channel)),
        canary=_canary(shape.canary),
        digest=catalog.Digest(channel=SlackChannel(shape.digest.channel), at=shape.digest.at),
        warn_before_end=shape.limits.warn_before_end,
        extensions=shape.limits.extensions,
        sha256=sha256(text.encode()).hexdigest(),
        text=text,
        file=file,
    )


def _resource(resource: ResourceShape, target: Target) -> catalog.Resource:
    return catalog.Resource(
        id=resource.id,
        title=resource.title,
        level=resource.level,
        owner=resource.owner,
        tags=frozenset(resource.tags),
        provider=resource.provider,
        settings=target.settings.said,
        all_settings=target.settings.everything,
        target=target.key,
        limits=None if resource.limits is None else CallLimits(**dict(resource.limits)),
        roles={
            name: catalog.Role(
                name=name,
                title=role.title,
                level=role.level or resource.level,
                definition=target.definitions[name].said,
                all_definition=target.definitions[name].everything,
                description=role.description or "",
            )
            for name, role in resource.roles.items()
        },
    )


def _rule(rule: RuleShape) -> catalog.Rule:
    return catalog.Rule(
        id=rule.id,
        groups=tuple(rule.who.groups),
        entitlements=tuple(rule.who.entitlements),
        on_behalf=tuple(rule.on_behalf.groups) if rule.on_behalf else (),
        max=rule.max,
        channel=SlackChannel(rule.approve.channel),
        stages=tuple(
            catalog.Stage(any_of=tuple(stage.any_of), all_of=tuple(stage.all_of), quorum=stage.quorum)
            for stage in rule.approve.stages
        ),
        reminders=tuple(
            catalog.Reminder(
                after=step.after,
                group=step.to,
                channel=None if step.channel is None else SlackChannel(step.channel),
            )
            for step in rule.escalate
            if step.to is not None
        ),
        lapses_after=next((step.after for step in rule.escalate if step.then is not None), None),
    )


def _canary(shape: CanaryShape | None) -> catalog.Canary | None:
    if shape is None:
        return None
    return catalog.Canary(entitlements=tuple(shape.entitlements), every=shape.every, names=shape.names)


def _overlaps(policy: catalog.Policy, document: Document) -> Iterator[Finding]:
    """Two rules for one person and entitlement: neither may win by chance, by order or by being the looser."""
    reach = [(rule, frozenset(rule.entitlements), policy.members(rule.groups)) for rule in policy.rules]
    for (first, (one, opens, people)), (second, (other, opens_too, people_too)) in combinations(enumerate(reach), 2):
        entitlements, both = opens & opens_too, people & people_too
        if not entitlements or not both:
            continue
        line = document.line(("rules", first))
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        sentence = (
            f"rules `{one.id}` (line {line}) and `{other.id}` both open {min(entitlements)} to {min(both)}{more}; "
            "only one rule may match"
        )
        yield ("rules", second), sentence
