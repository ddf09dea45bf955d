"""Everything the core and the providers can refuse or fail with; a docstring is the sentence the person reads.

AccessError
├── Refusal                     the person is told, nothing changed
│   ├── InvalidInput            field, sentence: what was typed cannot be used
│   ├── NotAllowed              policy or eligibility says no
│   ├── NotFound                no such thing, or not visible to this person
│   ├── Conflict                the state moved on before this click
│   └── NotNow                  nothing new is taken at the moment; what is open still ends
├── PolicyError                 the policy file cannot be used: file, line, what to do
├── Unavailable                 the database cannot be used just now; nothing was changed
├── Unready                     this process may not start: schema, database
│   └── Misconfigured           its settings cannot be used: to start it again is of no use before they are mended
└── ProviderError               a target; each carries a sentence that is safe to show: what happened, no promise
    ├── Transient               worth another try (retry_after)
    │   └── RateLimited
    ├── Ambiguous               sent, no answer: observe first
    ├── TargetConflict          changed under us: read again, then try again
    └── Permanent               trying again cannot help
        ├── BadConfig  BadCredential  NotPermitted  TargetNotFound
        ├── PrincipalNotFound  NotGrantable  Unsupported
        └── StandingAccess      it was there before us
"""

import inspect
from collections.abc import Iterable
from datetime import timedelta


class AccessError(Exception):
    """Something went wrong on our side; the security team can see it in the log."""

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or inspect.cleandoc(type(self).__doc__ or "")
        super().__init__(self.sentence)


class Refusal(AccessError):
    """This is not possible."""


class InvalidInput(Refusal):
    """What you typed cannot be used."""

    def __init__(self, field: str, sentence: str, *, also: Iterable["InvalidInput"] = ()) -> None:
        """`also`: what is wrong besides, in other fields, so that all of it is told at once."""
        super().__init__(sentence)
        self.field = field
        self.also = tuple(also)

    @property
    def by_field(self) -> dict[str, str]:
        """A sentence for each field that is to be mended, the first one first."""
        others = {one.field: one.sentence for one in self.also if one.field != self.field}
        return {self.field: self.sentence} | others


class NotAllowed(Refusal):
    """You may not do this."""


class UnknownPerson(NotAllowed):
    """You are not in the access policy. Ask the security team to add you."""


class SelfReview(NotAllowed):
    """You can't decide your own request. Another approver has to."""


class NotAnApprover(NotAllowed):
    """You are not one of the approvers of this request."""


class NotYourTurn(NotAllowed):
    """It is not your turn to decide this request."""


class NotYours(NotAllowed):
    """Only the person who holds this access can do that."""


class NotSecurity(NotAllowed):
    """Only the security team can revoke another person's access."""


class NotInCharge(NotAllowed):
    """Only the security team and the owners of this resource can say that it was removed by hand."""


class NotForYouToAccept(NotAllowed):
    """Only the security team can accept standing access."""


class PolicyRefuses(NotAllowed):
    """The access policy does not allow this."""


class NotFound(Refusal):
    """There is no such request or access."""


class Conflict(Refusal):
    """This changed before your click arrived."""


class AlreadyDecided(Conflict):
    """Someone decided this request before you did."""


class AlreadyReviewed(Conflict):
    """You have already decided on this request."""

    def __init__(self, sentence: str | None = None, *, twice: bool = False) -> None:
        """`twice`: the same button, just before; whoever pressed it means one click."""
        super().__init__(sentence)
        self.twice = twice


class RequestLapsed(Conflict):
    """This request was not answered in time and has lapsed. It can be asked for again."""


class RequestChanged(Conflict):
    """The rule has changed since this was posted. Please decide on the new card, which has the current terms."""


class AlreadyOpen(Conflict):
    """You already have this access, or have asked for it."""


class TooManyPending(Conflict):
    """20 of your requests wait for an answer, which is the most. Cancel one of them first: see /access mine."""


class AlreadyHeld(AlreadyOpen):
    """You already have this access; you can have it extended."""

    def __init__(self, grant: str, entitlement: str, *, duration: timedelta | None, reason: str) -> None:
        super().__init__(f"Your access to {entitlement} is open. You can have it extended: see /access mine.")
        self.grant = grant
        self.duration, self.reason = duration, reason


class NothingToExtend(Conflict):
    """This access has ended or is just being ended, so there is nothing to extend. You can ask for it again."""


class AlreadyEnded(Conflict):
    """This access has already ended or is being ended."""


class NotOver(Conflict):
    """This access has not ended, so there is nothing to remove by hand. The security team can revoke it."""


class RightsChanged(Conflict):
    """What you saw has changed since. Look at the alert again; it shows what the role allows now."""


class StandingAccessChanged(Conflict):
    """What stands there has changed since this was posted, so nothing was accepted. The alert shows it as it is now."""


class AlreadyAccepted(Conflict):
    """This standing access is accepted already, or is gone."""


class NotUsableYet(Conflict):
    """This access is not open; there is nothing to connect to."""


class NotNow(Refusal):
    """Nothing new can be asked, approved or granted just now. Please try again in a few minutes."""


class PolicyError(AccessError):
    """The access policy cannot be used."""

    def __init__(self, sentence: str, *, file: str = "access.yml", line: int | None = None) -> None:
        where = f"{file}:{line}: " if line else f"{file}: "
        super().__init__(where + sentence)
        self.file = file
        self.line = line


class Unavailable(AccessError):
    """Countersign can't write to its database just now, so nothing was changed. Please try again in a minute."""


class Unready(AccessError):
    """This process cannot start."""


class Misconfigured(Unready):
    """The settings of this process cannot be used."""


class ProviderError(AccessError):
    """The target system answered with an error."""

    def __init__(self, sentence: str | None = None, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code


class Transient(ProviderError):
    """The target system can't be reached just now."""

    def __init__(
        self, sentence: str | None = None, *, code: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(sentence, code=code)
        self.retry_after = retry_after


class RateLimited(Transient):
    """The target system asks us to slow down."""


class Ambiguous(ProviderError):
    """The target system was asked but did not answer, so it is not known whether this was done."""


class TargetConflict(ProviderError):
    """Something else changed the target at the same moment."""


class Permanent(ProviderError):
    """The target system refuses this for good."""


class BadConfig(Permanent):
    """The settings of this target are wrong; correct them in the access policy."""


class BadCredential(Permanent):
    """The target does not accept the bot's own credential; it must be replaced."""


class NotPermitted(Permanent):
    """The bot's own account on the target lacks a right it needs."""


class TargetNotFound(Permanent):
    """The target does not know the resource or role named in the policy."""


class PrincipalNotFound(Permanent):
    """The target does not know this person."""


class NotGrantable(Permanent):
    """This role cannot be granted by the bot."""


class Unsupported(Permanent):
    """This target cannot do that."""


class StandingAccess(Permanent):
    """The person already has this access on the target, not through Countersign."""
