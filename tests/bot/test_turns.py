"""While somebody waits for an acknowledgement, the work after the others' makes room."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

import pytest

from bot.turns import MOST, MOST_IN_A_CROWD, Turns

P = ParamSpec("P")


def in_a_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def story() -> None:
            await test(*args, **kwargs)

        asyncio.run(story())

    return run


async def begun(turns: Turns, count: int) -> tuple[list[int], asyncio.Event, list[asyncio.Task[None]]]:
    """So many listeners after their acknowledgement; who works says so, and works until the event is set."""
    working, end = list[int](), asyncio.Event()

    async def listener(number: int) -> None:
        async with turns.work():
            working.append(number)
            await end.wait()

    tasks = [asyncio.create_task(listener(number)) for number in range(count)]
    await settle()
    return working, end, tasks


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@in_a_loop
async def test_only_few_work_while_somebody_waits_for_an_acknowledgement() -> None:
    turns = Turns()
    with turns.unanswered():
        working, end, tasks = await begun(turns, MOST)
        assert working == list(range(MOST_IN_A_CROWD))
    await settle()
    assert working == list(range(MOST)), "nobody waits any more, so everybody may work"
    end.set()
    await asyncio.gather(*tasks)


@in_a_loop
async def test_everybody_gets_a_turn_in_the_order_of_arrival() -> None:
    turns = Turns()
    with turns.unanswered():
        working, end, tasks = await begun(turns, 5 * MOST)
        end.set()
        await asyncio.gather(*tasks)
    assert working == list(range(5 * MOST))


@in_a_loop
async def test_no_more_work_than_the_core_takes() -> None:
    turns = Turns()
    working, end, tasks = await begun(turns, 2 * MOST)
    assert len(working) == MOST
    end.set()
    await asyncio.gather(*tasks)
    assert len(working) == 2 * MOST


@pytest.mark.parametrize("when", ["before its turn", "as its turn comes"])
@in_a_loop
async def test_who_is_cancelled_while_waiting_keeps_no_turn(when: str) -> None:
    turns = Turns()
    _, end, tasks = await begun(turns, MOST + 1)
    if when == "as its turn comes":
        end.set()
        await asyncio.sleep(0)
    tasks[-1].cancel()
    end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    again, end, tasks = await begun(turns, MOST)
    assert len(again) == MOST, "all the turns are free again"
    end.set()
    await asyncio.gather(*tasks)


@in_a_loop
async def test_a_listener_that_fails_gives_its_turn_back() -> None:
    turns = Turns()
    for _ in range(MOST):
        with pytest.raises(ZeroDivisionError):
            async with turns.work():
                raise ZeroDivisionError
    working, end, tasks = await begun(turns, MOST)
    assert len(working) == MOST
    end.set()
    await asyncio.gather(*tasks)
