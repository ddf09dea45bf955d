"""The promises about words: names, secrets, plans, errors, receipts."""

import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from access.errors import Permanent, ProviderError
from access.ports import GrantSpec, Provider, Receipt, Secret
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, error_of, gets_in, grant, reveal, revoke
from countersign.testing.world import FaultKind, World

Test = TypeVar("Test", bound=Callable[..., None])

_NASTY = (
    "'; DROP TABLE canary; --",
    '"; DROP ROLE postgres; --',
    "line\nbreak\r\n",
    "nul\0character",
    "x" * 300,
    "🔑🧨",
    "\u202egnp.exe",
    "../../etc/passwd",
    "*)(uid=*",
    "-rf",
    "%s %(name)s {} {0} $1 :name",
    "",
    " ",
)


def _is_seen_to_be_gone(provider: Provider, spec: GrantSpec) -> bool:
    """What was never opened has to end as well: until the target says so, it is taken for open."""
    try:
        return revoke(provider, spec, None).state == "absent" and not provider.observe(spec, None, deadline()).present
    except ProviderError:
        return False


def _with_examples(test: Test) -> Test:
    for words in reversed(_NASTY):
        test = example(text=words)(test)
    return test


class Honesty(ContractFixtures):
    """C19, C20, C23, C24, C25 and C27."""

    def test_c19_what_the_target_does_not_know_is_refused_and_nothing_written(
        self, provider: Provider, world: World, refused_specs: list[tuple[GrantSpec, type[ProviderError]]]
    ) -> None:
        untouched = world.snapshot()
        for spec, expected in refused_specs:
            error = error_of(provider.grant, spec, deadline())
            assert type(error) is expected, f"C19: {dict(spec.definition)} gives {error!r} and not {expected.__name__}"
            assert world.snapshot() == untouched, f"C19: {dict(spec.definition)} was refused but something was written"

    @_with_examples
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.differing_executors,  # two subclasses, two targets
        ],
    )
    @given(text=st.text(max_size=80))
    def test_c20_hostile_words_are_refused_or_taken_exactly(
        self, provider: Provider, world: World, hostile_specs: Callable[[str], list[GrantSpec]], text: str
    ) -> None:
        untouched = world.snapshot()
        for spec in hostile_specs(text):
            try:
                grant(provider, spec)
            except Permanent:
                assert world.snapshot() == untouched, f"C20: {text!r} was refused but something was written"
                assert _is_seen_to_be_gone(provider, spec), f"C20: {text!r} was refused, and its end is refused too"
                continue
            except Exception as error:
                pytest.fail(f"C20: {text!r} gives {error!r}")
            assert gets_in(world, spec, reveal(provider, spec)), f"C20: {text!r} was granted, but not to the person"
            revoke(provider, spec, None)
            assert world.snapshot() == untouched, f"C20: {text!r} left something on the target"

    def test_c23_the_secret_is_strong_fresh_and_nowhere_else(
        self, provider: Provider, world: World, make_spec: MakeSpec, caplog: pytest.LogCaptureFixture
    ) -> None:
        spec = make_spec()
        with caplog.at_level(logging.DEBUG):
            outcome = grant(provider, spec)
            first, second = reveal(provider, spec), reveal(provider, spec)
            if first is None or second is None:
                assert not provider.capabilities.of(spec.settings).reveals
                return
            assert not gets_in(world, spec, first), "C23: the first secret works after the second look"
            assert gets_in(world, spec, second), "C23: the second secret does not work"
            words = self._secret_words(first) + self._secret_words(second)
            revoke(provider, spec, outcome.receipt)
        assert len(set(words)) == len(words), "C23: the same secret comes twice"
        assert all(len(word) >= 22 and len(set(word)) >= 10 for word in words), "C23: the secret is weak"
        plan = provider.plan(spec)
        places = {
            "the receipt": outcome.receipt.model_dump_json(),
            "the plan": "\n".join((*plan.grant, *plan.revoke, plan.where)),
            "the repr": repr((outcome, first, second)),
            "our log": "\n".join(record.getMessage() for record in caplog.records),
            "the target's log": world.written(),
        }
        for place, content in places.items():
            assert not any(word in content for word in words), f"C23: the secret is in {place}"

    def test_c23_no_error_and_no_plan_shows_the_bots_own_secret(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        kinds: list[FaultKind] = ["before", "after"]
        for kind in kinds:
            provider = make_provider()
            with world.fault(kind, 1):
                error = error_of(provider.grant, make_spec(), deadline())
            assert error is not None, "C23: a cut-off call raises no error"
            shown = "".join(traceback.format_exception(error))
            assert not any(secret in shown for secret in world.credentials()), "C23: an error shows the bot's secret"
        planned = str(make_provider().plan(make_spec()))
        assert not any(secret in planned for secret in world.credentials()), "C23: a plan shows the bot's secret"

    def test_c24_a_plan_is_pure_and_always_the_same(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        spec, untouched = make_spec(), world.snapshot()
        first, second = make_provider(), make_provider()
        with world.fault("before", 1) as fault:
            plans = [first.plan(spec), first.plan(spec), second.plan(spec)]
        assert not fault.fired, "C24: a plan asks the target"
        assert plans[0] == plans[1] == plans[2], "C24: two plans of the same grant differ"
        assert world.snapshot() == untouched, "C24: a plan changed the target"
        names = grant(first, spec).receipt.names.values()
        revoke(first, spec, None)
        for said in ("\n".join(plans[0].grant), "\n".join(plans[0].revoke)):
            assert all(name in said for name in names), "C24: the plan does not name what the grant makes"

    def test_c25_every_row_of_the_error_table_holds(
        self, provider: Provider, world: World, make_spec: MakeSpec
    ) -> None:
        spec, wrong = make_spec(), list[str]()
        assert self.error_table, "C25: there is no error table"
        for code, expected in self.error_table.items():
            with world.answer(code):
                error = error_of(provider.observe, spec, None, deadline())
            if type(error) is not expected:
                wrong.append(f"{code} gives {error!r} and not {expected.__name__}")
        assert not wrong, f"C25: {wrong}"

    def test_c27_receipts_of_today_and_before_still_revoke(
        self,
        provider: Provider,
        world: World,
        make_spec: MakeSpec,
        earlier_receipts: Callable[[Receipt], list[str]],
    ) -> None:
        spec = make_spec()
        receipt = grant(provider, spec).receipt
        try:
            stored = receipt.model_dump_json()
            assert Receipt.model_validate_json(stored) == receipt, "C27: the receipt changes on its way through JSON"
        except ValueError as error:
            pytest.fail(f"C27: the receipt is no JSON: {error!r}")
        versions = [stored, *earlier_receipts(receipt)]
        for written in versions:
            grant(provider, spec)
            secret = reveal(provider, spec)
            revoke(provider, spec, Receipt.model_validate_json(written))
            assert not gets_in(world, spec, secret), f"C27: this receipt does not revoke: {written}"

    def _secret_words(self, secret: Secret) -> list[str]:
        words = [value.get_secret_value() for label, value in secret.fields if label in self.secret_labels]
        assert words, f"C23: none of the revealed values is called {self.secret_labels}"
        return words
