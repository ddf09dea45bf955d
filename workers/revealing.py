"""Makes secrets for those who may go through open doors; on the queue `grant`, where the targets' keys are."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access.actors import system
from access.core import Core
from access.errors import ProviderError, Refusal
from access.faults import describe
from access.grants.claims import receipt_of
from access.grants.integrity import usable
from access.grants.start import Targets, spec_of
from access.message_kinds import SECRETS
from access.messages.facts import CardFacts
from access.messages.outbox import Claimed, Delivery, Outbox, claim_messages
from access.ports import Deadline, Secret
from bot.views.modals import notice, secret_view
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
        return claim_messages(self.core, ids, SECRETS)

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
        Outbox(self.core, actor=system("grant")).commit(results)

    def release(self, claimed: Sequence[Claimed]) -> None:
        Outbox(self.core, actor=system("grant")).release(claimed)

    def _secret(self, facts: CardFacts, deadline: Deadline) -> Secret:
        """From a row as it is now, which says what was approved."""
        assert facts.grant is not None, "a secret is asked for of a grant"
        grant = usable(self.core, facts.grant.id)
        provider = self.targets.of(grant.provider, grant.settings, grant.resource)
        return provider.reveal(spec_of(grant), receipt_of(grant), deadline)
