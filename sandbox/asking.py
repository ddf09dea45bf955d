"""Knocking at the sandbox's doors from Python, over kept connections."""

import http.client
import json
import re
from collections import deque
from typing import Any, Self
from urllib.parse import urlsplit

ANSWER_SECONDS = 20.0


class SandboxError(Exception):
    """A person could not do that in Slack; `fields` holds what the form says, by block id."""

    def __init__(self, sentence: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.fields = fields or {}


class Trouble(SandboxError):
    """The app did not answer, or not in a way Slack understands; `name` is Slack's word for it."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"{name}: {sentence}")
        self.name = name


class Asking:
    """A running sandbox, seen from outside. Usable from any thread; close it, or use it as a context manager."""

    def __init__(self, url: str, page_token: str = "") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._token = page_token or self._read_token()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the kept connections."""
        while self._idle:
            self._idle.pop().close()

    def ask(self, door: str, **request: Any) -> dict[str, Any]:
        """Knocks at one door; `SandboxError` when the person could not do that."""
        body = json.dumps(request).encode()
        headers = {"X-Sandbox-Token": self._token, "Content-Type": "application/json"}
        status, text = self._exchange("POST", f"/door/{door}", body, headers)
        if status == http.HTTPStatus.CONFLICT:
            refusal = json.loads(text)
            raise SandboxError(refusal["not_possible"], refusal["fields"])
        if status != http.HTTPStatus.OK:
            raise SandboxError(f"the door {door!r} answered {status}: {text}")
        return json.loads(text)

    def answered(self, door: str, **request: Any) -> dict[str, Any]:
        """Knocks at a door behind which the app is asked; `Trouble` when it gave no good answer."""
        answer = self.ask(door, **request)
        if "error" in answer:
            raise Trouble(answer["error"], answer["text"])
        return answer

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return response.status, text

    def _read_token(self) -> str:
        _, page = self._exchange("GET", "/", None, {})
        found = re.search(r'name="sandbox-token" content="([^"]+)"', page)
        if not found:
            raise SandboxError(f"there is no sandbox at http://{self._host}:{self._port}")
        return found.group(1)
