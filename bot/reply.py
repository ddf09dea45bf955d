"""The words to one person alone, beside what was clicked or typed, by the session that is held open."""

import logging
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.views.blocks import Rendered

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """Listeners get it as `respond`; Bolt's own would open a connection for each answer."""

    url: str | None
    """The payload's `response_url`: good for five answers in half an hour. None where the payload has none."""
    client: AsyncWebClient

    async def __call__(self, message: Rendered) -> None:
        """Raises aiohttp.ClientError or TimeoutError when Slack cannot be reached."""
        assert self.url is not None, "every payload that is answered this way has one"
        slack = AsyncWebhookClient(self.url, session=self.client.session, timeout=self.client.timeout)
        answer = await slack.send(
            text=message.text, blocks=message.blocks, response_type="ephemeral", replace_original=False
        )
        if answer.status_code != 200:
            logger.warning("Slack did not take an answer: %d %.200s", answer.status_code, answer.body)
