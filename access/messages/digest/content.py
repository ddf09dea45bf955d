"""What a digest says, as values that are written once: what needs a person, what happened, whether the log holds."""

from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from access.policy.canary import Went
from access.requests.remind import Place


class _Frozen(BaseModel):
    """New fields have a default, so that what an older version wrote is read.

    What this version does not know is left out, for during an upgrade, or after going back, it draws what a newer one
    wrote: a digest without a section that came with that is told, and one that cannot be drawn never is.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


class Access(_Frozen):
    """A grant, or a request that became none, as one line."""

    id: str
    """The grant's, or the request's if there is none."""
    request_id: str
    entitlement: str
    requester: str
    subject: str
    status: str
    """Of the grant, or of the request if there is none."""
    at: datetime
    """When it happened; for what is open, since when; for what is approved, from when."""
    ends: datetime | None = None
    ended_before: datetime | None = None
    """For what was extended, the end that it had."""
    granted_for: timedelta | None = None
    """What was approved, whenever it ended; None where that was an end, or an older version wrote it."""
    granted_until: datetime | None = None
    ended_at: datetime | None = None
    """When it was proven to be gone."""
    reason: str
    """The requester's words."""
    decided_by: tuple[str, ...] = ()
    ended_by: str | None = None
    said_by: str = ""
    """Who denied it, or ended it by hand."""
    said: str = ""
    """That person's words."""
    problem: str = ""
    """A provider's or the policy's sentence."""
    residual: tuple[str, ...] = ()
    card: Place | None = None


class Listed(_Frozen):
    """How many there are, and the first of them."""

    total: int = 0
    first: tuple[Access, ...] = ()


class OpenAlert(_Frozen):
    id: str
    kind: str
    sentence: str
    opened_at: datetime
    delivered_at: datetime | None
    message: Place | None


class ClosedAlert(_Frozen):
    """One that was closed since the digest before, whenever it was opened."""

    id: str
    kind: str
    sentence: str
    opened_at: datetime
    closed_at: datetime
    delivered_at: datetime | None


class Refusals(_Frozen):
    """Attempts of one person that were refused for the same reason."""

    attempt: str
    because: str
    times: int
    who: str = ""
    """A name of the policy, or the Slack id of who is not in it. Empty: those of many, or an older version wrote it."""


class PolicyDifference(_Frozen):
    sentence: str
    wider: bool


class PolicyLoad(_Frozen):
    sha256: str
    at: datetime
    differences: tuple[PolicyDifference, ...] = ()
    """Against the one before, the wider ones first."""
    more: int = 0
    """So many more differences there are."""
    more_wider: int = 0
    not_compared: str = ""
    """Why they are not known; a sentence."""


class RightsChange(_Frozen):
    """What a role allows became something else, or was accepted."""

    entitlement: str
    at: datetime
    added: tuple[str, ...] = ()
    """Kinds of rights; none where there only are more or fewer things of a kind."""
    taken: tuple[str, ...] = ()
    by: str = ""
    """Who accepted it."""


class CanaryRuns(_Frozen):
    """How the runs went that were begun in the span."""

    configured: bool
    begun: int = 0
    failed: int = 0
    late: int = 0
    latest_at: datetime | None = None
    """When the newest of them was begun."""
    latest: Went | None = None


class StandingCounts(_Frozen):
    """What is held on targets without a grant."""

    accepted: int = 0
    new: int = 0
    """Not accepted by a person of the security team."""
    found: int = 0
    """Since the digest before, as the two that follow."""
    gone: int = 0
    accepted_since: int = 0
    week_ago: int | None = None
    """How many there were; None: nobody looked yet."""


class Content(_Frozen):
    """Everything that the messages of one digest show."""

    at: datetime
    """When it was looked; what needs a person and what is open is of this moment."""
    since: datetime | None
    """When the digest before was made."""
    missed: tuple[date, ...] = ()
    """Days without a digest of their own, which this one covers."""
    checked_from: int
    """The first event that was recomputed for this digest."""
    flaw: str = ""
    """Where the audit log does not hold."""
    overdue: Listed = Listed()
    failed: Listed = Listed()
    alerts_open: int = 0
    alerts: tuple[OpenAlert, ...] = ()
    alerts_closed: int = 0
    closed: tuple[ClosedAlert, ...] = ()
    """The first of them."""
    refused_now: Listed = Listed()
    policy_unusable: bool = False
    """Then nobody can say what it would refuse."""
    opened: Listed = Listed()
    extended: Listed = Listed()
    """One line each time; the request, the approvers and the words are those of the extension."""
    ended: Listed = Listed()
    """With the proof: the target was asked again."""
    unopened: Listed = Listed()
    """Over before they began."""
    still_open: Listed = Listed()
    """And in time: what is overdue has a list of its own."""
    denied: Listed = Listed()
    lapsed: Listed = Listed()
    taken_back: int = 0
    refusals: tuple[Refusals, ...] = ()
    policy_loads: tuple[PolicyLoad, ...] = ()
    rights: tuple[RightsChange, ...] = ()
    canary: CanaryRuns | None = None
    """None: written by a version that did not look."""
    standing: StandingCounts | None = None
    """None: there never was any, or a version wrote it that did not look."""

    @property
    def needs_a_person(self) -> int:
        counted = self.overdue.total + self.failed.total + self.alerts_open + self.refused_now.total
        return counted + bool(self.flaw) + self.policy_unusable

    @property
    def open_in_all(self) -> int:
        return self.still_open.total + self.overdue.total

    @property
    def refused(self) -> int:
        return sum(one.times for one in self.refusals)
