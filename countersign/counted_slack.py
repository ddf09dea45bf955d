"""The workers' client of Slack, whose calls are counted."""

from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from countersign.counting import Uncounted


class CountedClient(WebClient):
    """Counts its calls by method and what came of them."""

    metrics: Uncounted

    def api_call(self, api_method: str, **options: Any) -> Any:
        try:
            answer = super().api_call(api_method, **options)
        except Exception as error:
            self.metrics.called(api_method, outcome_of(error))
            raise
        self.metrics.called(api_method, "ok")
        return answer


def outcome_of(error: Exception) -> str:
    """One of three words: Slack's own are without end."""
    if not isinstance(error, SlackApiError):
        return "unreachable"
    return "slowed" if error.response.get("error") == "ratelimited" else "refused"
