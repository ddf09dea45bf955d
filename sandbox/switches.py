"""The faults of a running sandbox, to switch on from a test or a script."""

from typing import Any

from sandbox.asking import Asking

ONCE = 1


class FaultSwitches:
    """Each fault happens `times` times, or with None until `clear()`.

    `only` narrows a fault to one kind of payload (`block_actions`, `view_submission`, `block_suggestion`,
    `app_home_opened`, the name of a command) or, for calls, to one Web API method.
    """

    def __init__(self, workspace: Asking) -> None:
        self._workspace = workspace

    def lose_payloads(self, times: int | None = ONCE, *, only: str = "") -> None:
        """Payloads that never reach the app: a command says `dispatch_failed`."""
        self._add("lose", times, only)

    def delay_payloads(self, seconds: float, times: int | None = ONCE, *, only: str = "") -> None:
        """Payloads that arrive late, with a trigger id that has aged on the way."""
        self._add("delay", times, only, seconds=seconds)

    def drop_acks(self, times: int | None = ONCE, *, only: str = "") -> None:
        """Acknowledgements that get lost: the app did its work, the person reads `operation_timeout`."""
        self._add("drop_ack", times, only)

    def delay_acks(self, seconds: float, times: int | None = ONCE, *, only: str = "") -> None:
        """Acknowledgements that are late; with three seconds or more they are too late."""
        self._add("delay_ack", times, only, seconds=seconds)

    def duplicate_payloads(self, times: int | None = ONCE, *, only: str = "") -> None:
        """Payloads that arrive twice, at the same time."""
        self._add("duplicate", times, only)

    def limit_calls(self, times: int | None = ONCE, *, only: str = "", retry_after: int = 1) -> None:
        """Web API calls that are answered 429 with `Retry-After`."""
        self._add("rate_limit", times, only, seconds=retry_after)

    def fail_calls(self, error: str, times: int | None = ONCE, *, only: str = "") -> None:
        """Web API calls that are refused with an error name, such as `internal_error`, and do nothing."""
        self._add("api_error", times, only, error=error)

    def break_calls(self, times: int | None = ONCE, *, only: str = "") -> None:
        """Web API calls that are done, but whose answer never arrives: the connection breaks."""
        self._add("api_break", times, only)

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Disconnects every Socket Mode connection with a frame.

        `warning` (the request follows after ten seconds), `refresh_requested`, or `link_disabled`, which is for good.
        """
        self._workspace.ask("refresh_connections", reason=reason)

    def cut(self) -> None:
        """Breaks every Socket Mode connection without a word."""
        self._workspace.ask("cut_connections")

    def clear(self) -> None:
        """Takes back every fault that still waits to happen."""
        self._workspace.ask("clear_faults")

    def waiting(self) -> list[dict[str, Any]]:
        """The faults that still wait to happen."""
        return self._workspace.ask("workspace")["faults"]

    def _add(self, kind: str, times: int | None, only: str, **more: Any) -> None:
        self._workspace.ask("fault", kind=kind, times=times, only=only, **more)
