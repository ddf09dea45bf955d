"""The truth about the reference receiver: logs in there as the person, and looks into its file as its owner."""

import json
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from access.ports import GrantSpec, Secret
from countersign.testing import Fault, FaultKind, Imposter, Left, Obstacle, Refused
from tests.contracts.webhook_imposters import imposters
from tests.contracts.webhook_receiver import HOST, KEY, PATH, Receiver, hashed
from tests.contracts.webhook_wire import Call, Wire, answer, signed
from workers.providers.exchange.schema import Grant, Question, Verb
from workers.providers.webhook.signing import Key, sign_call

_LONG_HUNG_ON = 50
_LATER = "2099-01-01T00:00:00Z"
_ANOTHER = "0" * 26


@dataclass(frozen=True)
class PersonsSession:
    receiver: Receiver
    session: str
    report: str

    def is_alive(self) -> bool:
        return self.receiver.reads(self.session, self.report)

    def close(self) -> None:
        self.receiver.ask("DELETE", "/session", self.session)


class WebhookWorld:
    """A `World` of the reports; the provider's way to them leads over `wire`."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.wire = Wire(receiver.port, receiver.authority.server(HOST), receiver.trust)

    def close(self) -> None:
        self.wire.close()

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> PersonsSession:
        return self._opened(spec, _token(secret))

    def _opened(self, spec: GrantSpec, token: str) -> PersonsSession:
        session = self.receiver.log_in(token)
        if session is None:
            raise Refused("the token opens nothing")
        opened = PersonsSession(self.receiver, session, _report(spec))
        if not opened.is_alive():
            raise Refused("logged in, but does not reach what was granted")
        return opened

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        session = self.receiver.log_in(_token(secret))
        assert session is not None
        tried = {"another report": self.receiver.reads(session, "payroll")}
        tried["the token in place of a session"] = self.receiver.reads(_token(secret), _report(spec))
        body = json.dumps({"version": 1, "verb": "list"}).encode()
        tried["the endpoint"] = self.receiver.ask("POST", PATH, session, body)[0] != 401
        return [what for what, worked in tried.items() if worked]

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        self.receiver.rows("DELETE FROM grants WHERE id = ?", spec.grant_id)

    @contextmanager
    def standing(self, spec: GrantSpec) -> Iterator[Callable[[], bool]]:
        """A token of the person's own."""
        token = secrets.token_urlsafe(32)
        self.receiver.rows("INSERT INTO own_tokens VALUES (?, ?, ?)", hashed(token), spec.principal, _report(spec))
        try:
            yield lambda: self._opened(spec, token).is_alive()
        finally:
            self.receiver.rows("DELETE FROM own_tokens WHERE token = ?", hashed(token))

    def tamper(self, spec: GrantSpec) -> None:
        self.receiver.rows("UPDATE grants SET added = ? WHERE id = ?", '["payroll"]', spec.grant_id)

    def too_much(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        return ()  # the endpoint decides alone what its roles are

    def wrong_credentials(self) -> Sequence[AbstractContextManager[str]]:
        other = f"{KEY}:{secrets.token_hex(32)}\n"
        return [
            self._keys(other, "the endpoint has another secret by the name of our key"),
            self._keys(f"of-another-{self.receiver.keys.read_text()}", "the endpoint has no key of this name"),
        ]

    @contextmanager
    def _keys(self, text: str, what: str) -> Iterator[str]:
        before = self.receiver.keys.read_text()
        self.receiver.keys.write_text(text)
        try:
            yield what
        finally:
            self.receiver.keys.write_text(before)

    def too_little(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        return ()  # a key has no rights: who signs with it may ask for everything

    @contextmanager
    def outlasting(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Mapping[str, bool]]:
        """By the endpoint, signed with whatever was revealed; and by what a person's session can be told."""
        shown = [value.get_secret_value() for _, value in secret.fields] if secret else []
        session = self.receiver.log_in(_token(secret))
        assert session is not None
        tried = dict[str, bool]()
        asked: list[tuple[Verb, dict[str, str]]] = [
            ("extend", {"expires_at": _LATER}), ("grant", {"id": _ANOTHER, "name": f"cs_{_ANOTHER}"}),
        ]  # fmt: skip
        for verb, changed in asked:
            body = Question(verb=verb, grant=_asked(spec, changed)).as_json().encode("ascii")
            tried[f"{verb}, signed with what was revealed"] = any(self._takes(word, body) for word in shown)
            tried[f"{verb}, with the session"] = self.receiver.ask("POST", PATH, session, body)[0] == 200
        tried["another's session for the token"] = self.receiver.ask("POST", "/session/lea", session)[0] == 200
        self.receiver.ask("DELETE", "/session", session)
        yield tried

    def _takes(self, secret: str, body: bytes) -> bool:
        """Whether the endpoint does what is signed with this."""
        call = sign_call(Key(KEY, SecretStr(secret)), body, datetime.now(UTC))
        return self.receiver.ask("POST", PATH, body=body, headers=dict(call.headers))[0] == 200

    @contextmanager
    def widened(self, spec: GrantSpec) -> Iterator[None]:
        yield

    @contextmanager
    def look_alike(self, spec: GrantSpec) -> Iterator[str]:
        """A token of the owner's making, for a person who is called as a grant is."""
        token = secrets.token_urlsafe(32)
        self.receiver.rows("INSERT INTO own_tokens VALUES (?, ?, ?)", hashed(token), spec.grant_id, _report(spec))
        try:
            yield spec.grant_id
        finally:
            self.receiver.rows("DELETE FROM own_tokens WHERE token = ?", hashed(token))

    def own_end(self, spec: GrantSpec) -> datetime | None:
        found = self.receiver.rows("SELECT expires_at FROM grants WHERE id = ?", spec.grant_id)
        if not found:
            return None
        whole, rest = divmod(found[0][0], 1_000_000)
        return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest)

    def snapshot(self) -> object:
        """All that gives access. When calls were signed, which the receiver notes down too, gives none."""
        grants = "SELECT id, principal, reports, expires_at, token, added FROM grants ORDER BY id"
        return self.receiver.rows(grants), self.receiver.rows("SELECT * FROM own_tokens ORDER BY token")

    def obstacles(self) -> Sequence[Obstacle]:
        return [Obstacle("C31", f"{_LONG_HUNG_ON} connections that say nothing", self._hung_on)]

    @contextmanager
    def _hung_on(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Left]:
        with ExitStack() as open_ones:
            for _ in range(_LONG_HUNG_ON):
                open_ones.enter_context(socket.create_connection((HOST, self.receiver.port), timeout=20))
            yield list

    def imposters(self) -> Sequence[AbstractContextManager[Imposter]]:
        return imposters(self.receiver)

    def type_by_hand(self, statements: Sequence[str]) -> None:
        typed = subprocess.run(["bash", "-c", "\n".join(statements)], capture_output=True, timeout=60, check=False)
        assert typed.returncode == 0, typed.stderr.decode()

    @contextmanager
    def fault(self, kind: FaultKind, at: int) -> Iterator[Fault]:
        with self.wire.ordered(kind, at) as order:
            yield order

    @contextmanager
    def answer(self, code: str) -> Iterator[None]:
        """A number is what stands before the endpoint; a word is the endpoint's own."""

        def reply(call: Call) -> bytes:
            if code.isdigit():
                return answer(int(code), headers={"Location": "https://elsewhere.example.test/"})
            body = {"error": {"kind": code, "sentence": "So ordered."}}
            return signed(self.receiver.secret, call, json.dumps(body).encode(), status=422)

        with self.wire.ordered(None, 1, reply):
            yield

    def written(self) -> str:
        return self.receiver.log.read_text(encoding="utf-8", errors="replace")

    def credentials(self) -> list[str]:
        return [self.receiver.secret]


def _asked(spec: GrantSpec, changed: Mapping[str, str]) -> Grant:
    said = {
        "id": spec.grant_id, "name": f"cs_{spec.grant_id}", "resource": spec.resource, "role": spec.role,
        "principal": spec.principal, "grants": spec.definition["grants"], "expires_at": spec.expires_at,
    }  # fmt: skip
    return Grant.model_validate(said | dict(changed))


def _token(secret: Secret | None) -> str:
    told = {label: value.get_secret_value() for label, value in secret.fields} if secret else {}
    return told.get("Token", "")


def _report(spec: GrantSpec) -> str:
    return spec.definition["grants"][0]
