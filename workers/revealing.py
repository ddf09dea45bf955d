"""The business of the queue `grant`: opening doors, and making secrets for those who may go through them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access.core import Core
from access.errors import ProviderError, Refusal
from access.faults import describe
from access.grants import cleanup, start, target_expiry
from access.grants.claims import receipt_of
from access.grants.cleanup import CleanupHandler
from access.grants.integrity import usable
from access.grants.start import GrantHandler, Targets, spec_of
from access.grants.target_expiry import Extension
from access.messages import outbox
from access.messages.outbox import CardFacts, Claimed, Delivery, Outbox, claim_messages
from access.models import MessageKind
from access.monitor import target_checks
from access.ports import Deadline, Secret
from access.reconcile import drift
from access.reconcile.drift import Drift
from bot.views.modals import notice, secret_view
from workers.checking import Checking
from workers.slack_sender import refused

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=2)
"""A modal that waited longer than this is no longer looked at; its person presses again."""


@dataclass(frozen=True)
class Revealing:
    """Makes a secret on the target and puts it into the modal that waits for it. It is kept nowhere."""

    core: Core
    targets: Targets
    client: WebClient

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        return claim_messages(self.core, ids, (MessageKind.REVEAL,))

    def act(self, claimed: Claimed, deadline: Deadline) -> Delivery:
        """Never raises; nothing of the secret reaches a result, a log or an exception."""
        facts = claimed.facts
        assert isinstance(facts, CardFacts)
        if facts.now - claimed.message.created_at > PATIENCE:
            return Delivery(claimed)
        try:
            view = secret_view(self._secret(facts, deadline))
        except Refusal as refused_now:
            view = notice("Not possible now", refused_now.sentence)
        except ProviderError as error:
            view = notice("Not possible now", f"{error.sentence} Close this and press the button again.")
        except Exception as error:
            logger.error("a secret could not be made: %s", describe(error))
            view = notice("Not possible now", "The target gave no secret. Close this and press the button again.")
        try:
            self.client.views_update(view_id=claimed.message.destination, view=view)
        except SlackApiError as error:
            if error.response.get("error") == "not_found":
                return Delivery(claimed)  # the person closed the modal; nobody has seen the secret
            return refused(claimed, error)
        except OSError as error:
            return Delivery(claimed, problem=f"Slack cannot be reached ({type(error).__name__}).", healthy=False)
        return Delivery(claimed)

    def commit(self, results: Sequence[Delivery]) -> None:
        Outbox(self.core, actor="system:grant").commit(results)

    def release(self, claimed: Sequence[Claimed]) -> None:
        Outbox(self.core, actor="system:grant").release(claimed)

    def _secret(self, facts: CardFacts, deadline: Deadline) -> Secret:
        """From a row as it is now, which says what was approved."""
        assert facts.grant is not None, "a secret is asked for of a grant"
        grant = usable(self.core, facts.grant.id)
        provider = self.targets.of(grant.provider, grant.settings, grant.resource)
        return provider.reveal(spec_of(grant), receipt_of(grant), deadline)


GrantClaim = (
    start.Claimed | target_expiry.Claimed | outbox.Claimed | target_checks.Claimed | drift.Claimed | cleanup.Claimed
)
GrantResult = (
    start.Result | target_expiry.Result | outbox.Delivery | target_checks.Checked | drift.Compared | cleanup.Tidied
)


@dataclass(frozen=True)
class TargetHandler:
    """The queue `grant`: all of its businesses need the targets' keys."""

    activation: GrantHandler
    revealing: Revealing
    checking: Checking
    drift: Drift
    extension: Extension
    cleanup: CleanupHandler

    def claim(self, ids: Sequence[str]) -> list[GrantClaim]:
        parts = (self.activation, self.revealing, self.checking, self.drift, self.extension, self.cleanup)
        return [claimed for part in parts for claimed in part.claim(ids)]

    def act(self, claimed: GrantClaim, deadline: Deadline) -> GrantResult:
        if isinstance(claimed, target_expiry.Claimed):
            return self.extension.act(claimed, deadline)
        if isinstance(claimed, start.Claimed):
            return self.activation.act(claimed, deadline)
        if isinstance(claimed, target_checks.Claimed):
            return self.checking.act(claimed, deadline)
        if isinstance(claimed, drift.Claimed):
            return self.drift.act(claimed, deadline)
        if isinstance(claimed, cleanup.Claimed):
            return self.cleanup.act(claimed, deadline)
        return self.revealing.act(claimed, deadline)

    def commit(self, results: Sequence[GrantResult]) -> None:
        activated = [result for result in results if isinstance(result, start.Result)]
        extended = [result for result in results if isinstance(result, target_expiry.Result)]
        told = [result for result in results if isinstance(result, outbox.Delivery)]
        checked = [result for result in results if isinstance(result, target_checks.Checked)]
        compared = [result for result in results if isinstance(result, drift.Compared)]
        tidied = [result for result in results if isinstance(result, cleanup.Tidied)]
        if activated:
            self.activation.commit(activated)
        if extended:
            self.extension.commit(extended)
        if told:
            self.revealing.commit(told)
        if checked:
            self.checking.commit(checked)
        if compared:
            self.drift.commit(compared)
        if tidied:
            self.cleanup.commit(tidied)

    def release(self, claimed: Sequence[GrantClaim]) -> None:
        extending = [one for one in claimed if isinstance(one, target_expiry.Claimed)]
        opening = [one for one in claimed if isinstance(one, start.Claimed) and one not in extending]
        self.activation.release(opening)
        self.extension.release(extending)
        self.revealing.release([one for one in claimed if isinstance(one, outbox.Claimed)])
        self.checking.release([one for one in claimed if isinstance(one, target_checks.Claimed)])
        self.drift.release([one for one in claimed if isinstance(one, drift.Claimed)])
        self.cleanup.release([one for one in claimed if isinstance(one, cleanup.Claimed)])
