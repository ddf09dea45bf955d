"""Rate limits: as many calls as Slack's tiers say, at the pace they say, generous or strict."""

import pytest

from sandbox.api import METHODS
from sandbox.facts import limit
from sandbox.rates import GENEROUS, TIERS, Rates
from tests.sandbox.conftest import Clock


def spend(rates: Rates, method: str, calls: int, channel: str = "") -> list[int]:
    return [rates.retry_after(method, channel) for _ in range(calls)]


@pytest.mark.parametrize("method", TIERS)
def test_a_method_may_be_called_as_often_as_its_tier_says(method: str, clock: Clock) -> None:
    rates = Rates(clock, strict=True)
    a_minute = limit(f"rate.tier_{TIERS[method]}")
    assert not any(spend(rates, method, a_minute))
    wait = rates.retry_after(method)
    assert 1 <= wait <= 60
    clock.now += wait
    assert rates.retry_after(method) == 0
    clock.now += 3600
    assert not any(spend(rates, method, a_minute))
    assert rates.retry_after(method) > 0


def test_posting_is_counted_by_channel_and_for_the_workspace(clock: Clock) -> None:
    rates = Rates(clock, strict=True)
    burst = limit("rate.channel_burst")
    assert not any(spend(rates, "chat.postMessage", burst, "C1"))
    assert rates.retry_after("chat.postMessage", "C1") == 1 / limit("rate.channel_second")
    assert rates.retry_after("chat.postMessage", "C2") == 0
    left = limit("rate.team_minute") - burst - 2
    assert not any(rates.retry_after("chat.postMessage", f"D{index}") for index in range(left))
    assert rates.retry_after("chat.postMessage", "D-last") == 1


def test_busy_tests_have_larger_bursts_at_the_same_pace(clock: Clock) -> None:
    rates = Rates(clock, strict=False)
    assert not any(spend(rates, "usergroups.list", 20 * GENEROUS))
    assert rates.retry_after("usergroups.list") == 3


def test_methods_without_a_stated_limit_have_none(clock: Clock) -> None:
    rates = Rates(clock, strict=True)
    unlimited = set(METHODS) - set(TIERS) - {"chat.postMessage"}
    assert unlimited == {"auth.test", "chat.getPermalink", "blocks.validate"}
    assert not any(wait for method in unlimited for wait in spend(rates, method, 1000))
