"""The bot's client of Slack, whose calls are counted."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from countersign.counted_slack import outcome_of
from countersign.counting import Uncounted


class AsyncCountedClient(AsyncWebClient):
    """Counts its calls by method and what came of them."""

    metrics: Uncounted

    async def api_call(self, api_method: str, **options: Any) -> Any:
        try:
            answer = await super().api_call(api_method, **options)
        except Exception as error:
            self.metrics.called(api_method, outcome_of(error))
            raise
        self.metrics.called(api_method, "ok")
        return answer
