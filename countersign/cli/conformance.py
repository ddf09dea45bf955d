"""`countersign conformance --live`: whether a provider keeps its promises on a target in use, after a warning."""

import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from access.catalog import Policy, Resource, Role
from access.errors import NotFound, ProviderError, Unready
from access.nearest import nearest
from access.policy_source import PolicySource
from access.ports import Deadline, Finding, GrantSpec, Isolation
from access.settings import Settings
from access.words import counted
from countersign.cli.reading import name_policy
from countersign.conformance.live import CALL_SECONDS, ENDS_BY_ITSELF, Run, Seen, Target, look_at
from countersign.conformance.live_promises import LIVE
from countersign.conformance.promises import PROMISES
from countersign.providers import ProviderClasses
from workers.targets import ProviderTargets

_MINUTES = round(ENDS_BY_ITSELF.total_seconds() / 60)
_GRANTS = 30
KEPT, NOT_KEPT, NOT_TRIED = 0, 1, 2


def run_live(settings: Settings, resource: str, *, meant: str | None, role: str | None, principal: str | None) -> int:
    """The exit code: 1 where a promise is broken, 2 where nothing, or not all, was tried.

    Raises PolicyError, NotFound for a word that the policy does not have, and ProviderError.
    """
    name_policy(settings)
    classes = ProviderClasses()
    policy = PolicySource(settings.policy_file, classes).current()
    target = _target(policy, classes, resource, role, principal)
    with _ended_at_the_end(Run(target)) as run:
        _say_what_comes(run, policy.resources[resource])
        if not _is_meant(resource, meant):
            return NOT_TRIED
        if not _is_well(run, policy.resources[resource]):
            return NOT_TRIED
        seen = list(_shown(run))
        print(_table(seen, run.no_way_in), flush=True)
    if any(one.state == "broken" for one in seen):
        return NOT_KEPT
    opened = next(one for one in seen if one.number == "C01")  # without that the rest says little
    return NOT_TRIED if opened.state == "not looked at" else KEPT


def _target(policy: Policy, classes: ProviderClasses, name: str, role: str | None, principal: str | None) -> Target:
    if name not in policy.resources:
        near = nearest(name, policy.resources)
        raise NotFound(f"The policy has no resource {name}{f'; did you mean {near}?' if near else '.'}")
    resource = policy.resources[name]
    chosen = _role(policy, resource, role)
    targets = ProviderTargets(classes, classes.version)
    targets.of(resource.provider, resource.settings, resource.id).close()  # raises what is wrong with it, in a sentence
    kind = classes[resource.provider]
    return Target(
        make=lambda: kind(kind.Settings.model_validate(dict(resource.settings))),
        resource=resource.id, role=chosen.name, definition=chosen.definition, settings=resource.settings,
        principal=principal or (policy.canary.principal(resource) if policy.canary else "canary"),
    )  # fmt: skip


def _role(policy: Policy, resource: Resource, role: str | None) -> Role:
    """The one that was named; else the canary's, which gives nothing; else the only one."""
    if role is not None:
        if role not in resource.roles:
            raise NotFound(f"The resource {resource.id} has no role {role}; it has {', '.join(resource.roles)}.")
        return resource.roles[role]
    canaries = [
        one.role for one in (policy.canary.entitlements if policy.canary else ()) if one.resource == resource.id
    ]
    if canaries or len(resource.roles) == 1:
        return resource.roles[(canaries or list(resource.roles))[0]]
    raise NotFound(
        f"Say which role is opened, best one that gives nothing: --role {' or --role '.join(resource.roles)}."
    )


def _say_what_comes(run: Run, resource: Resource) -> None:
    target = run.target
    plan = run.provider.plan(run.planned())
    ends = f", and the target ends each after {_MINUTES} minutes by itself" if run.able.native_expiry else ""
    made = "What it makes is named cs_… and is removed again"
    if run.able.isolation is Isolation.SHARED:
        made = f"What it gives to {target.principal} is taken away again"
    opened = f"{target.resource}/{target.role} for {target.principal}"
    print(
        f"This opens and ends access on {resource.id} ({resource.title}), a target in use, by the provider "
        f"{resource.provider}.\nIt opens {opened}, about {_GRANTS} times, each for seconds{ends}.\n"
        f"{made}, also after Ctrl-C. No person gets what it opens,\n"
        "no approver is asked, and nothing is written to Countersign's database. Each grant does this:\n"
    )
    print("\n".join(f"    {line}" for statement in plan.grant for line in statement.splitlines()))
    print("\nand is ended; by hand that would be, " + (f"on {plan.where}:\n" if plan.where else "there:\n"))
    print("\n".join(f"    {line}" for statement in plan.revoke for line in statement.splitlines()) + "\n", flush=True)


def _is_meant(resource: str, meant: str | None) -> bool:
    """Typed by a person, or said by a script."""
    said = meant
    if said is None:
        print(f"To go on, type the name of the resource ({resource}): ", end="", flush=True)
        said = sys.stdin.readline().strip()
    if said == resource:
        return True
    print(f"That is not {resource}, so nothing was tried.", file=sys.stderr)
    return False


def _is_well(run: Run, resource: Resource) -> bool:
    """What the provider finds wrong with its target is to be mended first."""
    kind = type(run.provider)
    roles = {role.name: kind.Role.model_validate(dict(role.definition)) for role in resource.roles.values()}
    found = run.provider.check(roles, Deadline.after(2 * CALL_SECONDS))
    errors = [one for one in found if one.level == "error"]
    for one in errors:
        print(_finding(one), file=sys.stderr)
    if errors:
        print("The provider's own check finds this wrong. Mend it first; nothing was tried.", file=sys.stderr)
    return not errors


def _finding(one: Finding) -> str:
    return f"{one.subject}: {one.sentence}{f' {one.cure}' if one.cure else ''}"


def _shown(run: Run) -> Iterator[Seen]:
    """Each as it is looked at."""
    for seen in look_at(run, LIVE, list(PROMISES)):
        if seen.number in LIVE:
            print(f"{seen.number}  {seen.state}", flush=True)
        yield seen


def _table(seen: Sequence[Seen], no_way_in: str) -> str:
    looked = [one for one in seen if one.number in LIVE]
    lines = ["", *(line for one in looked for line in _row(one))]
    rest = [one.number for one in seen if one.number not in LIVE]
    lines.append(f"  not looked at  {', '.join(rest)}")
    lines.append(f"                 {seen[-1].why if rest else ''}".rstrip())
    count = {state: sum(one.state == state for one in seen) for state in ("kept", "in part", "broken")}
    total = counted(count["kept"], "promise is", "promises are")
    lines.append(f"\n{total} kept, {count['in part']} as far as could be looked, {count['broken']} broken; "
                 f"{len(seen) - sum(count.values())} not looked at.")  # fmt: skip
    if no_way_in:
        lines.append(
            f"\nIt could not look as the person: {no_way_in}.\nThat a person gets in after the grant, and does not "
            "after the revoke, is the provider's word alone. Try it once by hand."
        )
    return "\n".join(lines)


def _row(one: Seen) -> Iterable[str]:
    state = "BROKEN" if one.state == "broken" else one.state
    yield f"  {state:<13}  {one.number}  {PROMISES[one.number]}"
    if one.why:
        yield f"                      {one.why}"


@contextmanager
def _ended_at_the_end(run: Run) -> Iterator[Run]:
    """Whatever happens, what was opened is ended, and who interrupts waits for that."""
    before = {number: signal.signal(number, _interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield run
    except KeyboardInterrupt:
        print("\nInterrupted: what was opened is ended now …", file=sys.stderr, flush=True)
        _end(run)
        raise Unready("It was interrupted, and everything that it opened has been ended.") from None
    finally:
        _end(run)
        run.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _end(run: Run) -> None:
    """Not to be interrupted. Raises Unready with the statements where something is left."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    left = run.end_all()
    if not left:
        return
    run.opened.clear()
    by_hand = "\n".join(f"    {line}" for spec in left for line in _by_hand(run, spec))
    raise Unready(f"This could not be ended; do it by hand:\n{by_hand}")


def _by_hand(run: Run, spec: GrantSpec) -> Iterable[str]:
    try:
        return run.provider.plan(spec).revoke
    except ProviderError as error:
        return (f"cs_{spec.grant_id}: {error.sentence}",)
