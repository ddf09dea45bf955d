"""Every knob of the environment, read once when a process starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from access.errors import Misconfigured

SLACK_API = "https://slack.com/api/"
HTTP_LISTEN = ("127.0.0.1", 3000)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LogFormat = Literal["text", "json"]
METRICS_HOST = "127.0.0.1"
CALLS_MOST = 256
_FOUND_BY = ("DATABASE_URL", "COUNTERSIGN_POLICY")
_PORT = re.compile(r"[0-9]{1,5}")
_HERE = {("http", host) for host in ("localhost", "127.0.0.1", "::1")}
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a process is told by its environment. Secrets also come from the file that `NAME_FILE` names."""

    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    policy_file: Path
    state_directory: Path
    unset: frozenset[str] = frozenset()
    """Of the names by which database and policy are found, those that were left to their defaults."""
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    http_listen: tuple[str, int] = HTTP_LISTEN
    """Host and port."""
    http_prefix: str = ""
    """What a proxy puts before our paths: empty, or `/countersign`."""
    slack_api_url: str = SLACK_API
    job_keys: tuple[SecretStr, ...] = field(default=())
    sandbox: bool = False
    log_level: str = "INFO"
    log_format: LogFormat = "text"
    metrics_listen: tuple[str, int] | None = None
    """Host and port where this process shows its figures; None: nowhere."""
    calls_at_once: int = 16
    """On each target, by each worker."""
    page_url: SecretStr | None = None
    """Where alerts are posted for whoever is on duty."""
    ping_url: SecretStr | None = None
    """Asked for after a good sweep, so that whoever waits for it notices when there is none."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises Misconfigured with what to set."""
        state = Path(environment.get("COUNTERSIGN_STATE") or ".countersign")
        sandbox = environment.get("COUNTERSIGN_SANDBOX") == "1"
        keys = (_secret(environment, "COUNTERSIGN_JOB_KEY"), _secret(environment, "COUNTERSIGN_JOB_KEY_OLD"))
        return cls(
            database_url=environment.get("DATABASE_URL") or f"sqlite:///{state / 'countersign.db'}",
            redis_url=environment.get("REDIS_URL"),
            policy_file=Path(environment.get("COUNTERSIGN_POLICY") or "access.yml"),
            state_directory=state,
            unset=frozenset(name for name in _FOUND_BY if not environment.get(name)),
            slack_bot_token=_secret(environment, "SLACK_BOT_TOKEN"),
            slack_app_token=_secret(environment, "SLACK_APP_TOKEN"),
            slack_signing_secret=_secret(environment, "SLACK_SIGNING_SECRET"),
            http_listen=_listen(environment.get("COUNTERSIGN_HTTP_LISTEN")),
            http_prefix=_prefix(environment.get("COUNTERSIGN_HTTP_PREFIX") or ""),
            slack_api_url=_slack_api(environment.get("SLACK_API_URL") or SLACK_API, sandbox=sandbox),
            job_keys=tuple(key for key in keys if key is not None),
            sandbox=sandbox,
            log_level=_log_level(environment.get("COUNTERSIGN_LOG_LEVEL") or "INFO"),
            log_format=_log_format(environment.get("COUNTERSIGN_LOG_FORMAT") or "text"),
            metrics_listen=_metrics_listen(environment.get("COUNTERSIGN_METRICS_LISTEN")),
            calls_at_once=_calls(environment.get("COUNTERSIGN_CALLS_AT_ONCE") or "16"),
            ping_url=_ping_url(_secret(environment, "COUNTERSIGN_PING_URL")),
            page_url=_page_url(_secret(environment, "COUNTERSIGN_PAGE_URL")),
        )

    def answers_by_http(self) -> bool:
        """Whether Slack calls the bot, instead of the bot Slack. Raises Misconfigured when both are set up."""
        if self.slack_app_token and self.slack_signing_secret:
            raise Misconfigured(
                "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set, and it is one or the other: "
                "the app token for Socket Mode (manifest.yml), the signing secret for HTTP mode (manifest.http.yml)."
            )
        return self.slack_signing_secret is not None

    def need(self, secret: SecretStr | None, name: str) -> str:
        """The secret's value, or Misconfigured that says which variable is missing."""
        if secret is None:
            raise Misconfigured(f"{name} is not set; put it, or {name}_FILE, into the environment of this process.")
        return secret.get_secret_value()


def _secret(environment: Mapping[str, str], name: str) -> SecretStr | None:
    file = environment.get(f"{name}_FILE")
    if file:
        try:
            secret = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Misconfigured(f"{name}_FILE names {file}, which cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise Misconfigured(f"{name}_FILE names {file}, which is not text in UTF-8.") from None
        if not secret:
            raise Misconfigured(f"{name}_FILE names {file}, which is empty.")
        return SecretStr(secret)
    value = environment.get(name)
    return SecretStr(value) if value else None


def _log_level(name: str) -> str:
    if name.upper() not in LOG_LEVELS:
        raise Misconfigured(f"COUNTERSIGN_LOG_LEVEL is {name!r}; it is one of {', '.join(LOG_LEVELS)}.")
    return name.upper()


def _log_format(name: str) -> LogFormat:
    if name.lower() not in get_args(LogFormat):
        raise Misconfigured(f"COUNTERSIGN_LOG_FORMAT is {name!r}; it is one of {', '.join(get_args(LogFormat))}.")
    return cast(LogFormat, name.lower())


def _listen(address: str | None) -> tuple[str, int]:
    if not address:
        return HTTP_LISTEN
    found = _address(address)
    if found is None:
        raise Misconfigured(
            f"COUNTERSIGN_HTTP_LISTEN is {address!r}; write host:port, as 127.0.0.1:3000 or [::1]:3000."
        )
    return found


def _metrics_listen(address: str | None) -> tuple[str, int] | None:
    if not address:
        return None
    found = _address(address if ":" in address else f"{METRICS_HOST}:{address}")
    if found is None:
        raise Misconfigured(
            f"COUNTERSIGN_METRICS_LISTEN is {address!r}; write host:port, as 127.0.0.1:9464 or only 9464."
        )
    return found


def _address(address: str) -> tuple[str, int] | None:
    """Host and port; None: it is no address."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not _PORT.fullmatch(port) or not 0 < int(port) <= 65535:
        return None
    return host, int(port)


def _calls(number: str) -> int:
    if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= CALLS_MOST:
        raise Misconfigured(f"COUNTERSIGN_CALLS_AT_ONCE is {number!r}; it is a whole number from 1 to {CALLS_MOST}.")
    return int(number)


def _ping_url(url: SecretStr | None) -> SecretStr | None:
    """The address is a secret: whoever knows it can say that all is well."""
    if url is None:
        return None
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured("COUNTERSIGN_PING_URL is no address; it begins with https:// or http://.")
    return url


def _page_url(url: SecretStr | None) -> SecretStr | None:
    """The address is a secret, and who reads on the way learns what is wrong here: so https, but for this host."""
    if url is None:
        return None
    parts = urlsplit(url.get_secret_value())
    try:
        valid = bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        valid = False  # the port
    if not valid or (parts.scheme != "https" and (parts.scheme, parts.hostname) not in _HERE):
        raise Misconfigured(
            "COUNTERSIGN_PAGE_URL is no address to page at; it begins with https://, or with http:// on this host, "
            "and names no user."
        )
    return url


def _prefix(path: str) -> str:
    prefix = path.rstrip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise Misconfigured(f"COUNTERSIGN_HTTP_PREFIX is {path!r}; it is a path that begins with /, as /countersign.")
    return prefix


def _slack_api(url: str, *, sandbox: bool) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    genuine = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
    if not genuine and not sandbox:
        raise Misconfigured(f"SLACK_API_URL points to {host or url}, not to Slack; that is for the sandbox only.")
    return url if url.endswith("/") else url + "/"
