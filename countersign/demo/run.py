"""`countersign demo`: brings the stage up, prints one address, and waits; or plays the story by itself."""

import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

from countersign.demo.play import play_story
from countersign.demo.stage import Stage, standing
from countersign.preflight import check_port


def run_demo(*, port: int, play: bool) -> int:
    """Returns the exit code: with `play`, 0 only when every step holds. Raises Unready when the port is taken."""
    if port:
        for one in (port, port + 1):  # the page, and the window onto the target
            check_port(("127.0.0.1", one), "--port")
    directory = Path(tempfile.mkdtemp(prefix="countersign-demo-"))
    # A server that runs under another account must be able to enter.
    directory.chmod(0o711)
    began = time.monotonic()
    try:
        with standing(directory, port=port) as stage:
            if play:
                return play_story(stage)
            ended = _told_to_end()
            _welcome(stage, time.monotonic() - began)
            ended.wait()
            print("\nEnding everything …")
            return 0
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _welcome(stage: Stage, seconds: float) -> None:
    print(
        f"""
  Countersign is up after {seconds:.0f} s, with a sandbox in Slack's place.

      {stage.sandbox.page_url}

  1  You are Ann. Type  /access customers-db/read 1m INC-12 stuck refunds  (or /access alone, for the form).
  2  Switch to Lea, open #payments-approvals, press Approve.
  3  Switch back to Ann, open the message from Countersign, press “Show me how to connect”.
  4  Watch the window on the right: refused, allowed, and refused again when the minute is over.

  Another target, a program instead of a database:  /access support-console/answer 1m INC-13 while Ben is away

  To look at it as an operator does, in a second shell:

      set -a; . {stage.operator_file}; set +a
      countersign doctor          looks at everything
      countersign digest --now    posts the security team's daily message: switch to Sam, open #security
      countersign outstanding     what is open, and what ends it by hand

  Ctrl-C ends everything and removes that file.""",
        flush=True,
    )


def _told_to_end() -> threading.Event:
    """Set by Ctrl-C."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended
