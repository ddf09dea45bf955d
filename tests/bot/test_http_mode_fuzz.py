"""Whatever is signed, with whatever in the place of anything, it is answered, and never by a failure of ours."""

import asyncio
import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import ids
from tests.bot.desk import Desk
from tests.bot.http_door import FORM, JSON, Sent, from_slack, signed, through
from tests.bot.test_http_mode_replays import deliver, door, form, now
from tests.cast import ANN, LEA

EACH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
ANSWERS = (200, 400, 404)


@EACH
@given(body=st.binary(max_size=300), content_type=st.sampled_from([FORM, JSON, FORM + b"; charset=utf-8"]))
def test_any_bytes(desk: Desk, body: bytes, content_type: bytes) -> None:
    sent = Sent(body, signed(body, content_type, now=now(desk)))

    assert asyncio.run(through(door(desk), sent)) in ANSWERS


@EACH
@given(data=st.data())
def test_anything_in_the_place_of_anything(desk: Desk, data: st.DataObject) -> None:
    desk.slack.failing["views.update"] = "not_found"
    kinds = {
        "command": lambda: desk.command_body(ANN, "help"),
        "click": lambda: desk.press_body(LEA, ids.APPROVE, "1"),
        "form": lambda: form(desk),
        "options": lambda: desk.suggest_body(ANN, "fix"),
        "choice": lambda: desk.choose_body(ANN, {"blocks": [], "hash": "1"}, "customers-db/read"),
        "event": lambda: {"type": "event_callback", "event_id": "Ev1", "team_id": "T0ACME", "event": {"type": "x"}},
    }
    payload = copy.deepcopy(kinds[data.draw(st.sampled_from(sorted(kinds)))]())
    path = data.draw(st.sampled_from(list(places(payload))))
    put(payload, path, data.draw(ANYTHING))

    (status,) = deliver(desk, (door(desk), from_slack(payload, now=now(desk))))

    assert status in ANSWERS, (path, payload)


def places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """The way to everything in a payload."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in children:
        yield (*path, name)
        yield from places(inner, (*path, name))


def put(payload: Any, path: tuple[Any, ...], value: Any) -> None:
    for name in path[:-1]:
        payload = payload[name]
    payload[path[-1]] = value
