"""HTTP delivery: signed requests to the app's request URL, in place of Socket Mode."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp

from sandbox.carrier import NO_ACK, NO_CONNECTION, Kind, Retry
from sandbox.errors import Trouble

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
REDIRECTS = 2
AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


class PushTrouble(Trouble):
    """The request URL did not acknowledge; `no_retry` when it asked for no further tries."""

    def __init__(self, name: str, sentence: str, reason: str, *, no_retry: bool = False) -> None:
        super().__init__(name, sentence)
        self.reason = reason
        self.no_retry = no_retry


class HttpPush:
    """Everything goes to one `request_url`, signed with `signing_secret` at the time `clock` says."""

    def __init__(self, request_url: str, signing_secret: str, clock: Callable[[], float], ack_seconds: float) -> None:
        self.request_url = request_url
        self._secret = signing_secret
        self._clock = clock
        self._ack_seconds = ack_seconds

    async def send(self, kind: Kind, payload: dict[str, Any], retry: Retry | None = None) -> Any:
        """Posts one payload; the decoded answer, None when it was empty, the text itself when it is not JSON."""
        if kind == "events_api":
            content_type, body = JSON, json.dumps(payload)
        elif kind == "interactive":
            content_type, body = FORM, urlencode({"payload": json.dumps(payload)})
        else:
            content_type, body = FORM, urlencode(payload)
        answer = await self._post(content_type, body, _retry_headers(retry), redirects=kind == "events_api")
        if kind == "slash_commands" and isinstance(answer, str):
            return {"text": answer}
        return answer

    async def verify(self) -> None:
        """Does what Slack does when a request URL is saved: sends a challenge and wants it back."""
        challenge = secrets.token_urlsafe(24)
        payload = {"type": "url_verification", "token": "sandbox", "challenge": challenge}
        answer = await self._post(JSON, json.dumps(payload), {}, redirects=True)
        given = answer.get("challenge") if isinstance(answer, dict) else answer
        if given != challenge:
            raise Trouble("challenge_failed", "Your URL didn't respond with the value of the challenge parameter.")

    async def check_ssl(self) -> None:
        """Sends the probe that Slack sends to a command's URL now and then; any answer with status 200 will do."""
        await self._post(FORM, urlencode({"ssl_check": "1", "token": "sandbox"}), {})

    async def _post(self, content_type: str, body: str, more: Mapping[str, str], *, redirects: bool = False) -> Any:
        headers = {"Content-Type": content_type, "User-Agent": AGENT, **self._signed(body), **more}
        timeout = aiohttp.ClientTimeout(total=self._ack_seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self.request_url,
                    data=body.encode(),
                    headers=headers,
                    allow_redirects=redirects,
                    max_redirects=REDIRECTS + 1,  # at which aiohttp gives up
                ) as response,
            ):
                text = await response.text()
        except TimeoutError as error:
            raise PushTrouble(NO_ACK, "the app did not answer in time", "http_timeout") from error
        except aiohttp.TooManyRedirects as error:
            raise PushTrouble(NO_CONNECTION, "the request URL redirects too often", "too_many_redirects") from error
        except aiohttp.ClientSSLError as error:
            raise PushTrouble(NO_CONNECTION, "the request URL's certificate is not trusted", "ssl_error") from error
        except aiohttp.ClientConnectionError as error:
            raise PushTrouble(NO_CONNECTION, "the request URL cannot be reached", "connection_failed") from error
        except aiohttp.ClientError as error:
            raise PushTrouble(NO_CONNECTION, "the request URL's answer cannot be read", "unknown_error") from error
        if response.status != HTTPStatus.OK:
            no_retry = response.headers.get("X-Slack-No-Retry") == "1"
            sentence = f"the request URL answered {response.status}"
            raise PushTrouble(NO_CONNECTION, sentence, "http_error", no_retry=no_retry)
        return _decoded(text)

    def _signed(self, body: str) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        mark = hmac.new(self._secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={mark}"}


def _retry_headers(retry: Retry | None) -> dict[str, str]:
    if retry is None:
        return {}
    return {"X-Slack-Retry-Num": str(retry.number), "X-Slack-Retry-Reason": retry.reason}


def _decoded(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
