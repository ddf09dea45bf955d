"""A figure with its floor: how it is computed, printed, and written down."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Unit = Literal["ms", "s", "1/s", "ms CPU", "bytes", "calls", "MB"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value and the least it could be: the same without us."""

    name: str
    value: float
    unit: Unit
    floor: float
    goal: float | None = None
    """The most it should be."""
    goal_ratio: float | None = None
    """The most floors it should take."""
    samples: int

    @property
    def ratio(self) -> float:
        """How many times the floor it takes: 1 is perfect, for rates as well."""
        return self.floor / self.value if self.unit == "1/s" else self.value / self.floor

    @property
    def missed(self) -> bool:
        """Whether it is more than it should be."""
        too_much = self.goal is not None and self.value > self.goal
        return too_much or (self.goal_ratio is not None and self.ratio > self.goal_ratio)

    def row(self) -> dict[str, Any]:
        """As it stands in results.json."""
        row = {
            "name": self.name, "value": round(self.value, 6), "unit": self.unit, "floor": round(self.floor, 6),
            "ratio": round(self.ratio, 2), "samples": self.samples,
        }  # fmt: skip
        goals = {"goal": self.goal, "goal_ratio": self.goal_ratio}
        return row | {name: goal for name, goal in goals.items() if goal is not None}

    def cells(self) -> list[str]:
        """As it stands in a table."""
        number = f"{_shown(self.value)} {self.unit}", f"{_shown(self.floor)} {self.unit}", f"{self.ratio:.2f}"
        return [self.name, *number, self._goal(), str(self.samples)]

    def _goal(self) -> str:
        goals = list[str]()
        if self.goal is not None:
            goals.append(f"≤ {self.goal:g} {self.unit}")
        if self.goal_ratio is not None:
            goals.append(f"≤ {self.goal_ratio:g} × floor")
        return ", ".join([*goals, "missed"] if self.missed else goals)


HEADINGS = ["figure", "value", "floor", "ratio", "goal", "samples"]


def _shown(value: float) -> str:
    """To a tenth, and what is smaller than that to a thousandth."""
    return f"{value:,.1f}" if value >= 0.1 or value == 0 else f"{value:.3f}"


def p50_and_p99(
    name: str,
    seconds: Sequence[float],
    floor: Sequence[float],
    *,
    goal_p50: float | None = None,
    goal_p99: float | None = None,
    goal_p50_ratio: float | None = None,
) -> list[Figure]:
    """Two figures of the same durations, in milliseconds, each beside the floor's own."""
    return [
        Figure(
            name=f"{name}, {title}", value=1000 * quantile(seconds, share), unit="ms",
            floor=1000 * quantile(floor, share), goal=goal, goal_ratio=goal_ratio, samples=len(seconds),
        )
        for title, share, goal, goal_ratio in (("p50", 0.5, goal_p50, goal_p50_ratio), ("p99", 0.99, goal_p99, None))
    ]  # fmt: skip


def quantile(values: Sequence[float], share: float) -> float:
    """The value below or at which that share of all values lies; of few values, the 99th percentile is the largest."""
    if share == 0.5:
        return statistics.median(values)
    return sorted(values)[math.ceil(share * len(values)) - 1]


def table(figures: Sequence[Figure]) -> str:
    """For the terminal."""
    lines = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(_aligned(line, widths)).rstrip() for line in lines)


def markdown_table(figures: Sequence[Figure]) -> str:
    """For the documentation."""
    rule = ["---", *["--:"] * (len(HEADINGS) - 1)]
    lines = [HEADINGS, rule, *(figure.cells() for figure in figures)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_json(figures: Sequence[Figure], file: Path) -> None:
    file.write_text(json.dumps([figure.row() for figure in figures], indent=1, ensure_ascii=False) + "\n", "utf-8")


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
