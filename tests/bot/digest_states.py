"""The digest in every state: a quiet day, one with a bit of everything, a broken log, and the longest."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from access.ids import DigestId
from access.messages.digest.content import (
    Access,
    CanaryRuns,
    ClosedAlert,
    Content,
    Listed,
    OpenAlert,
    PolicyDifference,
    PolicyLoad,
    Refusals,
    StandingCounts,
)
from access.models import AlertKind, Digest, EndedBy, GrantStatus, RequestStatus
from access.policy.canary import Went
from access.requests.remind import Place
from bot.views.blocks import Rendered
from bot.views.digest import digest_message, digest_parts
from tests.bot.facts import GRANT, REASON, REQUEST, SENTENCES, minutes
from tests.cast import APPROVALS, SECURITY

CARD = Place(APPROVALS, "1763892000.000100")
ALERT = Place(SECURITY, "1763895600.000200")
ADDRESSES = {place: f"https://acme.slack.com/archives/{place.channel}/p1" for place in (CARD, ALERT)}
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ANSWER = "The policy has changed: ann may not ask for customers-db/fix-orders any more."


POLICY_CHANGES = (
    PolicyDifference(sentence="eve can ask for customers-db/read now", wider=True),
    PolicyDifference(sentence="lea can no longer approve customers-db/read", wider=False),
)


def sunday(hour: int, minute: int = 0) -> datetime:
    return monday(hour, minute) - timedelta(days=1)


def monday(hour: int, minute: int = 0) -> datetime:
    """The day of the digest, which comes at nine in the morning."""
    return datetime(2026, 11, 23, hour, minute, tzinfo=AMSTERDAM)


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
        "granted_for": timedelta(hours=2),
        "reason": REASON,
        "decided_by": ("lea",),
        "card": CARD,
    }
    return Access(**(known | values))


def an_alert(**values: Any) -> OpenAlert:
    known = {
        "id": "01kaq9z00000000000000a1ert",
        "kind": "overdue",
        "sentence": SENTENCES[AlertKind.OVERDUE],
        "opened_at": minutes(-470),
        "delivered_at": minutes(-470),
        "message": ALERT,
    }
    return OpenAlert(**(known | values))


def a_closed_alert(**values: Any) -> ClosedAlert:
    known = {
        "id": "01kaq9z00000000000000c1ert",
        "kind": "timers",
        "sentence": SENTENCES[AlertKind.TIMERS],
        "opened_at": sunday(23, 4),
        "closed_at": sunday(23, 16),
        "delivered_at": sunday(23, 4),
    }
    return ClosedAlert(**(known | values))


def canary_runs(**values: Any) -> CanaryRuns:
    known = {"configured": True, "begun": 288, "latest_at": minutes(-245), "latest": Went.WELL}
    return CanaryRuns(**(known | values))


def a_content(**values: Any) -> Content:
    known = {"at": minutes(-240), "since": minutes(-1680), "checked_from": 4301, "canary": canary_runs()}
    return Content(**(known | values))


def listed(*accesses: Access, total: int | None = None) -> Listed:
    return Listed(total=len(accesses) if total is None else total, first=accesses)


def busy(words: str = "", told: str = "", name: str = "ann", other: str = "lea") -> Content:
    """A bit of everything, of a Sunday and the night after it, in Amsterdam.

    `words` is what people wrote in the place of all that they write here, `told` what providers and the policy say.
    `name` asks, `other` decides.
    """

    def one(request: str, reason: str, **values: Any) -> Access:
        ids = {"id": f"{GRANT[:-6]}{request[::-1]}", "request_id": f"{REQUEST[:-6]}{request}"}
        known = {"requester": name, "subject": name, "reason": words or reason, "decided_by": (other,)}
        return an_access(**(ids | known | values))

    ended = {"status": GrantStatus.ENDED}
    unanswered = {"status": RequestStatus.LAPSED, "ends": None, "decided_by": ()}
    late = one("req7xk", REASON, id=GRANT, at=monday(3), ends=monday(5), status=GrantStatus.REVOKING)
    back = one(
        "t4m9wz", "INC-12: which of the refunds went out twice", entitlement="logs/read", at=monday(7, 30),
        ends=monday(9, 30), status=GrantStatus.REVOKING, ended_by=EndedBy.RETURNED,
    )  # fmt: skip
    bens = one(
        "k7d3rn", "INC-12: setting the refunds to paid once they are", entitlement="customers-db/fix-orders",
        subject="ben", decided_by=("kim", other), at=monday(8, 10), ends=monday(9, 40), granted_for=None,
        granted_until=monday(9, 40),
    )  # fmt: skip
    open_now = one("w5c8qp", "INC-14: customers who were charged twice", at=monday(8, 45), ends=monday(10, 45),
                   granted_for=timedelta(hours=1))  # fmt: skip
    drift = told or "logs/read of ben stands on the target after its end; it is being removed."
    return a_content(
        overdue=listed(late.model_copy(update={"problem": told or "The target system can't be reached."})),
        failed=listed(
            one(
                "n2v6hx", "INC-11: an order that is paid and not sent", entitlement="customers-db/fix-orders",
                at=sunday(22, 40), ends=None, status=GrantStatus.FAILED,
                problem=told or "The bot's own account lacks a right.",
            )
        ),
        alerts_open=2,
        alerts=(
            an_alert(**({"sentence": told} if told else {})),
            an_alert(
                id="01kaq9z00000000000000dr1ft", kind="drift", sentence=drift, opened_at=monday(8, 59),
                delivered_at=None,
                message=None,
            ),
        ),
        alerts_closed=2,
        closed=(
            a_closed_alert(**({"sentence": told} if told else {})),
            a_closed_alert(
                id="01kaq9z00000000000000d1ert", kind="queue", sentence=told or SENTENCES[AlertKind.QUEUE],
                opened_at=monday(2), closed_at=monday(2, 1), delivered_at=None,
            ),
        ),
        refused_now=listed(bens.model_copy(update={"problem": told or ANSWER})),
        opened=listed(late, back, bens, open_now),
        extended=listed(open_now.model_copy(update={"ended_before": monday(9, 45)})),
        ended=listed(
            one("c9f2sb", "Which nights the mailer was down", entitlement="logs/read", at=sunday(9, 20), **ended,
                ended_by=EndedBy.EXPIRED),
            one("h6j4vy", "INC-10: an address that cannot be read", at=sunday(9, 45), **ended,
                ended_by=EndedBy.REVOKED, said_by="sam", said=words or "The laptop was left on a train."),
            one("p3x8ge", "INC-10: sending the parcel once more", entitlement="customers-db/fix-orders",
                at=sunday(10, 10), **ended, ended_by=EndedBy.EXPIRED,
                residual=(told or "A token may live until 16:20 UTC.",)),
        ),
        unopened=listed(
            one("z8r5td", "INC-13: an order that was sent twice", entitlement="customers-db/fix-orders",
                at=monday(8, 55), **ended, ended_by=EndedBy.REFUSED, problem=told or "No rule allows this any more.")
        ),
        still_open=listed(
            back, bens, open_now,
            one("d4q7mw", "Numbers for the talk with accounting", at=monday(14), ends=None,
                status=GrantStatus.SCHEDULED),
        ),
        denied=listed(
            one("b5n9kc", "How many customers we have by now", at=sunday(14, 5), **unanswered, said_by=other,
                said=words or "The dashboard shows that without any access.")
        ),
        lapsed=listed(one("f8w2ja", "Whether the newsletter reached everybody", at=monday(1, 30), **unanswered)),
        taken_back=3,
        refusals=(
            Refusals(attempt="request.approve", because="NotAnApprover", times=3, who="ben"),
            Refusals(attempt="request.approve", because="NotAnApprover", times=1, who=name),
            Refusals(attempt="request.deny", because="SelfReview", times=1, who=name),
            Refusals(attempt="app_home_opened", because="UnknownPerson", times=1, who="U0STRANGER"),
        ),
        policy_loads=(
            PolicyLoad(sha256="fedcba9876543210" * 4, at=monday(8, 50), differences=POLICY_CHANGES, more=12),
        ),
        canary=canary_runs(failed=1, late=2),
        standing=StandingCounts(accepted=12, new=2, found=3, gone=4, accepted_since=1, week_ago=15),
        flaw=told,
    )  # fmt: skip


def longest() -> Content:
    """As many lines as there can be, each as long as it can be."""
    name, words = "n" * 63, "<!channel> *why* & `so` " * 20
    many = [
        an_access(
            entitlement=f"{'r' * 63}/{'R' * 63}", requester=name, subject="s" * 63, decided_by=(name, name),
            reason=words, said_by=name, said=words, problem="p" * 500, status=GrantStatus.REVOKING,
            ended_by=EndedBy.REFUSED, residual=("left over " * 20,) * 2, ended_before=minutes(-500),
            ended_at=minutes(-490),
        )
    ] * 100  # fmt: skip
    all_of_them = listed(*many, total=10_000)
    return a_content(
        flaw="event 4,400 was changed after it was written", policy_unusable=True, overdue=all_of_them,
        failed=all_of_them, alerts_open=10_000, alerts=(an_alert(sentence="s" * 3_000),) * 100,
        alerts_closed=10_000, closed=(a_closed_alert(sentence="s" * 3_000, delivered_at=None),) * 100,
        refused_now=all_of_them, opened=all_of_them, extended=all_of_them, ended=all_of_them, unopened=all_of_them,
        still_open=all_of_them, denied=all_of_them, lapsed=all_of_them,
        refusals=tuple(
            Refusals(attempt="request.approve", because=f"{'N' * 58}{n:02}", times=n, who=name) for n in range(1, 60)
        ),
        policy_loads=(
            PolicyLoad(
                sha256="f" * 64, at=monday(8, 50), more=10_000, more_wider=9_999, not_compared="n" * 3_000,
                differences=(PolicyDifference(sentence="d" * 3_000, wider=True),) * 50,
            ),
        ) * 60,
        missed=tuple(date(2026, 10, day) for day in range(1, 31)),
        canary=canary_runs(begun=10_000, failed=9_998, late=1, latest=Went.RUNNING),
        standing=StandingCounts(
            accepted=10_000, new=10_000, found=10_000, gone=10_000, accepted_since=10_000, week_ago=10_000
        ),
    )  # fmt: skip


def messages(content: Content, digest: Digest | None = None) -> list[Rendered]:
    """All its messages, in order."""
    digest = digest or a_digest()
    parts = digest_parts(digest, content)
    return [digest_message(digest, content, parts, number, ADDRESSES) for number in range(1, len(parts) + 1)]


def the_message(content: Content, digest: Digest | None = None) -> Rendered:
    (message,) = messages(content, digest)
    return message


BUSY = messages(busy())
LONGEST = messages(longest())
LATE = a_content(missed=(date(2026, 11, 21), date(2026, 11, 22)), checked_from=4467)
STATES: dict[str, Rendered] = {
    "digest-empty": the_message(a_content(), a_digest(to_seq=4300)),
    "digest-first": the_message(
        a_content(since=None, checked_from=1, canary=CanaryRuns(configured=False)),
        a_digest(number=1, from_seq=0, day=None),
    ),
    "digest-late": the_message(LATE, a_digest(made_at=minutes(0))),
    "digest-broken-log": the_message(a_content(flaw="event 4400 was changed after it was written", checked_from=1)),
    "digest-none-standing": the_message(a_content(standing=StandingCounts(gone=1, week_ago=3))),
    "digest-policy": the_message(a_content(policy_unusable=True)),
    **{f"digest-busy-{number}": message for number, message in enumerate(BUSY, 1)},
    "digest-longest-1": LONGEST[0],
    "digest-longest-2": LONGEST[1],
    "digest-longest-last": LONGEST[-1],
}
