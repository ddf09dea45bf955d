"""The truth about a Valkey: logs in there as the person, and looks at its users as its owner."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
from valkey_server import HOST, Authority, ValkeyServer

from access.ports import GrantSpec, Secret
from countersign.testing import Fault, FaultKind, Imposter, Left, Obstacle, Refused, Relay

_CROWD = 200


class Resp:
    """How Valkey is spoken to: a `Dialect`."""

    def length(self, said: bytes) -> int:
        return _length(said)

    def is_call(self, message: bytes) -> bool:
        return True

    def is_whole(self, said: bytes) -> bool:
        return _length(said) > 0


def _length(said: bytes, start: int = 0) -> int:
    """Of the first whole value; 0 where it is not whole."""
    end = said.find(b"\r\n", start) + 2
    if end < 2:
        return 0
    kind, rest = said[start : start + 1], said[start + 1 : end - 2]
    if kind == b"$" and rest != b"-1":
        end += int(rest) + 2
        return end if len(said) >= end else 0
    for _ in range(int(rest) if kind == b"*" and rest != b"-1" else 0):
        if not (end := _length(said, end)):
            return 0
    return end


@dataclass(frozen=True)
class Session:
    client: redis.Redis
    key: str

    def is_alive(self) -> bool:
        try:
            return self.client.get(self.key) is not None
        except redis.RedisError:
            return False

    def close(self) -> None:
        self.client.close()


class ValkeyWorld:
    """A `World`; the provider's way to the server leads over `relay`."""

    def __init__(self, server: ValkeyServer, password: Path) -> None:
        self.server, self._password = server, password
        self.relay = Relay(str(server.socket), Resp, shows=server.authority.shows())
        self.owner = server.owner
        for name in ("cust", "orders", "stock", "payroll"):
            self.owner.set(f"{name}:1", name)

    def close(self) -> None:
        self.relay.close()

    @property
    def settings(self) -> dict[str, Any]:
        return self.settings_at(self.relay.port, self.server.authority)

    def settings_at(self, port: int, authority: Authority) -> dict[str, Any]:
        secret = {"file": str(self._password)}
        return {"url": f"rediss://{HOST}:{port}", "password": secret, "ca": str(authority.certificate)}

    def open_session(self, spec: GrantSpec, secret: Secret | None) -> Session:
        told = {label: value.get_secret_value() for label, value in secret.fields} if secret else {}
        return self._opened(spec, told.get("Login", f"cs_{spec.grant_id}"), told.get("Password", ""))

    def _opened(self, spec: GrantSpec, login: str, password: str) -> Session:
        session = Session(self.server.client(login, password or "none"), _key(spec))
        if not session.is_alive():
            session.close()
            raise Refused("the server does not let the person read the key")
        return session

    def trespasses(self, spec: GrantSpec, secret: Secret | None) -> list[str]:
        near = [
            ("GET", "payroll:1"), ("SET", _key(spec), "x"), ("DEL", _key(spec)), ("SCAN", "0"), ("KEYS", "*"),
            ("RANDOMKEY",), ("DBSIZE",), ("EVAL", "return 1", "0"), ("ACL", "USERS"), ("CLIENT", "LIST"),
            ("CONFIG", "GET", "*"), ("INFO",), ("COPY", "payroll:1", _key(spec)), ("PUBLISH", "x", "x"),
            ("SUBSCRIBE", f"countersign:{spec.grant_id}"), ("CLIENT", "TRACKING", "ON", "BCAST"), ("FLUSHALL",),
        ]  # fmt: skip
        session = self.open_session(spec, secret)
        with closing(session):
            return [" ".join(words) for words in near if _works(session.client, words)]

    def remove_behind_our_back(self, spec: GrantSpec) -> None:
        self._acl("DELUSER", f"cs_{spec.grant_id}")

    @contextmanager
    def standing(self, spec: GrantSpec) -> Iterator[Callable[[], bool]]:
        """A login of the person's own."""
        self._set_user(spec.principal, "on", ">own password", f"~{_key(spec)}", "+@read", "+@write")
        try:
            yield lambda: self._stands(spec)
        finally:
            self._acl("DELUSER", spec.principal)

    def _stands(self, spec: GrantSpec) -> bool:
        with closing(self._opened(spec, spec.principal, "own password")) as session:
            return session.is_alive()

    def tamper(self, spec: GrantSpec) -> None:
        self._set_user(f"cs_{spec.grant_id}", "%R~payroll:*")

    def too_much(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        return ()  # which commands a role allows is in the provider, and on the server nothing can be added to them

    def wrong_credentials(self) -> Sequence[AbstractContextManager[str]]:
        changes = [(("resetpass", ">another"), ("resetpass", f">{self.server.password}")), (("off",), ("on",))]
        return [self._bot(does, undoes) for does, undoes in changes]

    @contextmanager
    def _bot(self, does: Sequence[str], undoes: Sequence[str]) -> Iterator[str]:
        self._set_user("countersign", *does)
        try:
            yield f"the bot's user is {' '.join(does)}"
        finally:
            self._set_user("countersign", *undoes)

    def too_little(self, spec: GrantSpec) -> Sequence[AbstractContextManager[str]]:
        return ()  # the server does not say which right a command lacked

    @contextmanager
    def outlasting(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Mapping[str, bool]]:
        login, another = f"cs_{spec.grant_id}", ("ACL", "SETUSER", "another", "on", "nopass", "~*", "+@all")
        tries = [
            another, ("ACL", "SETUSER", login, "nopass"), ("ACL", "SAVE"), ("CLIENT", "NO-EVICT", "ON"),
            ("SCRIPT", "LOAD", "return 1"), ("FUNCTION", "LOAD", "#!lua name=x\n"), ("REPLICAOF", "NO", "ONE"),
            ("MULTI",), ("MONITOR",), ("SYNC",), ("CONFIG", "SET", "aclfile", ""),
        ]  # fmt: skip
        with closing(self.open_session(spec, secret)) as session:
            yield {" ".join(words): _works(session.client, words) for words in tries}

    @contextmanager
    def widened(self, spec: GrantSpec) -> Iterator[None]:
        yield  # the provider does not claim to tell what a role allows

    @contextmanager
    def look_alike(self, spec: GrantSpec) -> Iterator[str]:
        name = f"cs_{spec.grant_id}"
        self._set_user(name, "on", ">made by hand", "~cust:*", "+@read")
        try:
            yield name
        finally:
            self._acl("DELUSER", name)

    def own_end(self, spec: GrantSpec) -> datetime | None:
        return None

    def snapshot(self) -> object:
        """The users as they are, and as they would be after a restart; a password is a hash here."""
        listed: list[str] = self.owner.execute_command("ACL", "LIST") or []
        return sorted(listed), sorted(self.server.users.read_text().splitlines())

    def obstacles(self) -> Sequence[Obstacle]:
        return [
            Obstacle("C35", "a connection that has said nothing yet", self._half_way_in),
            Obstacle("C36", f"{_CROWD} open connections", self._crowd),
        ]

    @contextmanager
    def _half_way_in(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Left]:
        """The connection is there, and the login not said."""
        told = {label: value.get_secret_value() for label, value in secret.fields} if secret else {}
        words = f"AUTH {told['Login']} {told['Password']}\r\nGET {_key(spec)}\r\n".encode()
        with socket.socket(socket.AF_UNIX) as inside, inside.makefile("rb") as answers:
            inside.settimeout(20)
            inside.connect(str(self.server.socket))

            def left() -> list[str]:
                with suppress(OSError):
                    inside.sendall(words)
                    if b"-" not in (answers.readline()[:1], answers.readline()[:1]):
                        return ["a connection from before logs in"]
                return []

            yield left

    @contextmanager
    def _crowd(self, spec: GrantSpec, secret: Secret | None) -> Iterator[Left]:
        with ExitStack() as stack:
            crowd = [stack.enter_context(closing(self.open_session(spec, secret))) for _ in range(_CROWD)]
            yield lambda: ["one of many connections still reads"] if any(one.is_alive() for one in crowd) else []

    def imposters(self) -> Sequence[AbstractContextManager[Imposter]]:
        kinds = [
            ("a server without TLS", "port in url", None),
            ("a server that another authority vouches for", "url and ca", ("other", HOST)),
            ("a server with another's certificate", "url and ca", ("authority", "127.0.0.9")),
        ]
        return [self._imposter(*kind) for kind in kinds]

    @contextmanager
    def _imposter(self, name: str, cure: str, shows: tuple[str, str] | None) -> Iterator[Imposter]:
        with TemporaryDirectory() as folder, socket.create_server((HOST, 0)) as listener:
            made = {one: Authority(Path(folder), one) for one in ("authority", "other")}
            settings = self.settings_at(listener.getsockname()[1], made["authority"])
            imposter = Listener(name, settings, cure, listener, made[shows[0]].shows(shows[1]) if shows else None)
            threading.Thread(target=imposter.listen, daemon=True).start()
            try:
                yield imposter
            finally:
                listener.shutdown(socket.SHUT_RDWR)

    def type_by_hand(self, statements: Sequence[str]) -> None:
        """What was refused is typed once more."""
        for statement in [one for one in statements if not _works(self.owner, one.split())]:
            _works(self.owner, statement.split())

    @contextmanager
    def fault(self, kind: FaultKind, at: int) -> Iterator[Fault]:
        with self.relay.ordered(kind, at) as order:
            yield order

    @contextmanager
    def answer(self, code: str) -> Iterator[None]:
        with self.relay.ordered(None, 1, lambda _: f"-{code} so ordered\r\n".encode()):
            yield

    def written(self) -> str:
        return self.server.log.read_text(encoding="utf-8", errors="replace")

    def credentials(self) -> list[str]:
        return [self.server.password]

    def _set_user(self, name: str, *rules: str) -> None:
        self._acl("SETUSER", name, *rules)

    def _acl(self, *words: str) -> None:
        """As an owner does it who wants it to last."""
        self.owner.execute_command("ACL", *words)
        self.owner.execute_command("ACL", "SAVE")


@dataclass
class Listener:
    """An `Imposter`: takes what it is told, and agrees to everything."""

    name: str
    settings: Mapping[str, Any]
    cure: str
    listener: socket.socket
    shows: Any
    demands_proof: bool = True
    _told: bytearray = field(default_factory=bytearray)
    _guests: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def heard(self) -> bytes:
        for guest in self._guests:
            guest.join(20)
        return bytes(self._told)

    def answered(self) -> bool:
        """A login is said in clear: it would be among what was heard."""
        return False

    def listen(self) -> None:
        with suppress(OSError):
            while True:
                guest, _ = self.listener.accept()
                self._guests.append(threading.Thread(target=self._serve, args=(guest,), daemon=True))
                self._guests[-1].start()

    def _serve(self, guest: socket.socket) -> None:
        guest.settimeout(20)
        with guest, suppress(OSError), ExitStack() as stack:
            end = stack.enter_context(self.shows.wrap_socket(guest, server_side=True)) if self.shows else guest
            while piece := end.recv(65536):
                self._told.extend(piece)
                end.sendall(b"+OK\r\n")


def _key(spec: GrantSpec) -> str:
    return spec.definition["reads"][0].replace("*", "1")


def _works(client: redis.Redis, words: Sequence[str]) -> bool:
    try:
        client.execute_command(*words)
    except redis.RedisError:
        return False
    return True
