"""What a process counts: nothing, unless the settings say where it is shown (metrics.py, with Prometheus's library)."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol

from redis import Redis

from access.core import Core
from access.errors import Unready
from access.faults import describe, why
from access.monitor.figures import lateness
from access.ports import Deadline
from access.settings import Settings
from access.store import Database
from workers.handlers import C, Handler, Queue, R
from workers.timer_repair import Mended

if TYPE_CHECKING:
    from countersign.async_slack import AsyncCountedClient
    from countersign.counted_slack import CountedClient

logger = logging.getLogger(__name__)


class SweepCounts(Protocol):
    """What is said about each sweep."""

    def swept(self, seconds: float) -> None:
        """After a good sweep, and how long it took."""

    def mended(self, found: Mended) -> None:
        """After timers and rows have been compared."""


class Uncounted:
    """Where nothing is shown, nothing is counted. Implements `SweepCounts` too."""

    def worked(self, queue: str, outcome: str, number: int = 1) -> None:
        """So many grants, ends or messages."""

    def called(self, method: str, outcome: str) -> None:
        """One call of Slack."""

    def answered(self, seconds: float) -> None:
        """From a payload of Slack to its acknowledgement."""

    def ended(self, seconds: float) -> None:
        """From when access was due to end to when it was proven gone."""

    def swept(self, seconds: float) -> None:
        """As `SweepCounts` has it."""

    def mended(self, found: Mended) -> None:
        """As `SweepCounts` has it."""

    def sweeps(self, core: Core, redis: Redis | None) -> SweepCounts:  # noqa: ARG002 -- Metrics' own needs them
        """What counts the sweeps of who keeps time."""
        return self

    def slack(self, *given: Any, **options: Any) -> "CountedClient":
        """A client of Slack whose calls are counted."""
        from countersign.counted_slack import CountedClient  # only for who talks to Slack

        client = CountedClient(*given, **options)
        client.metrics = self
        return client

    def async_slack(self, *given: Any, **options: Any) -> "AsyncCountedClient":
        """The same for the bot."""
        from countersign.async_slack import AsyncCountedClient  # what only the bot needs takes long to import

        client = AsyncCountedClient(*given, **options)
        client.metrics = self
        return client


class Counted(Generic[C, R]):
    """A queue's business whose results are counted. Implements `Handler`."""

    def __init__(self, business: Handler[C, R], queue: Queue, metrics: Uncounted) -> None:
        self._business = business
        self._queue = queue
        self._metrics = metrics

    def claim(self, ids: Sequence[str]) -> list[C]:
        return self._business.claim(ids)

    def act(self, claimed: C, deadline: Deadline) -> R:
        try:
            return self._business.act(claimed, deadline)
        except Exception:
            self._metrics.worked(self._queue, "failed")
            raise

    def commit(self, results: Sequence[R]) -> None:
        self._business.commit(results)
        for result in results:
            self._metrics.worked(self._queue, "failed" if _failed(result) else "done")

    def release(self, claimed: Sequence[C]) -> None:
        self._business.release(claimed)


class CountedEnds(Counted[C, R]):
    """The same for the queue `revoke`: how late each end was, too."""

    def __init__(self, business: Handler[C, R], metrics: Uncounted, database: Database) -> None:
        super().__init__(business, "revoke", metrics)
        self._database = database

    def commit(self, results: Sequence[R]) -> None:
        super().commit(results)
        ids = [claimed.id for result in results if (claimed := getattr(result, "claimed", None)) is not None]
        try:
            with self._database.read() as session:
                late = lateness(session, ids)
        except Exception as error:
            # What was committed must not be taken for lost because it could not be counted.
            logger.warning("how late ends were cannot be read: %s", describe(error))
            return
        for one in late:
            self._metrics.ended(one.total_seconds())


@contextmanager
def shown(settings: Settings) -> Generator[Uncounted]:
    """Counts, and shows it where the settings say. Raises Unready when nothing can listen there."""
    if settings.metrics_listen is None:
        yield Uncounted()
        return
    from prometheus_client import start_http_server  # only for who is asked for figures

    from countersign.metrics import Metrics

    metrics = Metrics()
    host, port = settings.metrics_listen
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise Unready(
            f"COUNTERSIGN_METRICS_LISTEN: nothing can listen at {host} port {port} ({why(error)}); set another."
        ) from None
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _failed(result: Any) -> bool:
    """Unanswered, refused, or not said."""
    return not result.healthy or bool(getattr(result, "error", None) or getattr(result, "problem", None))
