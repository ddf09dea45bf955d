"""Clients that never stop trying to get in."""

import threading
import time
from collections.abc import Callable

from access.ports import GrantSpec, Secret
from countersign.testing.steps import SECONDS
from countersign.testing.world import LiveSession, Refused, World


class Hammer:
    """Clients that log in again and again, each with one session at a time."""

    def __init__(self, world: World, spec: GrantSpec, secret: Secret | None) -> None:
        self._world = world
        self._spec = spec
        self._secret = secret
        self._over = threading.Event()
        self._tries = 0
        self._entries: list[float] = []
        self._held: list[LiveSession] = []
        self.any_alive = False
        """Whether, at the end of the block, a session that was held still served."""
        self._threads = [threading.Thread(target=self._keep_trying) for _ in range(3)]

    def __enter__(self) -> "Hammer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.any_alive = any(session.is_alive() for session in self._held)
        for session in self._held:
            session.close()

    def _keep_trying(self) -> None:
        held: LiveSession | None = None
        while not self._over.is_set():
            begun = time.monotonic()
            try:
                session = self._world.open_session(self._spec, self._secret)
            except Refused:
                pass
            else:
                self._entries.append(begun)
                if held is not None:
                    held.close()
                held = session
            self._tries += 1
        if held is not None:
            self._held.append(held)

    def wait_for_entries(self, count: int) -> None:
        self._wait_for(lambda: len(self._entries) >= count)

    def wait_for_tries(self, more: int) -> None:
        so_far = self._tries
        self._wait_for(lambda: self._tries >= so_far + more)

    def _wait_for(self, reached: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not reached():
            assert time.monotonic() < end, "the clients that keep trying got nowhere"
            self._over.wait(0.01)

    def entries_after(self, moment: float) -> list[float]:
        return [begun for begun in self._entries if begun >= moment]
