"""A plugin of pytest that writes down which promise each provider kept, or holds a run to what is written down.

In your conftest.py: `pytest_plugins = ["countersign.testing.recording"]`; then pytest knows `--promises FILE` and
`--write-promises`.
"""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from access.ports import Capabilities, GrantSpec, Provider
from countersign.conformance.record import Result, Suite, abilities, differences, merged, name_of, read, write
from countersign.providers import ProviderClasses
from countersign.testing.contract import ProviderContract
from countersign.testing.world import World

_PROPERTY = "countersign.promise"
_NAMED = re.compile(r"test_c(\d\d)_")
_TURNED = {
    "C11": ("ends_sessions", "It cannot end sessions, and every revoke says so."),
    "C13": ("native_expiry", "The target has no end of its own, and the provider claims none."),
    "C14": ("native_expiry", "The target has no end of its own, and the provider claims none."),
    "C15": ("extend", "It cannot move the end that the target has, and says so."),
    "C18": ("list_managed", "It cannot list what is ours, and says so."),
    "C23": ("reveals", "It makes no secret for the holder."),
    "C38": ("list_holders", "It cannot list who holds what, and says so."),
}
"""What a provider cannot do it has to say; then this is why the promise is turned round."""
_NOTHING_MIGHTIER = "Nothing on this target makes the bot's account or a role mightier."


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--promises", type=Path, metavar="FILE", help="hold the contract's promises to this record")
    parser.addoption("--write-promises", action="store_true", help="write what this run shows into that record")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # of several processes the first one hears from all
        config.pluginmanager.register(Recorder(config), "countersign-promises")


@pytest.fixture(autouse=True)
def which_promise_of_which_provider_this_is(request: pytest.FixtureRequest) -> None:
    """Goes out with the test's report, whichever process runs it."""
    named = _NAMED.match(request.node.name)
    if named is None or not (isinstance(request.cls, type) and issubclass(request.cls, ProviderContract)):
        return
    provider, spec = request.getfixturevalue("provider"), request.getfixturevalue("make_spec")()
    if not _is_installed(provider):
        return
    world, tested_on = request.getfixturevalue("world"), request.getfixturevalue("tested_on")
    able, number = provider.capabilities.of(spec.settings), f"C{named[1]}"
    suite = Suite(
        tests=request.node.nodeid.partition("[")[0].rpartition("::")[0], provider=provider.name,
        implementation=name_of(type(provider)), tested_on=tested_on, abilities=abilities(able),
        promises={number: _if_it_passes(request.cls, number, able, world, spec)},
    )  # fmt: skip
    request.node.user_properties.append((_PROPERTY, suite.model_dump(mode="json")))


def _is_installed(provider: Provider) -> bool:
    """Found by its entry point: a stand-in of a test is in no table."""
    known = ProviderClasses()
    return provider.name in known and known[provider.name] is type(provider)


def _if_it_passes(
    kept: type[ProviderContract], number: str, able: Capabilities, world: World, spec: GrantSpec
) -> Result:
    reason = kept.no_obstacles.get(number)
    if reason and not _has_something(number, world, spec):
        return Result(state="does not apply", why=reason)
    if number == "C29" and kept.cannot_forbid:
        return Result(state="turned round", why=" ".join(dict.fromkeys(kept.cannot_forbid.values())))
    if number == "C37" and not world.too_much(spec):
        return Result(state="does not apply", why=reason or _NOTHING_MIGHTIER)
    ability, why = _TURNED.get(number, ("", ""))
    if ability and not getattr(able, ability):
        return Result(state="turned round", why=why)
    return Result(state="passed")


def _has_something(number: str, world: World, spec: GrantSpec) -> bool:
    """Whether the world of the tests shows anything of this kind."""
    if number == "C21":
        return bool(world.wrong_credentials() or world.too_little(spec))
    if number == "C29":
        return False  # where the person can try something, nothing says why not
    if number == "C39":
        return bool(world.imposters())
    return any(one.promise == number for one in world.obstacles())


class Recorder:
    """Hears every report of the run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._suites: dict[str, Suite] = {}
        self._broken = defaultdict[str, set[str]](set)
        self._said = list[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, said in report.user_properties:
            if name == _PROPERTY and (report.when == "call" or report.failed):
                self._note(Suite.model_validate(said), passed=report.passed)

    def _note(self, suite: Suite, *, passed: bool) -> None:
        """A promise of several tests is kept where all of them pass."""
        if not passed:
            self._broken[suite.tests].update(suite.promises)
        before = self._suites.get(suite.tests)
        promises = {**(before.promises if before else {}), **suite.promises}
        kept = {number: result for number, result in promises.items() if number not in self._broken[suite.tests]}
        self._suites[suite.tests] = suite.model_copy(update={"promises": kept})

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        file: Path | None = self._config.getoption("--promises")
        if file is None or not self._suites:
            return
        seen = list(self._suites.values())
        if self._config.getoption("--write-promises"):
            write(merged(seen, read(file)), file)
            self._said = [f"{file.name} has what this run showed of {len(seen)} × the contract."]
            return
        self._said = differences(seen, read(file))
        if self._said and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in self._said:
            terminalreporter.write_line(line, red=not self._config.getoption("--write-promises"))
        if self._said and not self._config.getoption("--write-promises"):
            terminalreporter.write_line("To write down what this run showed: --write-promises", red=True)
