"""How our processes talk to Redis: directly, over TLS, or to whom its sentinels name the primary.

Short time-outs and one quick retry, because Redis only makes things fast.
"""

import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from access.errors import Misconfigured

BLOCK_SECONDS = 1.0
"""The longest a command of ours waits at the server."""
_SENTINEL_PORT = 26379
_BY_SENTINEL = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://((?P<who>[^@/]*)@)?(?P<sentinels>[^/?@]+)/(?P<primary>[^/?@]+)(?P<rest>(/\d+)?(\?.*)?)"
)
_ADDRESS = re.compile(r"(\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]]+))(:(?P<port>[0-9]{1,5}))?")
_REFUSALS = {
    "OOM": "it is full and takes nothing more",
    "READONLY": "it is a replica and takes no changes",
    "MISCONF": "it cannot write to its disk and takes no changes",
    "NOREPLICAS": "it has fewer replicas than min-replicas-to-write asks for and takes no changes",
    "NOPERM": "its user may not use a command or a key that Countersign needs",
}
_REFUSAL = re.compile(rf"\b({'|'.join(_REFUSALS)})\b")
_OPTION = re.compile(r"unexpected keyword argument '(\w+)'")
_FORMS = (
    "It looks like redis://:password@host:6379/0, rediss://… for TLS, unix:///path, "
    "or redis+sentinel://:password@host:26379,host:26379/mymaster/0."
)


_ESCAPE = "@ is written %40, / %2F, ? %3F, # %23, & %26 and % itself %25"


def connect(url: str) -> Redis:
    """A client that answers or fails within a second; for whoever adds.

    `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `rediss+sentinel://`. Connects when first used. Raises
    Misconfigured for an address that cannot be used, which never quotes it.
    """
    return _client(url, answer_within=0.5)


def connect_waiting(url: str) -> Redis:
    """The same for the processes that wait at the server for work: workers and timekeepers."""
    return _client(url, answer_within=BLOCK_SECONDS + 1.0)


def connect_without_password(url: str) -> Redis:
    """The same server as somebody who knows no password sees it."""
    return _client(url, answer_within=0.5, username=None, password=None)


def sentinels_of(client: Redis) -> dict[str, Redis]:
    """Those who say where the primary is, each by its address; none where the address is the server's own."""
    pool = client.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return {}
    sentinels = cast("list[Redis]", pool.sentinel_manager.sentinels)
    return {"{host}:{port}".format_map(one.connection_pool.connection_kwargs): one for one in sentinels}


def refusal(error: RedisError) -> str | None:
    """The word by which a Redis that answers says that it takes no writes, or not ours; None for anything else."""
    for kind, word in ((OutOfMemoryError, "OOM"), (ReadOnlyError, "READONLY"), (NoPermissionError, "NOPERM")):
        if isinstance(error, kind):
            return word
    words = str(error) if isinstance(error, ResponseError) else ""
    if "ACL failure in script" in words:
        return "NOPERM"
    found = _REFUSAL.search(words)
    return found[1] if found else None


def reason(error: RedisError) -> str:  # noqa: PLR0911  (a table, with one row for each kind)
    """Why Redis cannot be used, in words that hold no secret and end without a full stop."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection comes about: {(cause.reason or 'unknown').lower().replace('_', ' ')}"
    if isinstance(error, MasterNotFoundError):
        return "no sentinel that answers knows the primary"
    if isinstance(error, AuthenticationError):
        return "it does not accept the user or the password"
    if isinstance(error, RedisTimeout):
        return "it does not answer in time"
    word = refusal(error)
    if word is not None:
        return _REFUSALS[word]
    return "it cannot be reached" if isinstance(error, RedisConnectionError) else type(error).__name__


def _client(url: str, *, answer_within: float, **instead: str | None) -> Redis:
    # One retry, for a connection that died while it lay in the pool. redis-py's own ten would hold a click for
    # seconds; and what timed out is not sent again, because it may have arrived.
    patience: dict[str, Any] = {
        "socket_connect_timeout": 0.5,
        "socket_timeout": answer_within,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }
    try:
        return _checked(url, patience, instead)
    except Misconfigured:
        if _certain(url):
            raise
    raise Misconfigured(
        f"REDIS_URL cannot be used: its password holds a character that is not escaped. {_ESCAPE}. {_FORMS}"
    )


def _checked(url: str, patience: Mapping[str, Any], instead: Mapping[str, str | None]) -> Redis:
    """Raises Misconfigured, which may quote a part of an address that is not `_certain`."""
    try:
        place = url.partition("://")[2].partition("/")[0]
        if url.startswith("unix:") and ":" in place and "@" not in place:
            raise ValueError("a password without its end, which would pass for a path")
        by_sentinel = _BY_SENTINEL.fullmatch(url)
        if by_sentinel and not by_sentinel["who"] and "@" in by_sentinel["rest"] and "password=" not in url:
            raise ValueError("a password that passes for a sentinel and the name of the primary")
        pool = _found(by_sentinel, patience, instead) if by_sentinel else _direct(url, patience, instead)
        pool.connection_class(**pool.connection_kwargs)  # it connects later; what it does not know is found now
        _check_tls(pool.connection_kwargs)
    except ValueError as error:
        raise Misconfigured(f"REDIS_URL cannot be used: {_shown(error)} {_FORMS}") from None
    except TypeError as error:
        raise Misconfigured(_unknown(error)) from None
    except RedisError:
        raise Misconfigured("REDIS_URL cannot be used: ssl_cert_reqs is one of required, optional, none.") from None
    return Redis.from_pool(pool)


def _certain(url: str) -> bool:
    """Whether no part of a password can have passed for a port, an option or a file."""
    rest = url.partition("://")[2]
    options = rest.partition("?")[2]
    return "@" not in "".join(re.split("([/?#])", rest, maxsplit=1)[1:]) and "password=" not in options


def _direct(url: str, patience: Mapping[str, Any], instead: Mapping[str, str | None]) -> ConnectionPool:
    return ConnectionPool(**{**parse_url(url), **patience, **instead})


def _found(
    url: re.Match[str], patience: Mapping[str, Any], instead: Mapping[str, str | None]
) -> SentinelConnectionPool:
    """The sentinels are asked at each connect; one that fell over to another primary is followed."""
    who = f"{url['who']}@" if url["who"] else ""
    options = parse_url(f"{url['scheme']}://{who}primary{url['rest']}")
    for name in ("host", "connection_class"):
        options.pop(name, None)
    own = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    secure: dict[str, Any] = {"ssl": url["scheme"] == "rediss"}
    told = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": patience["retry"]}
    sentinels = Sentinel(_addresses(url["sentinels"]), sentinel_kwargs=own | tls | secure | told)
    return SentinelConnectionPool(url["primary"], sentinels, **(options | secure | dict(patience) | dict(instead)))


def _addresses(listed: str) -> Sequence[tuple[str, int]]:
    found = [_ADDRESS.fullmatch(one.strip()) for one in listed.split(",")]
    if not all(found):
        raise Misconfigured(f"REDIS_URL cannot be used: its sentinels are host:port with commas between. {_FORMS}")
    return [(one["six"] or one["host"], int(one["port"] or _SENTINEL_PORT)) for one in found if one is not None]


def _check_tls(options: Mapping[str, Any]) -> None:
    """Files that are missing or hold something else are found now and not at each connect. Raises Misconfigured."""
    ca, certificate, key = (options.get(f"ssl_{name}") for name in ("ca_certs", "certfile", "keyfile"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca is not None:
            context.load_verify_locations(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"REDIS_URL names ssl_ca_certs={ca}, which {_bad_file(error)}.") from None
    try:
        if certificate is not None:
            context.load_cert_chain(certificate, key, password=options.get("ssl_password"))
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"REDIS_URL names ssl_certfile={certificate}, which {_bad_file(error)}.") from None


def _bad_file(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "does not hold what it should (PEM, and the key that belongs to it)"
    return f"cannot be read: {error.strerror}"


def _unknown(error: TypeError) -> str:
    option = _OPTION.search(str(error))
    name = option[1] if option else "?"
    more = " Write rediss:// for TLS." if name.startswith("ssl_") else ""
    return f"REDIS_URL has the option {name}, which this kind of address does not know.{more}"


def _shown(error: ValueError) -> str:
    """What redis-py says of an address, but not what it quotes: that may be half a password."""
    words = str(error)
    if words.startswith("Port"):
        return "the port is not a number."
    return f"{words.rstrip('.')}." if words.startswith("Invalid value for") else "it is no address of a Redis."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
