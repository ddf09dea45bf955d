"""One call to an endpoint: signed, over TLS to a checked address, its answer bounded, proven and read."""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import httpcore
from pydantic import SecretStr

from access.errors import BadConfig, ProviderError, Transient
from access.ports import Deadline, host_time
from workers.providers.exchange import schema
from workers.providers.webhook import errors
from workers.providers.webhook.addresses import read_network
from workers.providers.webhook.connecting import AddressRefused, CertificateRefused, Connector, NoTls
from workers.providers.webhook.settings import WebhookSettings
from workers.providers.webhook.signing import Key, SignedCall, answered_at, read_key, sign_call

A = TypeVar("A", bound=schema.Strict)
MOST_BYTES = 1024 * 1024
_OPENING = frozenset[schema.Verb]({"grant", "extend", "reveal"})
_UNREACHABLE = "The endpoint can't be reached just now."


@dataclass(frozen=True)
class Said:
    """An answer as it came, not yet believed."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    heard_at: datetime

    def header(self, name: bytes) -> bytes | None:
        return next((value for header, value in self.headers if header.lower() == name), None)


class Endpoint:
    """Where the settings lead. Used by several threads at once; each call has a connection of its own."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._networks = [read_network(written) for written in settings.networks]
        self._trust: ssl.SSLContext | None = None

    def ask(self, question: schema.Question, kind: type[A], deadline: Deadline) -> A:
        """What the endpoint answers, where it proves that it is its answer. Raises ProviderError."""
        key, now = self.key(), host_time()
        if question.verb in _OPENING and (weakness := key.weakness):
            raise BadConfig(f"{weakness} What is open still ends.")
        until = now + timedelta(seconds=deadline.left())
        body = question.model_copy(update={"deadline": until}).as_json().encode("ascii")
        call = sign_call(key, body, now)
        said = self.send(call, body, deadline, changes=question.verb in schema.CHANGES)
        answer = self.believed(call, said, question.verb)
        assert isinstance(answer, kind)
        return answer

    def key(self) -> Key:
        """Read each time: it is exchanged without a restart where it is in a file."""
        return read_key(self._settings.key.read())

    def send(self, call: SignedCall, body: bytes, deadline: Deadline, *, changes: bool) -> Said:
        """As it came. Raises ProviderError."""
        connector = Connector(self._networks, deadline)
        try:
            return self._post(connector, call, body)
        except AddressRefused:
            raise BadConfig(
                "The endpoint's name leads to an address where it may not be, so nothing was sent. If it belongs "
                "there, add its network to networks in the settings."
            ) from None
        except CertificateRefused:
            raise BadConfig(
                "The endpoint could not prove by its certificate that it is the target, so it was told nothing. "
                "Look at the host in url, at ca in the settings, and at the endpoint's certificate."
            ) from None
        except NoTls:
            raise BadConfig(
                "The endpoint does not speak TLS 1.2 or later, so it was told nothing. Look at url and at the endpoint."
            ) from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError, OSError):
            raise errors.undone(sent=connector.sent, changes=changes, sentence=_UNREACHABLE) from None

    def believed(self, call: SignedCall, said: Said, verb: schema.Verb) -> schema.Strict:
        """The answer, where it is the endpoint's to this very call. Raises ProviderError."""
        if answered_at(call, said.status, said.headers, said.body) is None:
            retry_after, changes = said.header(b"retry-after"), verb in schema.CHANGES
            raise errors.unsigned(said.status, retry_after, key=call.key.name, changes=changes)
        try:
            answer = schema.read_answer(verb, said.body)
        except ValueError:  # its words may hold a secret
            raise errors.unreadable(f"it is not what the schema says of {verb}") from None
        if isinstance(answer, schema.Failed):
            raise _without(call.key.secret, errors.refused(answer.error))
        return answer

    def _post(self, connector: Connector, call: SignedCall, body: bytes) -> Said:
        url = httpcore.URL(self._settings.url)
        headers = [("Content-Type", "application/json"), ("Accept-Encoding", "identity"), ("Connection", "close")]
        headers += [("User-Agent", "Countersign"), ("Host", _host(url)), *call.headers]
        with (
            httpcore.HTTPConnection(url.origin, ssl_context=self._trusted(), network_backend=connector) as connection,
            connection.stream("POST", url, headers=headers, content=body) as response,
        ):
            return Said(response.status, response.headers, _bounded(response), host_time())

    def _trusted(self) -> ssl.SSLContext:
        if self._trust is None:
            try:
                self._trust = ssl.create_default_context(cafile=self._settings.ca)
            except (OSError, ssl.SSLError):
                raise BadConfig(
                    f"The file of the endpoint's authority, ca: {self._settings.ca}, cannot be read by the worker."
                ) from None
        return self._trust


def _host(url: httpcore.URL) -> str:
    host = url.host.decode()
    host = f"[{host}]" if ":" in host else host
    return host if url.port in (None, 443) else f"{host}:{url.port}"


def _bounded(response: httpcore.Response) -> bytes:
    """The whole body, or an error: what ends with the connection alone may have been cut off anywhere."""
    named = {name.lower() for name, _ in response.headers}
    if not named & {b"content-length", b"transfer-encoding"}:
        if 200 <= response.status < 300:
            raise httpcore.RemoteProtocolError("the answer has no length")
        return b""
    body = bytearray()
    for piece in response.iter_stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise errors.unreadable("it is longer than 1 MiB")
    return bytes(body)


def _without(secret: SecretStr, error: ProviderError) -> ProviderError:
    """An endpoint that repeats our own key to us says it to nobody else."""
    if secret.get_secret_value() not in error.sentence:
        return error
    if isinstance(error, Transient):
        return type(error)("The endpoint refuses this for now.", retry_after=error.retry_after)
    return type(error)("The endpoint refuses this.", code=error.code)
