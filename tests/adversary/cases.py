"""All cases, those of every run, and how one is played."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import psycopg

from access.models import GrantStatus
from access.store import Database
from tests.adversary import hostile_server, leftovers, locks, sessions
from tests.adversary.attack import Attack, attack
from tests.adversary.house import MODES, WAYS, House, Hung, Mode, Way, type_by_hand, type_into_psql
from tests.adversary.obstacles import Obstacle
from tests.adversary.pairwise import pairwise
from tests.adversary.powers import POWERS, Power
from tests.adversary.shop import Shop
from tests.adversary.verdict import all_that_is_left, is_told, rights_left, standing, traps_sprung, visit

OBSTACLES = (*locks.LOCKS, *sessions.SESSIONS, *leftovers.LEFTOVERS, *hostile_server.HOSTILE)
BY_NAME = {obstacle.name: obstacle for obstacle in OBSTACLES}
POWER_BY_NAME = {power.name: power for power in POWERS}
Row = tuple[str, str, Mode, Way]


@dataclass(frozen=True)
class Case:
    """One end of one access."""

    obstacle: Obstacle
    power: Power
    mode: Mode
    way: Way

    def __str__(self) -> str:
        return f"{self.obstacle.name}, {self.power.name}, {self.mode}, {self.way}"


def everything() -> Iterator[Row]:
    """The whole product, but what makes no sense."""
    for obstacle, power, mode, way in product(OBSTACLES, POWERS, MODES, WAYS):
        if obstacle.makes_sense(power, mode, way):
            yield obstacle.name, power.name, mode, way


CHOSEN = pairwise(everything())
"""Every pair that can meet, once."""
_REST = [row for row in everything() if row not in set(CHOSEN)]


def cases(mode: Mode, *, chosen: bool) -> list[Case]:
    rows = CHOSEN if chosen else _REST
    return [Case(BY_NAME[obstacle], POWER_BY_NAME[power], of, way) for obstacle, power, of, way in rows if of == mode]


def play(case: Case, shop: Shop, database: Database, directory: Path) -> list[str]:
    """What the adversary was still able to do, in words; nothing is the only right answer."""
    house = House.on(shop, case.mode, database, directory)
    log_size = shop.log_size()
    try:
        with attack(shop, house, case.mode, case.power) as made:
            before = standing(shop)
            case.obstacle.play(made)
            with suppress(psycopg.errors.OutOfMemory):  # what others gave meanwhile is theirs
                before = standing(shop)
            found = _end(case, made)
            waits = case.mode in case.obstacle.waits
            if waits:
                assert case.way != "worker" or is_told(house.again(made.grant)), "nobody is told what is in the way"
                found = []
            else:
                found += all_that_is_left(made, before)
            for release in made.let_go:
                with suppress(psycopg.Error):
                    release()
            if case.way == "worker" or waits:
                found += _not_ended(house, made)
            found += [f"once the locks were let go: {one}" for one in all_that_is_left(made, before)]
            if case.obstacle.needs_create or case.obstacle.name == "rivals":
                found += visit(made)
                found += [f"in the end: {one}" for one in all_that_is_left(made, before)]
            found += traps_sprung(shop, log_size)
    finally:
        house.close()
    return sorted(set(found))


def _end(case: Case, made: Attack) -> list[str]:
    """By this way; what is wrong already."""
    house = made.house
    try:
        if case.way == "by hand":
            type_by_hand(made.shop, made.grant)
        elif case.way == "psql":
            type_into_psql(made.shop, made.grant)
        else:
            house.first_call(made.grant)
            if case.mode in case.obstacle.waits:
                return []
            found = [f"after one call: {one}" for one in rights_left(made)]
            return found + _not_ended(house, made)
    except Hung as hung:
        return [str(hung)]
    return []


def _not_ended(house: House, made: Attack) -> list[str]:
    if house.again(made.grant).status == GrantStatus.ACTIVE:
        house.first_call(made.grant)
    grant = house.check_again(made.grant)
    return (
        [] if grant.status == GrantStatus.ENDED else [f"the row is {grant.status}: {grant.problem or grant.residual}"]
    )
