"""What a person means by an id: of a request, of what came of it, of more time for it; by a name; or by none at all."""

from collections.abc import Callable, Sequence

from sqlmodel import Session, col, select

from access.actors import Actor
from access.catalog import PersonEntry, Policy
from access.core import Core
from access.errors import InvalidInput, NotFound, Refusal
from access.ids import Person, SlackUser, short
from access.models import Grant, GrantStatus, Request, RequestStatus
from access.people import People
from access.queries.mine import mine, open_grants

LONGEST_ID = 26
_NAMED = 5
_REMEMBERED = 1_000
"""So many of a person's own requests are looked through for one that is decided."""
_BECAME = {
    RequestStatus.DENIED: "was denied",
    RequestStatus.CANCELLED: "was taken back",
    RequestStatus.LAPSED: "has lapsed",
    RequestStatus.APPROVED: "was approved, and is over",
}


def request_to_cancel(core: Core, *, text: str, by: Actor) -> Request:
    """One of this person's pending requests: by its id or the end of it, or the only one. Raises a Refusal."""
    waiting = mine(core, person=by).requests
    found = [one for one in waiting if one.id.endswith(text.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise _say_which(found, text, "cancel", f"{len(found)} of your requests wait for an answer")
    if not text:
        raise NotFound("None of your requests waits for an answer.")
    raise _what_became(core, text, by) or NotFound(
        f"None of your requests with the id {_echo(text)} waits for an answer.{_there_is(waiting)}"
    )


def grant_to_return(core: Core, *, text: str, by: Actor) -> Grant:
    """What this person can give back: by any id that a message shows, or the only one. Raises a Refusal."""
    return _held(core, text, by, "done", lambda grant: grant.status != GrantStatus.REVOKING)


def grant_to_extend(core: Core, *, text: str, by: Actor) -> Grant:
    """The same of what is open."""
    return _held(core, text, by, "extend", lambda grant: grant.status == GrantStatus.ACTIVE)


def grant_to_revoke(core: Core, *, text: str, by: Actor, mentioned: SlackUser | None = None) -> Grant:
    """Anybody's open access, for the security team: by any id, by its holder, or the only one. Raises a Refusal.

    `mentioned`: the account that was named, which says for certain who is meant.
    """
    with core.refusals_recorded(by, "grant.revoke", None):
        core.security_member(by)
        policy = core.policy.last_valid()
    with core.database.read() as session:
        grants = open_grants(session)
        holder = _holder(policy, grants, text, mentioned)
        if holder is not None:
            return _of_holder(policy, holder, grants)
        found = _by_any_id(session, grants, text) if text else _not_ending(grants)
    if len(found) == 1:
        return found[0]
    if found:
        raise _say_which(found, text, "revoke", f"{len(found)} are open", holders=True)
    if not text:
        raise NotFound("No access is open.")
    raise NotFound(f"No open access has the id {_echo(text)}, and the access policy has no person of that name.")


def _held(core: Core, text: str, by: Actor, verb: str, usable: Callable[[Grant], bool]) -> Grant:
    grants = mine(core, person=by).grants
    if text:
        with core.database.read() as session:
            found = _by_any_id(session, grants, text)
    else:
        found = [grant for grant in grants if usable(grant)]
    if len(found) == 1:
        return found[0]
    if found:
        raise _say_which(found, text, verb, f"You hold {len(found)}")
    if not text:
        raise NotFound("You hold no open access.")
    raise _what_became(core, text, by) or NotFound(
        f"You hold no open access with the id {_echo(text)}.{_there_is(grants)}"
    )


def _by_any_id(session: Session, grants: Sequence[Grant], text: str) -> list[Grant]:
    """The grant's own, its request's, or that of a request to extend it."""
    wanted = text.lower()
    found = [grant for grant in grants if grant.id.endswith(wanted) or grant.request_id.endswith(wanted)]
    if found or len(wanted) > LONGEST_ID:
        return found
    more_time = select(Request.extends).where(
        col(Request.extends).is_not(None), col(Request.id).endswith(wanted, autoescape=True)
    )
    extended = set(session.exec(more_time))
    return [grant for grant in grants if grant.id in extended]


def _holder(
    policy: Policy, grants: Sequence[Grant], text: str, mentioned: SlackUser | None
) -> SlackUser | Person | None:  # fmt: skip
    """The account or the name of who is meant; somebody who is in the policy no more may still hold something."""
    if mentioned is not None:
        return mentioned
    wanted = text.removeprefix("@").casefold()
    names = [*policy.people, *(grant.subject for grant in grants)]
    return next((name for name in names if name.casefold() == wanted), None)


def _of_holder(policy: Policy, holder: SlackUser | Person, grants: Sequence[Grant]) -> Grant:
    held = [grant for grant in grants if holder in (grant.subject, grant.subject_slack)]
    found = _not_ending(held)
    known = People(policy).with_account(SlackUser(holder))
    name = known.name if known else holder
    if len(found) == 1:
        return found[0]
    if found:
        raise _say_which(found, "", "revoke", f"{name} holds {len(found)}")
    if held:
        raise NotFound(f"{held[0].entitlement} of {name} is being ended already.")
    raise NotFound(f"{name} holds no open access.")


def _not_ending(grants: Sequence[Grant]) -> list[Grant]:
    return [grant for grant in grants if grant.status != GrantStatus.REVOKING]


def _say_which(
    rows: Sequence[Request] | Sequence[Grant], text: str, verb: str, said: str, *, holders: bool = False
) -> InvalidInput:  # fmt: skip
    if text:
        return InvalidInput("id", f"The id {_echo(text)} fits {len(rows)} of them; write more of it.")
    named = [_named(row, holders=holders) for row in rows[:_NAMED]]
    more = [f"{len(rows) - _NAMED} more"] if len(rows) > _NAMED else []
    listed = " and ".join([", ".join([*named, *more][:-1]), [*named, *more][-1]])
    return InvalidInput("id", f"{said}: {listed}. Say which one: /access {verb} {short(rows[0].id)}")


def _there_is(rows: Sequence[Request] | Sequence[Grant]) -> str:
    """For who mistyped an id."""
    return f" There is {', '.join(_named(row) for row in rows[:_NAMED])}." if rows else ""


def _named(row: Request | Grant, *, holders: bool = False) -> str:
    return f"{short(row.id)} ({row.entitlement}{f' of {row.subject}' if holders else ''})"


def _what_became(core: Core, text: str, by: Actor) -> Refusal | None:
    """Of one's own, whose id is right and the verb is not: what it is now, and what can be done with it."""
    person, grants = core.person(by), mine(core, person=by).grants
    with core.database.read() as session:
        request = _own_request(session, person, text.lower())
    if request is None:
        return None
    name = f"{short(request.id)} ({request.entitlement})"
    if request.status == RequestStatus.PENDING:
        return NotFound(f"Request {name} waits for an answer. To take it back: /access cancel {short(request.id)}")
    held = next((one for one in grants if one.request_id == request.id or one.id == request.extends), None)
    if held is None:
        return NotFound(f"Request {name} {_BECAME[RequestStatus(request.status)]}.")
    if held.status == GrantStatus.REVOKING:
        return NotFound(f"Request {name} was approved, and the access is being ended.")
    return NotFound(f"Request {name} was approved already. To give the access back: /access done {short(held.id)}")


def _own_request(session: Session, person: PersonEntry, wanted: str) -> Request | None:
    """By its own id, or by that of what came of it."""
    own = select(Request).where(Request.requester == person.name, Request.requester_slack == person.slack)
    requests = session.exec(own.order_by(col(Request.id).desc()).limit(_REMEMBERED)).all()
    found = [one for one in requests if one.id.endswith(wanted)]
    if found or len(wanted) > LONGEST_ID:
        return found[0] if len(found) == 1 else None
    granted = select(Grant.request_id).where(
        Grant.subject == person.name, Grant.subject_slack == person.slack,
        col(Grant.id).endswith(wanted, autoescape=True),
    )  # fmt: skip
    of = session.exec(granted.limit(2)).all()
    return session.get(Request, of[0]) if len(of) == 1 else None


def _echo(text: str) -> str:
    return text if len(text) <= LONGEST_ID else f"{text[:LONGEST_ID]}…"
