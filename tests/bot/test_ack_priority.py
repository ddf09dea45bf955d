"""While somebody waits for an acknowledgement, the work after the others' makes room."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

import pytest

from bot.ack_priority import MAX_AFTER_ACK, MAX_WHILE_ACKS_PENDING, AckPriority

P = ParamSpec("P")


def in_a_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def story() -> None:
            await test(*args, **kwargs)

        asyncio.run(story())

    return run


async def begun(turns: AckPriority, count: int) -> tuple[list[int], asyncio.Event, list[asyncio.Task[None]]]:
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
    turns = AckPriority()
    with turns.unanswered():
        working, end, tasks = await begun(turns, MAX_AFTER_ACK)
        assert working == list(range(MAX_WHILE_ACKS_PENDING))
    await settle()
    assert working == list(range(MAX_AFTER_ACK)), "nobody waits any more, so everybody may work"
    end.set()
    await asyncio.gather(*tasks)


@in_a_loop
async def test_everybody_gets_a_turn_in_the_order_of_arrival() -> None:
    turns = AckPriority()
    with turns.unanswered():
        working, end, tasks = await begun(turns, 5 * MAX_AFTER_ACK)
        end.set()
        await asyncio.gather(*tasks)
    assert working == list(range(5 * MAX_AFTER_ACK))


@in_a_loop
async def test_no_more_work_than_the_core_takes() -> None:
    turns = AckPriority()
    working, end, tasks = await begun(turns, 2 * MAX_AFTER_ACK)
    assert len(working) == MAX_AFTER_ACK
    end.set()
    await asyncio.gather(*tasks)
    assert len(working) == 2 * MAX_AFTER_ACK


@pytest.mark.parametrize("when", ["before its turn", "as its turn comes"])
@in_a_loop
async def test_who_is_cancelled_while_waiting_keeps_no_turn(when: str) -> None:
    turns = AckPriority()
    _, end, tasks = await begun(turns, MAX_AFTER_ACK + 1)
    if when == "as its turn comes":
        end.set()
        await asyncio.sleep(0)
    tasks[-1].cancel()
    end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    again, end, tasks = await begun(turns, MAX_AFTER_ACK)
    assert len(again) == MAX_AFTER_ACK, "all the turns are free again"
    end.set()
    await asyncio.gather(*tasks)


@in_a_loop
async def test_a_listener_that_fails_gives_its_turn_back() -> None:
    turns = AckPriority()
    for _ in range(MAX_AFTER_ACK):
        with pytest.raises(ZeroDivisionError):
            async with turns.work():
                raise ZeroDivisionError
    working, end, tasks = await begun(turns, MAX_AFTER_ACK)
    assert len(working) == MAX_AFTER_ACK
    end.set()
    await asyncio.gather(*tasks)
