"""The promise about the bot's own account: what it is refused, or lacks, is said with the cure, and opens nothing."""

from collections.abc import Callable, Iterator

from access.errors import BadConfig, BadCredential, Permanent, ProviderError
from access.ports import Finding, GrantSpec, Provider, Receipt
from countersign.testing.fixtures import ContractFixtures, MakeSpec
from countersign.testing.steps import deadline, error_of, gets_in, grant, reveal, revoke
from countersign.testing.world import Refused, World


class Credentials(ContractFixtures):
    """C21."""

    def test_c21_a_credential_that_is_not_accepted_is_said_and_nothing_is_changed(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        wrong = world.wrong_credentials()
        if not wrong and not world.too_little(make_spec()):
            assert self.no_obstacles.get("C21"), "C21: the world has no wrong credential, and nothing says why"
        for one in wrong:
            spec = make_spec()
            receipt = grant(make_provider(), spec).receipt
            with one as what:
                provider, before = make_provider(), world.snapshot()
                for verb, error in _refused(provider, make_spec(), spec, receipt):
                    assert isinstance(error, BadCredential | BadConfig), f"C21: {what}, and {verb} gives {error!r}"
                    told = [secret for secret in world.credentials() if secret in str(error)]
                    assert not told, f"C21: {what}, and {verb} shows the credential"
                assert _cures(provider, spec), f"C21: {what}, and the check does not say what to do"
                assert world.snapshot() == before, f"C21: {what}, and something was changed"
            removal = revoke(make_provider(), spec, receipt)
            assert removal.state == "removed", f"C21: {what}, and afterwards what was open does not end"

    def test_c21_a_right_that_the_account_lacks_is_named_and_it_opens_nothing_that_it_cannot_end(
        self, make_provider: Callable[[], Provider], world: World, make_spec: MakeSpec
    ) -> None:
        untouched = world.snapshot()
        for one in world.too_little(make_spec()):
            spec = make_spec()
            with one as missing:
                provider = make_provider()
                named = [cure for cure in _cures(provider, spec) if missing in cure]
                assert named, f"C21: the account lacks {missing}, and the check does not name it"
                error = error_of(provider.grant, spec, deadline())
                assert error is None or isinstance(error, Permanent), f"C21: without {missing} a grant gives {error!r}"
                if error is None:
                    _ends_what_it_opened(provider, world, spec, missing)
                else:
                    assert not gets_in(world, spec, None), f"C21: without {missing} it refuses, and the person gets in"
            revoke(make_provider(), spec, None)
            assert world.snapshot() == untouched, f"C21: without {missing} something stays half-done"


def _refused(
    provider: Provider, new: GrantSpec, opened: GrantSpec, receipt: Receipt
) -> Iterator[tuple[str, ProviderError | None]]:
    yield "a grant", error_of(provider.grant, new, deadline())
    yield "a look", error_of(provider.observe, opened, receipt, deadline())
    yield "an end", error_of(provider.revoke, opened, receipt, deadline())


def _cures(provider: Provider, spec: GrantSpec) -> list[str]:
    """What the check finds wrong, with what to do."""
    roles = {spec.role: type(provider).Role.model_validate(dict(spec.definition))}
    try:
        found: list[Finding] = provider.check(roles, deadline())
    except BadCredential as error:
        return [error.sentence]
    return [f"{one.sentence} {one.cure}" for one in found if one.level == "error" and one.cure]


def _ends_what_it_opened(provider: Provider, world: World, spec: GrantSpec, missing: str) -> None:
    try:
        secret = reveal(provider, spec)
        session = world.open_session(spec, secret)
    except (Refused, ProviderError):
        return
    try:
        revoke(provider, spec, None)
        if provider.capabilities.of(spec.settings).ends_sessions:
            assert not session.is_alive(), f"C21: without {missing} it opens a session that it cannot end"
    finally:
        session.close()
    assert not gets_in(world, spec, secret), f"C21: without {missing} it opens what it cannot end"
