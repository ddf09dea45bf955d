"""What the promises are made of: grant until it is open, get in, revoke until it is shut."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import ParamSpec

from access.errors import ProviderError
from access.ports import Deadline, GrantSpec, Outcome, Provider, Receipt, Removal, Secret
from countersign.testing.world import FaultKind, Refused, World

SECONDS = 20.0
Arguments = ParamSpec("Arguments")


def deadline() -> Deadline:
    return Deadline.after(SECONDS)


def grant(provider: Provider, spec: GrantSpec) -> Outcome:
    """As often as the provider says that it is still on its way."""
    until = deadline()
    while True:
        outcome = provider.grant(spec, until)
        if outcome.state == "active":
            return outcome
        _wait_before_the_next_look(outcome.look_again, until)


def revoke(provider: Provider, spec: GrantSpec, receipt: Receipt | None) -> Removal:
    until = deadline()
    while True:
        removal = provider.revoke(spec, receipt, until)
        if removal.state != "pending":
            return removal
        _wait_before_the_next_look(removal.look_again, until)


def _wait_before_the_next_look(pause: timedelta | None, deadline: Deadline) -> None:
    assert pause is not None, "`pending` says when to look again"
    assert not deadline.passed, "the provider stays `pending`"
    time.sleep(min(pause.total_seconds(), deadline.left()))


def reveal(provider: Provider, spec: GrantSpec) -> Secret | None:
    return provider.reveal(spec, None, deadline()) if provider.capabilities.of(spec.settings).reveals else None


def gets_in(world: World, spec: GrantSpec, secret: Secret | None) -> bool:
    try:
        session = world.open_session(spec, secret)
    except Refused:
        return False
    session.close()
    return True


def error_of(
    call: Callable[Arguments, object], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> ProviderError | None:
    """The error of the call, if it ends with one that a provider may raise."""
    try:
        call(*args, **kwargs)
    except ProviderError as error:
        return error
    return None


def strike(world: World, kind: FaultKind, at: int, call: Callable[[], object]) -> bool:
    """Calls with a fault; whether the fault struck."""
    with world.fault(kind, at) as fault:
        error = error_of(call)
    assert fault.fired or error is None, f"without a fault: {error!r}"
    return fault.fired
