"""Every knob of the environment, read once when a process starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from access.errors import Unready

SLACK_API = "https://slack.com/api/"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a process is told by its environment. Secrets also come from the file that `NAME_FILE` names."""

    database_url: str
    redis_url: str | None
    policy_file: Path
    state_directory: Path
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_api_url: str = SLACK_API
    job_keys: tuple[SecretStr, ...] = field(default=())
    sandbox: bool = False
    log_level: str = "INFO"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises Unready with what to set."""
        state = Path(environment.get("COUNTERSIGN_STATE") or ".countersign")
        sandbox = environment.get("COUNTERSIGN_SANDBOX") == "1"
        keys = (_secret(environment, "COUNTERSIGN_JOB_KEY"), _secret(environment, "COUNTERSIGN_JOB_KEY_OLD"))
        return cls(
            database_url=environment.get("DATABASE_URL") or f"sqlite:///{state / 'countersign.db'}",
            redis_url=environment.get("REDIS_URL"),
            policy_file=Path(environment.get("COUNTERSIGN_POLICY") or "access.yml"),
            state_directory=state,
            slack_bot_token=_secret(environment, "SLACK_BOT_TOKEN"),
            slack_app_token=_secret(environment, "SLACK_APP_TOKEN"),
            slack_api_url=_slack_api(environment.get("SLACK_API_URL") or SLACK_API, sandbox=sandbox),
            job_keys=tuple(key for key in keys if key is not None),
            sandbox=sandbox,
            log_level=_log_level(environment.get("COUNTERSIGN_LOG_LEVEL") or "INFO"),
        )

    def need(self, secret: SecretStr | None, name: str) -> str:
        """The secret's value, or Unready that says which variable is missing."""
        if secret is None:
            raise Unready(f"{name} is not set; put it, or {name}_FILE, into the environment of this process.")
        return secret.get_secret_value()


def _secret(environment: Mapping[str, str], name: str) -> SecretStr | None:
    file = environment.get(f"{name}_FILE")
    if file:
        try:
            secret = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Unready(f"{name}_FILE names {file}, which cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise Unready(f"{name}_FILE names {file}, which is not text in UTF-8.") from None
        if not secret:
            raise Unready(f"{name}_FILE names {file}, which is empty.")
        return SecretStr(secret)
    value = environment.get(name)
    return SecretStr(value) if value else None


def _log_level(name: str) -> str:
    if name.upper() not in LOG_LEVELS:
        raise Unready(f"COUNTERSIGN_LOG_LEVEL is {name!r}; it is one of {', '.join(LOG_LEVELS)}.")
    return name.upper()


def _slack_api(url: str, *, sandbox: bool) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    genuine = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
    if not genuine and not sandbox:
        raise Unready(f"SLACK_API_URL points to {host or url}, not to Slack; that is for the sandbox only.")
    return url if url.endswith("/") else url + "/"
