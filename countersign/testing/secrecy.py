"""The promise about the bot's own secret: it goes to the verified target alone."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace

from access.errors import Permanent, ProviderError
from access.ports import Deadline, Ended, GrantSpec, Provider
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, error_of
from countersign.testing.world import Imposter, World


class Secrecy(ContractFixtures):
    """C39."""

    def test_c39_our_secret_goes_to_the_verified_target_alone(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        imposters, untouched = world.imposters(), world.snapshot()
        if not imposters:
            assert self.no_obstacles.get("C39"), "C39: the world has no imposter, and nothing says why"
            return
        for one in imposters:
            with one as imposter:
                spec = replace(make_spec(), settings=imposter.settings)
                with closing(_towards(imposter, type(provider))) as misled:
                    _opens_nothing(misled, spec, imposter)
                    if imposter.demands_proof:
                        _every_other_call(misled, spec)
                heard = imposter.heard()  # all of it, now that no connection is open
                told = [secret for secret in world.credentials() if secret.encode() in heard]
                assert not told, f"C39: {imposter.name} was told the bot's secret"
                assert not imposter.answered(), f"C39: {imposter.name} asked for the bot's secret and got an answer"
        assert world.snapshot() == untouched, "C39: something was opened"


def _towards(imposter: Imposter, kind: type[Provider]) -> Provider:
    """As a worker makes one from the policy."""
    return kind(kind.Settings.model_validate(dict(imposter.settings)))


def _opens_nothing(provider: Provider, spec: GrantSpec, imposter: Imposter) -> None:
    able = provider.capabilities.of(spec.settings)
    opening: list[tuple[str, Callable[[], object], bool]] = [
        ("grant", lambda: provider.grant(spec, deadline()), True),
        ("reveal", lambda: provider.reveal(spec, None, deadline()), able.reveals),
        ("extend", lambda: provider.extend(spec, None, deadline()), able.extend),
    ]
    for verb, call, can in opening:
        error = error_of(call)
        if not can:
            continue  # it may say where to connect to, which is no secret
        assert isinstance(error, Permanent), f"C39: {verb} towards {imposter.name} gives {error!r}"
        assert imposter.cure in str(error), f"C39: {verb} towards {imposter.name} does not say what to do: {error}"


def _every_other_call(provider: Provider, spec: GrantSpec) -> None:
    """An end and a look have no reason to tell what a grant may not."""
    calls: list[Callable[[], object]] = [
        lambda: provider.observe(spec, None, deadline()),
        lambda: provider.revoke(spec, None, deadline()),
        lambda: provider.clean_up([Ended(spec=spec, receipt=None)], deadline()),
        lambda: provider.list_managed(deadline()),
        lambda: provider.list_holders(deadline()),
        lambda: provider.check({}, Deadline.after(20)),
    ]
    for call in calls:
        with suppress(ProviderError):
            call()
