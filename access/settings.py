"""Every knob of the environment, read once when a process starts."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo

from access.errors import Misconfigured

SLACK_API = "https://slack.com/api/"
HTTP_LISTEN = ("127.0.0.1", 3000)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LogFormat = Literal["text", "json"]
METRICS_HOST = "127.0.0.1"
CALLS_MOST = 256
_FOUND_BY = {"DATABASE_URL": "database_url", "COUNTERSIGN_POLICY": "policy_file"}
_PORT = re.compile(r"[0-9]{1,5}")
_HERE = {("http", host) for host in ("localhost", "127.0.0.1", "::1")}
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def _one_of(name: str, words: tuple[str, ...]) -> BeforeValidator:
    def read(said: str) -> str:
        found = next((word for word in words if word.lower() == said.lower()), None)
        if found is None:
            raise Misconfigured(f"{name} is {said!r}; it is one of {', '.join(words)}.")
        return found

    return BeforeValidator(read)


def _listens(name: str, example: str, host: str = "") -> BeforeValidator:
    """`host`: where it is where only the port is said."""

    def read(said: str) -> tuple[str, int]:
        found = _address(f"{host}:{said}" if host and ":" not in said else said)
        if found is None:
            raise Misconfigured(f"{name} is {said!r}; write host:port, as {example}.")
        return found

    return BeforeValidator(read)


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


def _ping_url(url: SecretStr) -> SecretStr:
    """The address is a secret: whoever knows it can say that all is well."""
    parts = _split(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured("COUNTERSIGN_PING_URL is no address; it begins with https:// or http://.")
    return url


def _page_url(url: SecretStr) -> SecretStr:
    """The address is a secret, and who reads on the way learns what is wrong here: so https, but for this host."""
    parts = _split(url.get_secret_value())
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


def _slack_api(url: str, known: ValidationInfo) -> str:
    parts = _split(url)
    host = parts.hostname or ""
    genuine = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
    if not genuine and not known.data["sandbox"]:
        raise Misconfigured(f"SLACK_API_URL points to {host or url}, not to Slack; that is for the sandbox only.")
    return url if url.endswith("/") else url + "/"


def _is_on(said: str) -> bool:
    return said == "1"


def _split(url: str) -> SplitResult:
    """Empty where it is no address at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


_HTTP_LISTEN = _listens("COUNTERSIGN_HTTP_LISTEN", "127.0.0.1:3000 or [::1]:3000")
_METRICS_LISTEN = _listens("COUNTERSIGN_METRICS_LISTEN", "127.0.0.1:9464 or only 9464", METRICS_HOST)


def _database(known: dict[str, Any]) -> str:
    return f"sqlite:///{known['state_directory'] / 'countersign.db'}"


def _at(name: str, default: Any = None, *, shown: bool = True) -> Any:
    """The variable that says it. Empty is as if it were not there."""
    return Field(default=default, alias=name, repr=shown)


class Settings(BaseModel):
    """What a process is told by its environment. Secrets also come from the file that `NAME_FILE` names.

    What cannot be used raises Misconfigured where it is read, which passes through pydantic as it is.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    state_directory: Path = _at("COUNTERSIGN_STATE", Path(".countersign"))
    database_url: str = Field(default_factory=_database, alias="DATABASE_URL", repr=False)
    redis_url: str | None = _at("REDIS_URL", shown=False)
    policy_file: Path = _at("COUNTERSIGN_POLICY", Path("access.yml"))
    slack_bot_token: SecretStr | None = _at("SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = _at("SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr | None = _at("SLACK_SIGNING_SECRET")
    http_listen: Annotated[tuple[str, int], _HTTP_LISTEN] = _at("COUNTERSIGN_HTTP_LISTEN", HTTP_LISTEN)
    """Host and port."""
    http_prefix: Annotated[str, AfterValidator(_prefix)] = _at("COUNTERSIGN_HTTP_PREFIX", "")
    """What a proxy puts before our paths: empty, or `/countersign`."""
    sandbox: Annotated[bool, BeforeValidator(_is_on)] = _at("COUNTERSIGN_SANDBOX", default=False)
    slack_api_url: Annotated[str, AfterValidator(_slack_api)] = _at("SLACK_API_URL", SLACK_API)
    job_key: SecretStr | None = _at("COUNTERSIGN_JOB_KEY")
    job_key_old: SecretStr | None = _at("COUNTERSIGN_JOB_KEY_OLD")
    log_level: Annotated[str, _one_of("COUNTERSIGN_LOG_LEVEL", LOG_LEVELS)] = _at("COUNTERSIGN_LOG_LEVEL", "INFO")
    log_format: Annotated[LogFormat, _one_of("COUNTERSIGN_LOG_FORMAT", get_args(LogFormat))] = _at(
        "COUNTERSIGN_LOG_FORMAT", "text"
    )
    metrics_listen: Annotated[tuple[str, int] | None, _METRICS_LISTEN] = _at("COUNTERSIGN_METRICS_LISTEN")
    """Host and port where this process shows its figures; None: nowhere."""
    calls_at_once: Annotated[int, BeforeValidator(_calls)] = _at("COUNTERSIGN_CALLS_AT_ONCE", 16)
    """On each target, by each worker, unless the policy or the provider says otherwise."""
    page_url: Annotated[SecretStr | None, AfterValidator(_page_url)] = _at("COUNTERSIGN_PAGE_URL")
    """Where alerts are posted for whoever is on duty."""
    ping_url: Annotated[SecretStr | None, AfterValidator(_ping_url)] = _at("COUNTERSIGN_PING_URL")
    """Asked for after a good sweep, so that whoever waits for it notices when there is none."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises Misconfigured with what to set."""
        said = {name: environment[name] for name in cls._names() if environment.get(name)}
        return cls.model_validate(said | _from_files(environment, cls._names(SecretStr)))

    @classmethod
    def _names(cls, kind: type | None = None) -> list[str]:
        """The variables; of one kind, if it is given."""
        fields = cls.model_fields.values()
        return [str(one.alias) for one in fields if kind is None or kind in get_args(one.annotation)]

    @property
    def job_keys(self) -> tuple[SecretStr, ...]:
        return tuple(key for key in (self.job_key, self.job_key_old) if key is not None)

    @property
    def unset(self) -> frozenset[str]:
        """Of the names by which database and policy are found, those that were left to their defaults."""
        return frozenset(name for name, field in _FOUND_BY.items() if field not in self.model_fields_set)

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


def _from_files(environment: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """The secrets for which `NAME_FILE` names a file: it goes before the variable itself."""
    files = {name: environment.get(f"{name}_FILE") for name in names}
    return {name: _in_file(f"{name}_FILE", file) for name, file in files.items() if file}


def _in_file(name: str, file: str) -> str:
    try:
        secret = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Misconfigured(f"{name} names {file}, which cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{name} names {file}, which is not text in UTF-8.") from None
    if not secret:
        raise Misconfigured(f"{name} names {file}, which is empty.")
    return secret
