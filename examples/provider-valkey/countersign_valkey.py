"""Valkey, and Redis from version 7, as a target of Countersign: each grant is an ACL user of its own. See README.md."""

import hashlib
import re
import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Annotated, Any, BinaryIO, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from access.errors import (
    Ambiguous,
    BadConfig,
    BadCredential,
    NotGrantable,
    NotPermitted,
    Permanent,
    ProviderError,
    TargetNotFound,
    Transient,
)
from access.ports import (
    CallLimits,
    Capabilities,
    Deadline,
    Finding,
    GrantSpec,
    Isolation,
    Managed,
    Observation,
    Outcome,
    Plan,
    Receipt,
    Removal,
    Rights,
    Secret,
    SecretReference,
)
from access.provider import BaseProvider

MEANINGS: Mapping[str, tuple[type[ProviderError], str]] = {
    "WRONGPASS": (BadCredential, "The Valkey server does not accept the bot's login."),
    "NOAUTH": (BadCredential, "The Valkey server wants a login from the bot."),
    "NOPERM": (NotPermitted, "The bot's login on the Valkey server lacks a right it needs."),
    "LOADING": (Transient, "The Valkey server is still loading its data."),
    "BUSY": (Transient, "The Valkey server is busy with a script."),
    "MASTERDOWN": (Transient, "The Valkey server is a replica that has lost its primary."),
    "READONLY": (BadConfig, "The Valkey server is a replica; name the primary in the settings."),
    "OOM": (Transient, "The Valkey server is out of memory."),
    "ERR": (Permanent, "The Valkey server refuses this command."),
}
"""Each answer that is an error begins with such a word."""
_READING = "+@read"
_NEVER = ("-@admin", "-@dangerous", "-@scripting", "-@blocking", "-scan", "-randomkey", "-dbsize")
"""What is no reading of the granted keys: names of other keys, scripts that hold up the server, waiting."""
_CLIENTS = ("+ping", "+hello", "+select", "+client|setinfo")
"""What every client says when it connects."""
_OURS = re.compile(r"cs_[0-9a-z]{26}")
Pattern = Annotated[str, Field(pattern=r"^[!#-&(-\[\]-~]{1,200}$")]
"""Of keys; without blanks and quotes, which the server's own file of users cannot hold."""


class ValkeySettings(BaseModel):
    """Only over TLS: the server is told the bot's password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    user: str = Field(default="countersign", pattern=r"^[!-~]{1,100}$")
    password: SecretReference
    ca: str | None = None
    """The authority that vouches for the server; those of the system where it is left out."""

    @field_validator("url")
    @classmethod
    def _one_server(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "rediss" or not parts.hostname or parts.username or parts.path.strip("/"):
            raise ValueError("rediss://HOST:PORT is meant: TLS, one server, no login and no database in it")
        return url

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 6379


class ValkeyRole(BaseModel):
    """Which keys may be read, and which may be written too, by their patterns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reads: tuple[Pattern, ...] = ()
    writes: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> "ValkeyRole":
        if not self.reads and not self.writes:
            raise ValueError("a role names keys under reads or writes")
        return self

    def rules(self) -> list[str]:
        """As the server takes them; what is said later counts."""
        keys = [*(f"%R~{one}" for one in self.reads), *(f"~{one}" for one in self.writes)]
        return [*keys, "-@all", _READING, *(["+@write"] if self.writes else []), *_NEVER, *_CLIENTS]


class Valkey(BaseProvider[ValkeySettings, ValkeyRole]):
    """The provider."""

    name: ClassVar[str] = "valkey"
    Settings: ClassVar[type[BaseModel]] = ValkeySettings
    Role: ClassVar[type[BaseModel]] = ValkeyRole
    limits: ClassVar[CallLimits] = CallLimits(concurrency=4)
    capabilities: ClassVar[Capabilities] = Capabilities(
        isolation=Isolation.PER_GRANT, ends_sessions=True, reveals=True, list_managed=True,
        end_means="When time is up, open connections are cut off and the temporary login is removed.",
    )  # fmt: skip

    @classmethod
    def target_key(cls, settings: ValkeySettings) -> str:
        host, port = settings.address
        return f"{host}:{port} {settings.user}"

    def check(self, roles: Mapping[str, BaseModel], deadline: Deadline) -> list[Finding]:
        try:
            with self._session(deadline) as server:
                server.reads("ACL", "USERS")
                own = _described(server, self.settings.user)
        except ProviderError as error:
            return [Finding(level="error", subject="login", sentence=error.sentence, cure="See the README's set-up.")]
        if own and own.keys:
            sentence, cure = "The bot's login can reach keys itself.", f"ACL SETUSER {self.settings.user} resetkeys"
            return [Finding(level="warning", subject="login", sentence=sentence, cure=cure)]
        return [Finding(level="ok", subject="login", sentence="The server is reached, and the bot may keep its users.")]

    def plan(self, spec: GrantSpec) -> Plan:
        name, (host, port) = _name(spec), self.settings.address
        ends = (
            f"ACL SETUSER {name} {' '.join(_LOCKED)}",
            f"CLIENT KILL USER {name}",
            f"ACL DELUSER {name}",
            "ACL SAVE",
        )
        grants = f"ACL SETUSER {name} {' '.join(self._wanted(spec))}"
        return Plan(grant=(grants, "ACL SAVE"), revoke=ends, where=f"Valkey on {host}:{port}")

    def grant(self, spec: GrantSpec, deadline: Deadline) -> Outcome:
        name, wanted = _name(spec), self._wanted(spec)
        if not _OURS.fullmatch(name):
            raise BadConfig("This is not the id of a grant.")
        with self._session(deadline) as server:
            there = _described(server, name)
            if there and not there.is_of(spec):
                raise NotGrantable("The Valkey server has a login of this name that Countersign did not make.")
            server.changes("ACL", "SETUSER", name, *wanted)
            server.save()
        return Outcome(state="active", receipt=Receipt(names={"login": name}))

    def observe(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        with self._session(deadline) as server:
            there = _described(server, _name(spec))
        if there is None or not there.is_of(spec):
            return Observation(present=False)
        return Observation(present=True, extra_privileges=there.allows - self._gives(spec))

    def revoke(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        """Rights go first, then sessions, then the login. A file that still had it would bring it back at a restart."""
        name = _name(spec)
        with self._session(deadline) as server:
            there = _described(server, name)
            ended = self._removed(server, name) if there and there.is_of(spec) else 0
            server.save()
            left = _described(server, name)
            if left and left.is_of(spec):
                raise Transient("The login was removed from the Valkey server and is there again.")
        return Removal(state="removed" if there and there.is_of(spec) else "absent", sessions_ended=ended)

    def reveal(self, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Secret:
        """The server hears the hash alone."""
        name, password = _name(spec), secrets.token_urlsafe(24)
        with self._session(deadline) as server:
            there = _described(server, name)
            if there is None or not there.is_of(spec):
                raise TargetNotFound("The login of this access is not on the Valkey server any more.")
            hashed = f"#{hashlib.sha256(password.encode()).hexdigest()}"
            # Where it was deleted just now this makes one that is off and can do nothing; with the mark it is found.
            server.changes("ACL", "SETUSER", name, "resetpass", hashed, _mark(spec))
            server.save()
        host, port = self.settings.address
        fields = {"Server": f"rediss://{host}:{port}", "Login": name, "Password": password}
        return Secret(
            fields=tuple((label, SecretStr(value)) for label, value in fields.items()),
            environment={"REDISCLI_AUTH": "Password"},
        )

    def rights(self, spec: GrantSpec) -> Rights:
        return Rights(place=self.target_key(self.settings), roles=frozenset(self.role_of(spec).rules()) - {"-@all"})

    def list_managed(self, deadline: Deadline) -> list[Managed]:
        with self._session(deadline) as server:
            names = [name for name in server.reads("ACL", "USERS") if _OURS.fullmatch(name)]
            found = {name: _described(server, name) for name in names}
        ids = {name: name.removeprefix("cs_") for name in found}
        return [
            Managed(name=name, grant_id=ids[name], roles=there.allows - {_mark_of(ids[name])})
            for name, there in found.items()
            if there and _mark_of(ids[name]) in there.channels
        ]

    def _removed(self, server: "_Server", name: str) -> int:
        server.changes("ACL", "SETUSER", name, *_LOCKED)
        with suppress(Permanent):  # another has deleted it meanwhile
            ended = server.changes("CLIENT", "KILL", "USER", name)
            server.changes("ACL", "DELUSER", name)
            return int(ended)
        return 0

    def _wanted(self, spec: GrantSpec) -> list[str]:
        """On, and without a password nobody can log in; one that is there stays."""
        return ["on", "clearselectors", "resetkeys", "resetchannels", *self.role_of(spec).rules(), _mark(spec)]

    def _gives(self, spec: GrantSpec) -> frozenset[str]:
        """What is not in it was added by hand; that the role can be read no more adds nothing."""
        with suppress(BadConfig):
            return frozenset({*self.role_of(spec).rules(), _mark(spec)})
        return frozenset({_mark(spec)})

    @contextmanager
    def _session(self, deadline: Deadline) -> Iterator["_Server"]:
        """Logged in as the bot. Raises ProviderError."""
        password = self.settings.password.read().get_secret_value()
        with ExitStack() as stack:
            try:
                plain = stack.enter_context(socket.create_connection(self.settings.address, timeout=deadline.left()))
                context = ssl.create_default_context(cafile=self.settings.ca)
                secure = context.wrap_socket(plain, server_hostname=self.settings.address[0])
                secure = stack.enter_context(secure)
                server = _Server(secure, stack.enter_context(secure.makefile("rb")), deadline)
            except ssl.SSLCertVerificationError:
                raise BadConfig(
                    "The server has not proven that it is the one in the settings: see url and ca."
                ) from None
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                raise Transient("The Valkey server hung up.") from None
            except ssl.SSLError:
                raise BadConfig("The server does not speak TLS as it should: see the port in url.") from None
            except FileNotFoundError:
                raise BadConfig("There is no file of an authority where the settings say: see ca.") from None
            except OSError:
                raise Transient("The Valkey server can't be reached.") from None
            server.reads("AUTH", self.settings.user, password)
            yield server


class _User:
    """What the server says of a user."""

    def __init__(self, said: Sequence[Any]) -> None:
        told = dict(zip(said[::2], said[1::2], strict=True))
        self.keys, self.channels = frozenset(told["keys"].split()), frozenset(told["channels"].split())
        commands = frozenset(told["commands"].split()) - {"-@all"}
        free = frozenset({"nopass"}) & frozenset(told["flags"])
        selectors = frozenset(str(one) for one in told.get("selectors", ()))
        self.allows = self.keys | self.channels | commands | free | selectors

    def is_of(self, spec: GrantSpec) -> bool:
        return _mark(spec) in self.channels


class _Server:
    """One connection, spoken to in the server's own protocol: one command, one answer."""

    def __init__(self, end: socket.socket, answers: BinaryIO, deadline: Deadline) -> None:
        self._end, self._answers, self._deadline = end, answers, deadline

    def reads(self, *words: str) -> Any:
        return self._ask(words, changes=False)

    def changes(self, *words: str) -> Any:
        return self._ask(words, changes=True)

    def save(self) -> None:
        """A server without a file of users has nothing that could bring one back."""
        try:
            self.changes("ACL", "SAVE")
        except Permanent as error:
            if error.code != "ERR":
                raise

    def _ask(self, words: Sequence[str], *, changes: bool) -> Any:
        said = [word.encode() for word in words]
        message = b"*%d\r\n" % len(said) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in said)
        try:
            self._end.settimeout(self._deadline.left())
            self._end.sendall(message)
            return self._answer()
        except (OSError, ValueError, EOFError):
            raise (Ambiguous if changes else Transient)("The Valkey server did not answer.") from None

    def _answer(self) -> Any:
        self._end.settimeout(self._deadline.left())
        line = self._answers.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
        if kind == b"-":
            raise _meaning(rest)
        if kind == b"*":
            return None if rest == "-1" else [self._answer() for _ in range(int(rest))]
        if kind == b"$":
            return None if rest == "-1" else self._answers.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
        return int(rest) if kind == b":" else rest


_LOCKED = ("off", "resetpass", "clearselectors", "resetkeys", "-@all")


def _described(server: _Server, name: str) -> _User | None:
    said = server.reads("ACL", "GETUSER", name)
    return None if said is None else _User(said)


def _meaning(said: str) -> ProviderError:
    """Its own words are not shown: they may quote what was asked."""
    code = said.partition(" ")[0]
    kind, sentence = MEANINGS.get(code, (Permanent, "The Valkey server answered with an error that is not known here."))
    return kind(sentence, code=code)


def _name(spec: GrantSpec) -> str:
    return f"cs_{spec.grant_id}"


def _mark(spec: GrantSpec) -> str:
    return _mark_of(spec.grant_id)


def _mark_of(grant_id: str) -> str:
    """A user has no comment. A channel of this name is one: nothing that is granted can use channels."""
    return f"&countersign:{grant_id}"
