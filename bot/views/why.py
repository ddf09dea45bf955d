"""What `/access why` answers: how a request was decided, step by step, and who is asked now and who is not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from access.ids import Person, short
from access.models import Request, RequestStatus, Review, Verdict
from access.policy.simulate import AskedStage
from access.queries.why import Now, Then, Version, Why
from access.words import counted
from bot.views.blocks import (
    Block,
    Rendered,
    at,
    channel,
    code,
    context,
    escaped,
    header,
    line,
    mention,
    note,
    person,
    preformatted,
    quoted,
    section,
    sentence,
    shortened,
    span,
    title,
)
from bot.views.thread import comments_beneath

_STEPS, _STEP = 12, 160
"""Lines of a trace, and characters of each: a message has room for 10,000 over all its blocks."""
_VOTES, _COMMENTS, _COMMENT = 5, 2, 120
_MOMENTS, _THEN, _GROUPS, _BY = 3, 100, 1, 30
_STAGES, _NAMED, _NAMES, _OTHERS = 3, 10, 300, 300
_BECAME = {
    RequestStatus.PENDING: "Waiting",
    RequestStatus.APPROVED: "Approved",
    RequestStatus.DENIED: "Denied",
    RequestStatus.CANCELLED: "Taken back",
    RequestStatus.LAPSED: "Lapsed",
}


def why_list(why: Why) -> Rendered:
    request = why.request
    state = "Cancelled" if _is_cancelled(request) else _BECAME[RequestStatus(request.status)]
    blocks = [
        header(f"{state}: why"),
        line(*_who(request), title(request.role_title), span(" on "), title(request.resource_title), span(" ("),
             span(request.entitlement, code=True), span(")")),
        *by_policy(why),
        *votes_cast(why.votes, request),
        *could_decide(why.then, most=_MOMENTS),
        *comments_beneath(why.thread, most=_COMMENTS, longest=_COMMENT),
        *how_it_ended(request),
        *(waits_for(why.now, request) if why.now else ()),
        context(f"Request {code(short(request.id))}, version {request.version}"),
    ]  # fmt: skip
    return Rendered(text=f"{state}: why, {request.entitlement}, request {short(request.id)}", blocks=blocks)


def _who(request: Request) -> Iterator[dict[str, object]]:
    yield person(request.requester_slack)
    if request.subject_slack == request.requester_slack:
        yield span(" asked for ")
        return
    yield span(" asked that ")
    yield person(request.subject_slack)
    yield span(" gets ")


def _is_cancelled(request: Request) -> bool:
    return request.status == RequestStatus.CANCELLED and bool(request.decided_because)


def by_policy(why: Why) -> Iterator[Block]:
    request = why.request
    terms = f"rule {code(request.rule)}, level {code(request.level)}, in {channel(request.channel)}"
    yield section(f"*Asked {at(request.asked_at)}* by {terms}. The policy of then:")
    steps = [step for version in why.versions for step in version.trace]
    yield preformatted("\n".join(_cut(steps)) or "The log does not have its steps.")
    for version in why.versions:
        if version.number > 1:
            yield context(_new_version(version))


def _new_version(version: Version) -> str:
    return f"Version {version.number}, {at(version.at)}: the terms had changed, so votes on earlier versions are void."


def _cut(steps: Sequence[str]) -> list[str]:
    shown = [shortened(_said(step), _STEP) for step in steps[:_STEPS]]
    return [*shown, f"and {counted(len(steps) - _STEPS, 'more step', 'more steps')}"] if len(steps) > _STEPS else shown


def _said(step: str) -> str:
    """Its sign as a word, which every reader has."""
    return step.replace("✓", "yes,", 1) if step.startswith("✓") else step.replace("✗", "no,", 1)


def votes_cast(votes: Sequence[Review], request: Request) -> Iterator[Block]:
    if not votes:
        yield section("*Votes:* none.")
        return
    yield section("*Votes*\n" + "\n".join(_vote(one, request) for one in votes[:_VOTES]))
    if len(votes) > _VOTES:
        yield context(f"And {counted(len(votes) - _VOTES, 'more vote', 'more votes')}.")
    for one in votes[:_VOTES]:
        if one.comment:
            yield quoted(f"{one.reviewer} wrote", shortened(one.comment, _COMMENT))


def _vote(vote: Review, request: Request) -> str:
    said = "approved" if vote.verdict == Verdict.APPROVE else "denied"
    groups = f", for {' and '.join(map(code, vote.groups))}" if vote.groups else ""
    void = "" if vote.version == request.version else f", on version {vote.version}, which is void"
    return f"{mention(vote.reviewer_slack)} {said} {at(vote.at)}, stage {vote.stage}{groups}{void}"


def could_decide(then: Sequence[Then], *, most: int) -> Iterator[Block]:
    """By what was kept with each decision, whoever is in those groups by now."""
    if not then:
        return
    yield section("*Who could decide then*\n" + "\n".join(map(_moment, then[:most])))
    if len(then) > most:
        yield context(f"And {counted(len(then) - most, 'more moment', 'more moments')}.")


def _moment(one: Then) -> str:
    event = (
        f"before {escaped(shortened(one.by, _BY))} answered"
        if one.by
        else "asked"
        if one.version == 1
        else "asked anew"
    )
    people = escaped(shortened(_names(one.people), _THEN)) or "no person could"
    groups = " or ".join(map(code, one.groups[:_GROUPS]))
    groups += f" or {len(one.groups) - _GROUPS} more" if len(one.groups) > _GROUPS else ""
    others = f"; not {escaped(shortened(_reasons(one.others), _THEN))}" if one.others else ""
    return f"{at(one.at)}, {event}, stage {one.stage}: {people} (of {groups}){others}"


def how_it_ended(request: Request) -> Iterator[Block]:
    when = f" {at(request.decided_at)}" if request.decided_at else ""
    if request.decided_because:
        yield section(f"*{'Cancelled' if _is_cancelled(request) else 'Lapsed'}{when}*")
        yield sentence(request.decided_because)
    elif request.status == RequestStatus.LAPSED:
        yield section(f"*Lapsed{when}:* no approver answered in time.")
    elif request.status == RequestStatus.CANCELLED:
        yield section(f"*Taken back{when}* by {mention(request.requester_slack)}.")


def waits_for(now: Now, request: Request) -> Iterator[Block]:
    if now.objection is not None:
        yield section("*By the policy of now it would be refused.*")
        yield sentence(now.objection)
    if now.changed:
        yield section("*The policy of now has other terms.* With the next approval a new card is posted with them.")
    for stage in now.stages[:_STAGES]:
        yield section(_stage(stage, now))
        yield note(shortened(_others(stage), _OTHERS))
    yield context(f"Lapses {at(request.lapses_at)}.")


def _stage(one: AskedStage, now: Now) -> str:
    turn = "Asked now" if one is now.stages[0] else "Asked after that"
    where = f", stage {one.number} of {now.of}" if now.of > 1 else ""
    groups = (" and " if one.stage.all_of else " or ").join(map(code, one.stage.groups))
    people = escaped(shortened(_names(one.people), _NAMES)) or "no person can decide it"
    how_many = f", {counted(one.stage.wanted, 'approval', 'approvals')}" if one.stage.wanted > 1 else ""
    return f"*{turn}{where}, by the policy of now:* {people} (of {groups}{how_many})"


def _others(one: AskedStage) -> str:
    said = _reasons(one.others)
    return f"Not asked. {said}." if said else "Every person of the policy is asked."


def _reasons(others: Mapping[Person, str]) -> str:
    by_reason = defaultdict[str, list[Person]](list)
    for name, because in others.items():
        by_reason[because].append(name)
    return "; ".join(f"{_names(names)}: {because}" for because, names in by_reason.items())


def _names(people: Iterable[Person]) -> str:
    names = list(people)
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])
