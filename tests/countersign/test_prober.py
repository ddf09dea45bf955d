"""The window onto the target goes on looking, whatever becomes of what it looks at."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from countersign.demo.prober import Prober
from sandbox.person import Workspace
from tests.ports import free_port


@pytest.fixture
def hangs_up() -> Iterator[str]:
    """Where the sandbox was: as after a pause of the whole machine, no call to it is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    listener.accept()[0].close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_the_window_goes_on_looking_where_the_sandbox_does_not_answer(hangs_up: str) -> None:
    with (
        Workspace(hangs_up, page_token="of an earlier page") as people,
        Prober(host="127.0.0.1", port=free_port(), database="shop", people=people, watched=["U0ANN"]) as prober,
    ):
        look = prober.wait_for(lambda one: one.number == 1, within=30)
    assert look is not None
    assert look.door == "refused"
