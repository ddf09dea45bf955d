"""`python -m bench`: measures, prints a table, writes results.json and the page of the documentation."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import (
    approvals,
    clicks,
    decisions,
    digest,
    due,
    hostile_holder,
    keepers,
    limits,
    memory,
    outage,
    providers,
    report,
    rq_scheduler,
    slashes,
    timers,
    trouble,
    typeahead,
)
from bench.figures import Figure, table, write_json
from bench.servers import Servers, say, serving

HERE = Path(__file__).parent
Measure = Callable[[Servers], list[Figure]]

ALL: dict[str, Measure] = {
    "slashes": lambda servers: slashes.measure(servers, alone=240, together=6000),
    "clicks": lambda servers: clicks.measure(servers, count=30),
    "approvals": lambda servers: approvals.measure(servers, count=120),
    "due": lambda servers: due.measure(servers, count=10_000),
    "trouble": lambda servers: trouble.measure(servers, count=10_000),
    "rq": lambda servers: rq_scheduler.measure(servers, count=10_000),
    "keepers": lambda servers: keepers.measure(servers, samples=5, away=20),
    "timers": lambda servers: timers.measure(servers, timers=1_000_000, samples=50, rows=100_000),
    "hostile": lambda servers: hostile_holder.measure(servers, samples=30, crowded=3, tables=12_000),
    "outage": lambda servers: outage.measure(servers, count=1000, calm=15, down=30),
    "limits": lambda servers: limits.measure(servers, requests=14),
    "digest": lambda servers: digest.measure(servers, events=100_000),
    "typeahead": lambda servers: typeahead.measure(servers, entitlements=5000, forms=100, letters=400),
    "decisions": lambda servers: decisions.measure(servers, entitlements=5000, rules=200, people=2000, decisions=4000),
    "providers": lambda servers: providers.measure(servers, samples=40, calls=400),
    "memory": lambda servers: memory.measure(servers, samples=3),
}
"""To add one: a module with `measure(servers, …) -> list[Figure]`, a line here, a paragraph in `report.py`, a test."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="The benchmarks, each beside its floor.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these, of {', '.join(ALL)}")
    chosen = parser.parse_args(arguments).names
    unknown = [name for name in chosen if name not in ALL]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(ALL)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything it started is ended
    began, load = time.monotonic(), os.getloadavg()[0]
    figures = run({name: measure for name, measure in ALL.items() if name in (chosen or ALL)})
    print(f"\n{table(figures)}\n")
    if chosen:
        print("Only some were measured, so nothing was written down.")
    else:
        _write_down(figures, time.monotonic() - began, load)
    missed = [figure.name for figure in figures if figure.missed]
    for name in missed:
        print(f"missed its goal: {name}")
    return 1 if missed else 0


def _write_down(figures: list[Figure], seconds: float, load: float) -> None:
    write_json(figures, HERE / "results.json")
    page = HERE.parent / "docs" / "benchmarks.md"
    page.write_text(report.page(figures, seconds=seconds, load=load), encoding="utf-8")
    print(f"Written to bench/results.json and docs/{page.name}.")


def run(benchmarks: dict[str, Measure]) -> list[Figure]:
    """One after the other, on servers of their own, in a directory that is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    directory.chmod(0o711)  # a server that runs under another account must be able to enter
    figures = list[Figure]()
    try:
        say("starting PostgreSQL and Valkey")
        with serving(directory) as servers:
            for name, measure in benchmarks.items():
                began = time.monotonic()
                say(f"{name}:")
                figures += measure(servers)
                say(f"  {time.monotonic() - began:.0f} s")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
