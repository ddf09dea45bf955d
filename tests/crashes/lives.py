"""Lives that are the same up to a step: one passes its points, the others are killed at one each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from access.store import Database
from tests.crashes.conftest import Emptied
from tests.crashes.matrix import Life, Steps, killed_at, points_of
from tests.invariants.servers import Weather


@dataclass
class Lives:
    """Each on a database that is empty; the last of the steps is the one to die in."""

    emptied: Emptied
    directory: Path
    begin: Callable[[Database, Path], Life]
    steps: Steps
    weather: Weather

    def points(self) -> list[str]:
        self.directory.mkdir(exist_ok=True)
        with self.emptied() as database:
            return points_of(self.begin(database, self.directory), self.steps, self.weather)

    def killed(self, point: int) -> None:
        directory = self.directory / str(point)
        directory.mkdir()
        with self.emptied() as database:
            killed_at(self.begin(database, directory), self.steps, self.weather, point)


def kill_at_each(lives: Lives, points: Mapping[int, str], where: str) -> list[str]:
    """Returns a sentence for each death after which a promise was broken, and prints it."""
    failed = list[str]()
    for point, name in points.items():
        try:
            lives.killed(point)
        except AssertionError as broken:
            failed.append(f"{where}, killed at {name} ({point}): {broken}")
            print(failed[-1])
    return failed
