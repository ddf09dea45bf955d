"""Killed at any call to Slack: it is said all the same, by whoever comes after, and no promise is broken."""

import ast
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest
from slack_sdk import WebClient

import workers
from sandbox.server import Running
from tests.bot.staging import acme
from tests.crashes.conftest import Emptied
from tests.crashes.lives import Lives
from tests.crashes.told import CALL, TOLD_STEPS, ToldLife
from tests.databases import SqliteFiles

WORKERS = Path(workers.__file__).parent
LEFT_OUT = {
    "auth_test": "is asked where Slack does not know somebody at all, and changes nothing",
}
"""Calls beside which nobody dies here, and why."""
OTHER_WAYS_OUT = {
    "http_status": "for pages, which bear the id of their alert when they come twice (workers/test_paging.py), and "
    "for pings, which say that all is well and nothing else",
}
"""Modules that call an address themselves, and why nobody dies there."""
OVER_THE_NETWORK = {"http.client", "urllib.request", "requests", "httpx", "aiohttp", "slack_sdk.webhook"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with acme() as sandbox:
        yield sandbox


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(("database_kind", "method"), [*zip(cycle(["sqlite", "postgresql"]), TOLD_STEPS, strict=False)])
def test_killed_beside_a_call_to_slack_everybody_is_told(
    emptied: Emptied, tmp_path: Path, sandbox: Running, method: str, side: str
) -> None:
    lives = told_lives(emptied, tmp_path, sandbox, method)
    lives.killed(lives.points().index(f"{CALL}{method}.{side}"))


def test_each_way_to_call_slack_is_one_to_die_beside(
    sqlite_files: SqliteFiles, tmp_path: Path, sandbox: Running
) -> None:
    """A call that a worker gets needs a step that comes by it, or nobody would die beside it."""
    passed = set[str]()
    for method in TOLD_STEPS:
        points = told_lives(sqlite_files.emptied, tmp_path / method, sandbox, method).points()
        passed |= {name.removeprefix(CALL).rpartition(".")[0] for name in points if name.startswith(CALL)}

    called = {name for file in WORKERS.rglob("*.py") for name in called_in(ast.parse(file.read_text("utf-8")))}
    assert {name for name in called if name.replace("_", ".", 1) not in passed} == LEFT_OUT.keys()
    assert called >= {"chat_postMessage", "chat_update", "views_publish", "views_update", "users_info"}


def test_nobody_else_among_the_workers_calls_an_address() -> None:
    found = {file.stem for file in WORKERS.glob("*.py") if OVER_THE_NETWORK & imported_by(file)}
    assert found == OTHER_WAYS_OUT.keys()


def called_in(tree: ast.AST) -> Iterator[str]:
    """Methods of Slack's client, by whatever name it is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in vars(WebClient) and not node.attr.startswith("_"):
            yield node.attr


def imported_by(file: Path) -> set[str]:
    """Each module with its packages."""
    names = list[str]()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [one.name for one in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return {
        ".".join(parts[: length + 1]) for parts in (one.split(".") for one in names) for length in range(len(parts))
    }


def told_lives(emptied: Emptied, directory: Path, sandbox: Running, method: str) -> Lives:
    return Lives(emptied, directory, partial(ToldLife, sandbox=sandbox), TOLD_STEPS[method], "fine")
