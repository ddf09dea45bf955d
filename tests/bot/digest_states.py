"""The digest in every state: a quiet day, one with a bit of everything, a broken log, and the longest."""

from datetime import date
from typing import Any

from access.ids import DigestId
from access.models import Digest, EndedBy, GrantStatus, RequestStatus
from access.operations import Place
from access.operations.canary import Went
from access.operations.digest_content import Access, CanaryRuns, Content, Listed, OpenAlert, PolicyLoad, Refusals
from bot.views.blocks import Message
from bot.views.digest import digest_message, digest_parts
from tests.bot.facts import GRANT, REASON, REQUEST, minutes
from tests.cast import APPROVALS, SECURITY

CARD = Place(APPROVALS, "1763892000.000100")
ALERT = Place(SECURITY, "1763895600.000200")
ADDRESSES = {place: f"https://acme.slack.com/archives/{place.channel}/p1" for place in (CARD, ALERT)}
ANSWER = "There is no customers-db/read that you may ask for."


def a_digest(**values: Any) -> Digest:
    known = {
        "id": DigestId("01kaq9z0000000000000d1gest"),
        "number": 12,
        "day": date(2026, 11, 23),
        "due_at": minutes(-240),
        "from_seq": 4300,
        "to_seq": 4466,
        "head": "0123456789abcdef" * 4,
        "made_at": minutes(-240),
    }
    return Digest(**(known | values))


def an_access(**values: Any) -> Access:
    known = {
        "id": GRANT,
        "request_id": REQUEST,
        "entitlement": "customers-db/read",
        "requester": "ann",
        "subject": "ann",
        "status": GrantStatus.ACTIVE,
        "at": minutes(-600),
        "ends": minutes(-480),
        "reason": REASON,
        "decided_by": ("lea",),
        "card": CARD,
    }
    return Access(**(known | values))


def an_alert(**values: Any) -> OpenAlert:
    known = {
        "id": "01kaq9z00000000000000a1ert",
        "kind": "overdue",
        "sentence": "customers-db/read of ann should have ended 10 min ago and may still be there.",
        "opened_at": minutes(-470),
        "told_at": minutes(-470),
        "message": ALERT,
    }
    return OpenAlert(**(known | values))


def canary_runs(**values: Any) -> CanaryRuns:
    known = {"configured": True, "begun": 288, "latest_at": minutes(-245), "latest": Went.WELL}
    return CanaryRuns(**(known | values))


def a_content(**values: Any) -> Content:
    known = {"at": minutes(-240), "since": minutes(-1680), "checked_from": 4301, "canary": canary_runs()}
    return Content(**(known | values))


def listed(*accesses: Access, total: int | None = None) -> Listed:
    return Listed(total=len(accesses) if total is None else total, first=accesses)


def busy(words: str = REASON, told: str = "", name: str = "ann", other: str = "lea") -> Content:
    """A bit of everything: `words` is what people wrote, `told` what providers and the policy say.

    `name` asks, `other` decides.
    """

    def one(**values: Any) -> Access:
        return an_access(**({"requester": name, "subject": name, "reason": words} | values))

    ended = {"status": GrantStatus.ENDED}
    unanswered = {"status": RequestStatus.LAPSED, "ends": None, "decided_by": ()}
    open_now = one(ends=minutes(120))
    sentence = {"sentence": told} if told else {}
    return a_content(
        overdue=listed(one(status=GrantStatus.REVOKING, problem=told or "The target system can't be reached.")),
        failed=listed(
            one(status=GrantStatus.FAILED, problem=told or "The bot's own account lacks a right.", ends=None)
        ),
        alerts_open=2,
        alerts=(an_alert(**sentence), an_alert(**sentence, told_at=None, message=None)),
        refused_now=listed(one(ends=minutes(120), problem=told or ANSWER)),
        opened=listed(open_now, one(subject="ben", decided_by=("kim", other))),
        extended=listed(one(ends=minutes(180), ended_before=minutes(120))),
        ended=listed(
            one(**ended, ended_by=EndedBy.EXPIRED),
            one(**ended, ended_by=EndedBy.REVOKED, said_by="sam", said=words),
            one(**ended, ended_by=EndedBy.EXPIRED, residual=(told or "A token may live until 16:20 UTC.",)),
        ),
        unopened=listed(one(**ended, ended_by=EndedBy.REFUSED, problem=told or "No rule allows this any more.")),
        still_open=listed(
            open_now,
            one(status=GrantStatus.REVOKING, ended_by=EndedBy.RETURNED),
            one(status=GrantStatus.SCHEDULED, ends=None),
        ),
        denied=listed(one(**unanswered, said_by=other, said=words)),
        lapsed=listed(one(**unanswered)),
        taken_back=3,
        refusals=(
            Refusals(attempt="request.approve", because="NotAnApprover", times=4),
            Refusals(attempt="app_home_opened", because="NotAMember", times=1),
        ),
        policy_loads=(PolicyLoad(sha256="fedcba9876543210" * 4, at=minutes(-900)),),
        canary=canary_runs(failed=1, late=2),
        flaw=told,
    )


def longest() -> Content:
    """As many lines as there can be, each as long as it can be."""
    name, words = "n" * 63, "<!channel> *why* & `so` " * 20
    many = [
        an_access(
            entitlement=f"{'r' * 63}/{'R' * 63}", requester=name, subject="s" * 63, decided_by=(name, name),
            reason=words, said_by=name, said=words, problem="p" * 500, status=GrantStatus.REVOKING,
            ended_by=EndedBy.REFUSED, residual=("left over " * 20,) * 2, ended_before=minutes(-500),
        )
    ] * 100  # fmt: skip
    all_of_them = listed(*many, total=10_000)
    return a_content(
        flaw="event 4,400 was changed after it was written", policy_unusable=True, overdue=all_of_them,
        failed=all_of_them, alerts_open=10_000, alerts=(an_alert(sentence="s" * 3_000),) * 100,
        refused_now=all_of_them, opened=all_of_them, extended=all_of_them, ended=all_of_them, unopened=all_of_them,
        still_open=all_of_them, denied=all_of_them, lapsed=all_of_them,
        refusals=tuple(Refusals(attempt="request.approve", because=f"{'N' * 58}{n:02}", times=n) for n in range(1, 60)),
        policy_loads=(PolicyLoad(sha256="f" * 64, at=minutes(0)),) * 60,
        missed=tuple(date(2026, 10, day) for day in range(1, 31)),
        canary=canary_runs(begun=10_000, failed=9_998, late=1, latest=Went.RUNNING),
    )  # fmt: skip


def messages(content: Content, digest: Digest | None = None) -> list[Message]:
    """All its messages, in order."""
    digest = digest or a_digest()
    parts = digest_parts(digest, content)
    return [digest_message(digest, content, parts, number, ADDRESSES) for number in range(1, len(parts) + 1)]


def the_message(content: Content, digest: Digest | None = None) -> Message:
    (message,) = messages(content, digest)
    return message


BUSY = messages(busy())
LONGEST = messages(longest())
LATE = a_content(missed=(date(2026, 11, 21), date(2026, 11, 22)), checked_from=4467)
STATES: dict[str, Message] = {
    "digest-empty": the_message(a_content(), a_digest(to_seq=4300)),
    "digest-first": the_message(
        a_content(since=None, checked_from=1, canary=CanaryRuns(configured=False)),
        a_digest(number=1, from_seq=0, day=None),
    ),
    "digest-late": the_message(LATE, a_digest(made_at=minutes(0))),
    "digest-broken-log": the_message(a_content(flaw="event 4400 was changed after it was written", checked_from=1)),
    "digest-policy": the_message(a_content(policy_unusable=True)),
    **{f"digest-busy-{number}": message for number, message in enumerate(BUSY, 1)},
    "digest-longest-1": LONGEST[0],
    "digest-longest-2": LONGEST[1],
    "digest-longest-last": LONGEST[-1],
}
