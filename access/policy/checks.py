"""Checks what shapes cannot: that every name exists, no rule loosens a level, and everybody is one person."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from access.catalog import CANARY_NAME, MANAGER, OWNER, Entitlement
from access.durations import format_duration
from access.policy.document import Document, Path
from access.policy.explain import Finding, unknown_name
from access.policy.shape import CanaryShape, EscalateShape, PersonShape, PolicyShape, RuleShape
from access.words import counted


def findings(shape: PolicyShape, document: Document, providers: Iterable[str]) -> Iterator[Finding]:
    """Everything wrong in a policy whose parts have the right shape."""
    yield from _people(shape, document, sorted(providers))
    yield from _groups(shape)
    yield from _resources(shape, document)
    yield from _rules(shape, document)
    yield from _bundles(shape, document)
    yield from _canary(shape, providers)
    yield from _known("group", shape.security.group, shape.groups, ("security", "group"))
    if shape.security.group in shape.groups and not shape.groups[shape.security.group].people:
        yield (
            ("security", "group"),
            f"group `{shape.security.group}` has no people; at least one person must be able to revoke",
        )


def _people(shape: PolicyShape, document: Document, providers: list[str]) -> Iterator[Finding]:
    by_slack: dict[str, str] = {}
    known = _callers(shape, providers)
    for name, person in shape.people.items():
        first = by_slack.setdefault(person.slack, name)
        if first != name:
            line = document.line(("people", first))
            yield (
                ("people", name, "slack"),
                f"`{name}` and `{first}` (line {line}) have the same Slack account; they are one person",
            )
        yield from _called(person.names, known, providers, ("people", name, "names"))
        yield from _managed(name, person, shape)
    for provider in providers:
        yield from _principals(shape, provider)


def _managed(name: str, person: PersonShape, shape: PolicyShape) -> Iterator[Finding]:
    if person.manager is None:
        return
    path: Path = ("people", name, "manager")
    yield from _known("person", person.manager, shape.people, path)
    if person.manager == name:
        yield path, f"`{name}` is named as the manager of `{name}`; name another person, or leave it out"


def _callers(shape: PolicyShape, providers: Iterable[str]) -> dict[str, None]:
    """By what `names` may be said."""
    return dict.fromkeys([*providers, *(resource.id for resource in shape.resources)])


def _called(names: Iterable[str], known: Collection[str], providers: list[str], path: Path) -> Iterator[Finding]:
    for name in names:
        if name not in known:
            otherwise = f"name a resource by its id, or one of the providers {_listed(providers)}"
            yield (*path, name), unknown_name("provider or resource", name, known, otherwise)


def _principals(shape: PolicyShape, provider: str) -> Iterator[Finding]:
    """Two people under one name on a target would share what either of them is granted."""
    by_principal: dict[str, str] = {}
    for name, person in shape.people.items():
        principal = person.names.get(provider, name)
        first = by_principal.setdefault(principal, name)
        if first != name:
            path: Path = ("people", name, "names", provider)
            yield (
                path,
                f"`{name}` and `{first}` would both be `{principal}` on {provider}; each needs a name of their own",
            )


def _groups(shape: PolicyShape) -> Iterator[Finding]:
    for name, group in shape.groups.items():
        path: Path = ("groups", name, "people")
        if name in (OWNER, MANAGER):
            yield ("groups", name), f"`{name}` is a word of approval chains; give the group another name"
        yield from _twice(group.people, path)
        for index, person in enumerate(group.people):
            yield from _known("person", person, shape.people, (*path, index))


def _resources(shape: PolicyShape, document: Document) -> Iterator[Finding]:
    ids = [resource.id for resource in shape.resources]
    yield from _ids_twice(ids, "resources", document)
    for index, resource in enumerate(shape.resources):
        yield from _known("level", resource.level, shape.levels, ("resources", index, "level"))
        yield from _known("group", resource.owner, shape.groups, ("resources", index, "owner"))
        yield from _twice(resource.tags, ("resources", index, "tags"))
        for name, role in resource.roles.items():
            if role.level is not None:
                yield from _known("level", role.level, shape.levels, ("resources", index, "roles", name, "level"))


def _rules(shape: PolicyShape, document: Document) -> Iterator[Finding]:
    yield from _ids_twice([rule.id for rule in shape.rules], "rules", document)
    levels = {
        Entitlement(resource.id, name): role.level or resource.level
        for resource in shape.resources
        for name, role in resource.roles.items()
    }
    for index, rule in enumerate(shape.rules):
        base: Path = ("rules", index)
        yield from _who(rule, shape, levels, (*base, "for"))
        if rule.on_behalf is not None:
            yield from _groups_named(rule.on_behalf.groups, shape, (*base, "on_behalf", "groups"))
        yield from _stages(rule, shape, levels, (*base, "approve", "stages"))
        yield from _longest(rule, shape, levels, (*base, "max"))
        yield from _ladder(rule, shape, levels, (*base, "escalate"))


def _who(rule: RuleShape, shape: PolicyShape, levels: dict[Entitlement, str], path: Path) -> Iterator[Finding]:
    yield from _groups_named(rule.who.groups, shape, (*path, "groups"))
    yield from _twice([str(one) for one in rule.who.entitlements], (*path, "entitlements"))
    for index, entitlement in enumerate(rule.who.entitlements):
        if entitlement not in levels:
            otherwise = "add the role to its resource under `resources`"
            sentence = unknown_name("entitlement", str(entitlement), map(str, levels), otherwise)
            yield (*path, "entitlements", index), sentence


def _groups_named(groups: list[str], shape: PolicyShape, path: Path) -> Iterator[Finding]:
    yield from _twice(groups, path)
    for index, group in enumerate(groups):
        yield from _known("group", group, shape.groups, (*path, index))


def _bundles(shape: PolicyShape, document: Document) -> Iterator[Finding]:
    """A part that can never be asked for would be left out of every request, and be missed when it is needed."""
    yield from _ids_twice([bundle.id for bundle in shape.bundles], "bundles", document)
    opened = {entitlement for rule in shape.rules for entitlement in rule.who.entitlements}
    resources = {resource.id for resource in shape.resources}
    for index, bundle in enumerate(shape.bundles):
        path: Path = ("bundles", index, "entitlements")
        if bundle.id in resources:
            yield ("bundles", index, "id"), f"`{bundle.id}` is a resource; give the bundle another name"
        yield from _twice([str(one) for one in bundle.entitlements], path)
        for place, entitlement in enumerate(bundle.entitlements):
            if entitlement not in opened:
                sentence = unknown_name("entitlement", str(entitlement), map(str, opened), "no rule opens it; add one")
                yield (*path, place), sentence


def _canary(shape: PolicyShape, providers: Iterable[str]) -> Iterator[Finding]:
    """It is granted without a reviewer, so it must be something that no person can have."""
    if shape.canary is None:
        return
    catalog = [f"{resource.id}/{role}" for resource in shape.resources for role in resource.roles]
    openers = {one: rule.id for rule in shape.rules for one in rule.who.entitlements}
    yield from _twice([str(one) for one in shape.canary.entitlements], ("canary", "entitlements"))
    for index, entitlement in enumerate(shape.canary.entitlements):
        path: Path = ("canary", "entitlements", index)
        if str(entitlement) not in catalog:
            otherwise = "add the role to its resource under `resources`"
            yield path, unknown_name("entitlement", str(entitlement), catalog, otherwise)
        if entitlement in openers:
            yield (
                path,
                f"rule `{openers[entitlement]}` opens {entitlement} to people; a canary is granted without a reviewer, "
                "so no rule may open its role",
            )
    known = sorted(providers)
    yield from _called(shape.canary.names, _callers(shape, known), known, ("canary", "names"))
    for provider in known:
        yield from _canary_names(shape, shape.canary, provider)


def _canary_names(shape: PolicyShape, canary: CanaryShape, provider: str) -> Iterator[Finding]:
    """Else a person would receive what nobody approved."""
    principal = canary.names.get(provider, CANARY_NAME)
    for name, person in shape.people.items():
        if person.names.get(provider, name) == principal:
            yield (
                ("canary", "names", provider),
                f"the canary and `{name}` would both be `{principal}` on {provider}; give the canary a name of its own",
            )


def _stages(rule: RuleShape, shape: PolicyShape, levels: dict[Entitlement, str], path: Path) -> Iterator[Finding]:
    for index, stage in enumerate(rule.approve.stages):
        word = "any_of" if stage.any_of else "all_of"
        yield from _twice(stage.groups, (*path, index, word))
        for place, group in enumerate(stage.groups):
            if group not in (OWNER, MANAGER):
                yield from _known("group", group, shape.groups, (*path, index, word, place))
    yield from _floor(rule, shape, levels, path)


def _floor(rule: RuleShape, shape: PolicyShape, levels: dict[Entitlement, str], path: Path) -> Iterator[Finding]:
    """Over the whole chain, in which a person counts once."""
    wanted = sum(len(stage.all_of) or stage.quorum for stage in rule.approve.stages)
    for entitlement in rule.who.entitlements:
        level = shape.levels.get(levels.get(entitlement, ""))
        if level and wanted < level.quorum:
            yield (
                path,
                f"the chain wants {wanted} of the {counted(level.quorum, 'approval', 'approvals')} that level "
                f"`{levels[entitlement]}` of "
                f"{entitlement} demands; raise a `quorum` or add a stage",
            )
            return


def _longest(rule: RuleShape, shape: PolicyShape, levels: dict[Entitlement, str], path: Path) -> Iterator[Finding]:
    for entitlement in rule.who.entitlements:
        level = shape.levels.get(levels.get(entitlement, ""))
        if level and rule.max and rule.max > level.max:
            yield (
                path,
                f"`max` of {format_duration(rule.max)} is over {format_duration(level.max)}, the most that level "
                f"`{levels[entitlement]}` of {entitlement} allows; a rule may tighten a level, never loosen it",
            )


def _ladder(rule: RuleShape, shape: PolicyShape, levels: dict[Entitlement, str], path: Path) -> Iterator[Finding]:
    """Every step must come to pass, and none may ask people who could not answer."""
    known = [shape.levels[name] for one in rule.who.entitlements if (name := levels.get(one)) in shape.levels]
    longest = max((level.request_ttl for level in known), default=None)
    for index, step in enumerate(rule.escalate):
        base: Path = (*path, index)
        yield from _reminded(step, rule, shape, base)
        if index and (sentence := _order(rule.escalate[index - 1], step)):
            yield (*base, "after"), sentence
        if longest and step.after >= longest:
            after, lapses = format_duration(step.after), format_duration(longest)
            yield (
                (*base, "after"),
                f"`after` of {after} never comes: by `request_ttl` the request lapses after {lapses}",
            )


def _reminded(step: EscalateShape, rule: RuleShape, shape: PolicyShape, path: Path) -> Iterator[Finding]:
    if step.channel == rule.approve.channel:
        yield (*path, "channel"), f"the card is in {step.channel} already; name another channel, or leave it out"
    if step.to is None:
        return
    yield from _known("group", step.to, shape.groups, (*path, "to"))
    approvers = [*dict.fromkeys(group for stage in rule.approve.stages for group in stage.groups)]
    each = next((number for number, stage in enumerate(rule.approve.stages, start=1) if stage.all_of), None)
    if step.to in shape.groups and step.to not in approvers and each is not None:
        yield (
            (*path, "to"),
            f"stage {each} wants one person of each of its groups, so `{step.to}` cannot be added to this chain; "
            f"remind {_listed(approvers, ' or ')}",
        )


def _order(before: EscalateShape, step: EscalateShape) -> str | None:
    if before.then is not None:
        return "nothing comes after `then: lapse`; make it the last step"
    if step.after > before.after:
        return None
    return f"`after` must grow from step to step; the one before has {format_duration(before.after)}"


def _known(kind: str, name: str, known: Collection[str], path: Path) -> Iterator[Finding]:
    if name not in known:
        yield path, unknown_name(kind, name, known, f"add it under `{_SECTION[kind]}`")


_SECTION = {"person": "people", "group": "groups", "level": "levels"}


def _twice(names: list[str], path: Path) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield (*path, index), f"`{name}` is in this list twice; keep one"
        seen.add(name)


def _ids_twice(ids: list[str], section: str, document: Document) -> Iterator[Finding]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(ids):
        places[name].append(index)
        if places[name][0] != index:
            first = document.line((section, places[name][0], "id"))
            yield (section, index, "id"), f"`{name}` is here twice, the first time on line {first}; give it another id"


def _listed(names: list[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names) or "none"
