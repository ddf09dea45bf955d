"""Each benchmark runs, small, and says what it measured; how fast is for `make bench` to say."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from access.core import Core
from bench import __main__ as command
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
from bench.ends import Stage, WentWrong
from bench.figures import Figure, quantile, table, write_json
from bench.servers import Servers, serving
from bench.slow_target import Journal
from tests.contracts.mysql_server import READY


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("bench")
    directory.chmod(0o711)
    with serving(directory) as started:
        yield started


SOON = 6.0
"""Seconds: on a busy machine it takes a few to write down when the grants are due."""
OF_PROVIDERS = 17 if READY or os.environ.get("CI") else 13
"""Figures: MariaDB is not on every machine, but on that of the builds."""
SMALL = {
    "slashes": (lambda servers: slashes.measure(servers, alone=12, together=24, in_flight=4), 4),
    "clicks": (lambda servers: clicks.measure(servers, count=1, kinds=["PostgreSQL"]), 4),
    "approvals": (lambda servers: approvals.measure(servers, count=4, kinds=["SQLite"]), 4),
    "due": (lambda servers: due.measure(servers, count=5, ahead=SOON, kinds=["SQLite"], threads=[16]), 4),
    "trouble": (lambda servers: trouble.measure(servers, count=5, ahead=SOON, kinds=["PostgreSQL"]), 1),
    "rq": (lambda servers: rq_scheduler.measure(servers, count=5, ahead=SOON), 2),
    "keepers": (lambda servers: keepers.measure(servers, samples=1, away=1), 3),
    "timers": (lambda servers: timers.measure(servers, timers=1000, samples=2, rows=500, kinds=["SQLite"]), 6),
    "hostile": (lambda servers: hostile_holder.measure(servers, samples=1, crowded=1, tables=40), 3),
    "outage": (lambda servers: outage.measure(servers, count=4, calm=1, down=1, failed=0), 3),
    "limits": (lambda servers: limits.measure(servers, requests=6, kinds=["SQLite"]), 5),
    "digest": (lambda servers: digest.measure(servers, events=100), 2),
    "typeahead": (lambda servers: typeahead.measure(servers, entitlements=200, forms=4, letters=8, people=2), 6),
    "decisions": (
        lambda servers: decisions.measure(servers, entitlements=40, rules=4, people=24, decisions=20, loads=1),
        4,
    ),
    "providers": (lambda servers: providers.measure(servers, samples=2, calls=40), OF_PROVIDERS),
    "memory": (lambda servers: memory.measure(servers, samples=1, steady_mb=1000), 1),
}


def test_every_benchmark_has_a_small_run() -> None:
    assert SMALL.keys() == command.ALL.keys()


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_gives_figures_with_their_floors(name: str, servers: Servers, tmp_path: Path) -> None:
    measure, count = SMALL[name]
    figures = measure(servers)
    write_json(figures, tmp_path / "results.json")
    rows = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert len(rows) == len({row["name"] for row in rows}) == count
    for figure, row in zip(figures, rows, strict=True):
        assert row.keys() >= {"name", "value", "unit", "floor", "ratio"}
        assert row["value"] > 0
        assert row["floor"] > 0
        assert figure.ratio > 0
        assert row["ratio"] == round(figure.ratio, 2)


def test_where_there_is_no_mariadb_the_bench_says_so_and_measures_the_rest(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(providers, "READY", False)
    monkeypatch.setattr(providers, "BARE", {name: providers.BARE[name] for name in ("mysql", "webhook")})
    names = [figure.name for figure in providers.measure(servers, samples=1, calls=8)]
    assert {name.partition(":")[0] for name in names[:-1]} == {"webhook"}
    assert "mysql is not measured: there is no MariaDB on this machine" in capsys.readouterr().out


def test_a_ratio_says_how_many_times_the_floor_it_takes() -> None:
    slow = Figure(name="a wait", value=30, unit="ms", floor=10, samples=5)
    seldom = Figure(name="a pace", value=10, unit="1/s", floor=30, samples=5)
    assert (slow.ratio, seldom.ratio) == (3, 3)


def test_the_99th_percentile_of_few_values_is_the_largest() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert quantile([float(value) for value in range(1, 201)], 0.99) == 198.0
    assert quantile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5


def test_the_table_and_the_page_show_every_figure_and_its_goal() -> None:
    figures = [Figure(name="a wait", value=30, unit="ms", floor=10, goal=100, samples=5)]
    for text in (table(figures), report.page(figures, seconds=1, load=0)):
        for word in ("a wait", "30.0 ms", "10.0 ms", "3.00", "≤ 100 ms"):
            assert word in text


def test_a_missed_goal_stands_in_the_table_and_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = Figure(name="a wait", value=30, unit="ms", floor=10, goal=29, samples=5)
    quick = Figure(name="a moment", value=30, unit="ms", floor=10, goal_ratio=3, samples=5)
    monkeypatch.setattr(command, "run", lambda _chosen: [slow, quick])
    assert command.main(["slashes"]) == 1
    said = capsys.readouterr().out
    assert "≤ 29 ms, missed" in said
    assert "≤ 3 × floor  " in said
    assert "missed its goal: a wait" in said
    monkeypatch.setattr(command, "run", lambda _chosen: [quick])
    assert command.main(["slashes"]) == 0


def test_an_unknown_benchmark_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["clocks"])
    assert "there is no benchmark clocks; there are slashes" in capsys.readouterr().err


def test_an_end_before_its_time_fails_the_benchmark(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.note("revoke", "one")
    stage = Stage(cast(Core, None), {}, journal, ["one"])
    soon = datetime.now(UTC) + timedelta(seconds=5)
    with pytest.raises(WentWrong, match="before its time"):
        stage.lateness({"one": soon})
