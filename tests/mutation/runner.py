"""Tries mutants: each in a fork of a process that has the tests collected, by the tests that reach it.

The parent imports and collects, and never runs what is mutated: a cache that it filled would hide a mutant.
"""

import ast
import gc
import os
import pickle
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.mutation.mutants import Mutant, mutants

MEMORY = 3 << 30
"""What a mutant that never ends may take beside what it began with."""


@dataclass(frozen=True, kw_only=True)
class Result:
    file: str
    line: int
    where: str
    change: str
    killed_by: str | None
    """A test, or how else it was noticed."""
    tests: int

    @property
    def key(self) -> str:
        return f"{self.file} | {self.where} | {self.change}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.where}: {self.change}  ({self.tests} tests)"


@dataclass(kw_only=True)
class Reach:
    """What one test runs."""

    seconds: float = 0
    lines: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    names: set[str] = field(default_factory=set[str])
    """All that it looks up, to find who uses what a module makes when it is imported."""
    failed: str = ""


@dataclass(kw_only=True)
class Mutation:
    """A plugin of pytest, which runs mutants where pytest would run the tests once."""

    files: Sequence[Path]
    root: Path
    chosen: Callable[[pytest.Item], bool]
    known: dict[str, Result]
    """Of a run before: the test that noticed it is tried first."""
    believed: Callable[[Result], bool]
    """Whether such a result stands, without a try."""
    keep: Callable[[Result], None]
    seed: int
    budget: float
    """Seconds of tests for one mutant, the shortest first."""
    least: float = 5
    """Seconds that a test may take, besides ten times its own."""
    reports: list[pytest.TestReport] = field(default_factory=list[pytest.TestReport])
    functions: list[FunctionType] = field(default_factory=list[FunctionType])
    alone: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether a test that noticed a mutant passes alone and without one."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self) -> None:
        from hypothesis import HealthCheck, Phase, settings  # pytest rewrites its plugins, if they come after it

        phases = (Phase.explicit, Phase.generate)  # which example is the smallest matters to no mutant
        calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=phases, database=None)
        settings.register_profile("mutation", calm)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = [item for item in session.items if self.chosen(item)]
        last = _Last.from_parent(session, name="last")
        first = next((one for one in items if "sqlite_files" in getattr(one, "fixturenames", ())), None)
        if first:  # the migrated file, of which all databases are copies: or each fork would make its own
            self._passes(first, last)
        self.functions = _functions({str(file) for file in self.files})
        gc.collect()
        gc.freeze()
        reach: list[Reach] = _in_a_fork(lambda: self._reach(items, last))[0]
        for item, one in zip(items, reach, strict=True):
            if one.failed:
                print(f"{item.nodeid} fails without a mutant: {one.failed}", flush=True)
        tests = [pair for pair in zip(items, reach, strict=True) if not pair[1].failed]
        tests.sort(key=lambda pair: pair[1].seconds)
        for file in self.files:
            self._try_file(file, tests, last)
        return True

    def _passes(self, item: pytest.Item, after: pytest.Item) -> bool:
        self.reports.clear()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        return not any(report.failed for report in self.reports)

    def _reach(self, items: Sequence[pytest.Item], last: pytest.Item) -> list[Reach]:
        found = list[Reach]()
        for item in items:
            found.append(Reach())
            began = time.process_time()
            sys.settrace(_tracer(found[-1], {str(file) for file in self.files}, str(self.root)))
            passed = self._passes(item, last)
            sys.settrace(None)
            found[-1].seconds = time.process_time() - began
            found[-1].failed = "" if passed else next(report.longreprtext for report in self.reports if report.failed)
        return found

    def _try_file(self, file: Path, tests: Sequence[tuple[pytest.Item, Reach]], last: pytest.Item) -> None:
        module = next(one for one in list(sys.modules.values()) if getattr(one, "__file__", None) == str(file))
        tree = ast.parse(file.read_bytes())
        found = mutants(tree)
        random.Random(self.seed).shuffle(found)  # what is seen of a run that was ended says something of all
        for mutant in found:
            reaching = list(_reaching(mutant, str(file), tests))
            result = Result(
                file=str(file.relative_to(self.root)), line=mutant.lines.start, where=mutant.where,
                change=mutant.change, killed_by=None, tests=len(reaching),
            )  # fmt: skip
            before = self.known.get(result.key)
            if before and self.believed(before):
                self.keep(before)
                continue
            killer = before.killed_by if before else None
            reaching.sort(key=lambda pair: (pair[0].nodeid != killer, pair[1].seconds))
            while True:
                with mutant.applied():
                    killed_by = self._killer(mutant, tree, module, reaching, last)
                guilty = next((pair for pair in reaching if pair[0].nodeid == killed_by), None)
                if guilty is None or self._passes_alone(guilty[0], last):
                    break
                reaching.remove(guilty)  # it fails by itself, when none of the others has run before
            self.keep(replace(result, killed_by=killed_by))

    def _passes_alone(self, item: pytest.Item, last: pytest.Item) -> bool:
        if item.nodeid not in self.alone:
            self.alone[item.nodeid] = bool(_in_a_fork(lambda: self._passes(item, last))[0])
        return self.alone[item.nodeid]

    def _killer(
        self, mutant: Mutant, tree: ast.Module, module: ModuleType, tests: Sequence[tuple[pytest.Item, Reach]],
        last: pytest.Item,
    ) -> str | None:  # fmt: skip
        def tried() -> str | None:
            try:
                self._install(mutant, compile(tree, str(module.__file__), "exec"), module)
            except Exception as error:
                return f"the import: {type(error).__name__}"
            spent = 0.0
            for item, reach in tests:
                spent += reach.seconds
                if spent > self.budget and item is not tests[0][0]:
                    return None
                signal.setitimer(signal.ITIMER_PROF, self.least + 10 * reach.seconds)
                if not self._passes(item, last):
                    return item.nodeid
            return None

        answer, ended = _in_a_fork(tried)
        return answer if ended == 0 else "the time it took" if ended == signal.SIGPROF else f"its end: {ended}"

    def _install(self, mutant: Mutant, code: CodeType, module: ModuleType) -> None:
        if mutant.function:
            changed = {(one.co_qualname, one.co_firstlineno): one for one in _codes(code)}
            for live in self.functions:
                if live.__code__.co_filename == module.__file__:
                    live.__code__ = changed[live.__code__.co_qualname, live.__code__.co_firstlineno]
            return
        fresh = ModuleType(module.__name__)
        fresh.__file__ = module.__file__
        exec(code, vars(fresh))
        for name, value in list(vars(fresh).items()):
            if not name.startswith("__"):
                _rebind(name, getattr(module, name), value)


class _Last(pytest.Item):
    """After each test what it set up is undone, but for what is the session's."""

    def runtest(self) -> None:
        raise AssertionError("it stands for what comes next, and never comes")


def _reaching(
    mutant: Mutant, file: str, tests: Iterable[tuple[pytest.Item, Reach]]
) -> Iterator[tuple[pytest.Item, Reach]]:  # fmt: skip
    names = set(mutant.where.replace(", ", ".").split("."))
    for item, reach in tests:
        hit = any((file, line) in reach.lines for line in mutant.lines) if mutant.function else names & reach.names
        if hit:
            yield item, reach


def _tracer(reach: Reach, files: set[str], root: str) -> Any:
    seen = set[CodeType]()

    def line(frame: FrameType, _event: str, _argument: object) -> Any:
        reach.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def call(frame: FrameType, _event: str, _argument: object) -> Any:
        code = frame.f_code
        if code not in seen:
            seen.add(code)
            if code.co_filename.startswith(root):
                reach.names.update(code.co_names, [code.co_name])
        return line(frame, "", None) if code.co_filename in files else None

    return call


def _in_a_fork(work: Callable[[], Any]) -> tuple[Any, int]:
    """What it answers, and by which signal it was ended, if it was."""
    read, write = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(read)
        out = os.open(os.devnull, os.O_WRONLY)
        os.dup2(out, 1)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        try:
            with os.fdopen(write, "wb") as answer:
                pickle.dump(work(), answer)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    return pickle.loads(said) if said else None, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _functions(files: set[str]) -> list[FunctionType]:
    """All that are alive, however they are wrapped and whoever imported them."""
    return [one for one in gc.get_objects() if isinstance(one, FunctionType) and one.__code__.co_filename in files]


def _rebind(name: str, old: Any, new: Any) -> None:
    """The name in all modules that have it; functions and classes stay who they are and get the new defaults."""
    if isinstance(old, FunctionType):
        old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
    elif isinstance(old, type):
        for key, value in list(vars(new).items()):
            if isinstance(value, FunctionType) and isinstance(vars(old).get(key), FunctionType):
                _rebind(key, vars(old)[key], value)
    elif not isinstance(old, ModuleType):
        for module in list(sys.modules.values()):
            if vars(module).get(name) is old:
                setattr(module, name, new)
