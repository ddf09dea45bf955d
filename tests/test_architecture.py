"""What the house promises of itself: by reading its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import access

ROOT = Path(access.__file__).parent.parent
PRODUCT = ("access", "bot", "workers", "countersign", "sandbox", "migrations", "bench")
CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.localtime", "time.gmtime",
    "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now", "datetime.datetime.utcnow",
    "date.today", "datetime.date.today",
}  # fmt: skip
CLOCK = "access/clock.py"
WATCHERS = ("countersign/demo/", "countersign/embedded/", "countersign/testing/")
"""They wait for real processes and measure them; they decide nothing."""
CONCURRENCY = {"threading", "multiprocessing", "concurrent", "subprocess", "asyncio"}


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def called(path: Path) -> Iterator[str]:
    """Every function that is called or handed on, by its dotted name, seen through imports."""
    found, known = tree(path), dict[str, str]()
    for node in ast.walk(found):
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        if isinstance(node, ast.Import):
            known |= {
                alias.asname or alias.name: alias.name for alias in node.names if alias.name in ("time", "datetime")
            }
    for node in ast.walk(found):
        if isinstance(node, ast.Attribute | ast.Name):
            first, _, rest = ast.unparse(node).partition(".")
            yield f"{known.get(first, first)}.{rest}".strip(".")


def imported(path: Path) -> set[str]:
    """Every module it imports; of `from package import x` also `package.x`, which may be one."""
    nodes = list(ast.walk(tree(path)))
    whole = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {(node.module, alias.name) for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    for package, part in parts:
        is_module = (ROOT / str(package).replace(".", "/") / f"{part}.py").exists()
        whole.add(f"{package}.{part}" if is_module else str(package))
    return whole


def tops(path: Path) -> set[str]:
    """The packages it imports, by their first name."""
    return {module.partition(".")[0] for module in imported(path)}


def test_only_the_clock_reads_the_clock() -> None:
    found = {name(path): CLOCKS & set(called(path)) for path in modules("access", "bot", "workers", "countersign")}

    assert found.pop(CLOCK), "this test can see it"
    assert {module: clocks for module, clocks in found.items() if clocks and not module.startswith(WATCHERS)} == {}


def test_a_module_opens_with_a_sentence() -> None:
    first = {name(path): (ast.get_docstring(tree(path)) or "").partition("\n")[0] for path in modules(*PRODUCT)}

    assert [module for module, said in first.items() if not said.endswith((".", "?", ":"))] == []


def test_the_core_knows_no_slack_no_queue_and_no_target() -> None:
    others = {"slack_bolt", "slack_sdk", "rq", "redis", "psycopg", "aiohttp", "httpx", "bot", "workers", "countersign"}

    assert {name(path): tops(path) & others for path in modules("access") if tops(path) & others} == {}


def test_the_core_starts_no_thread_and_no_process() -> None:
    """It is called by many threads and makes none; a lock around the policy in memory, and one around the making of a
    file of SQLite, are all it needs."""
    used = {name(path): tops(path) & CONCURRENCY for path in modules("access") if tops(path) & CONCURRENCY}

    assert used == {"access/policy_source.py": {"threading"}, "access/store.py": {"threading"}}


def test_a_view_is_a_pure_function() -> None:
    impure = CONCURRENCY | {"os", "pathlib", "random", "socket", "slack_sdk", "slack_bolt"}

    assert {name(path): tops(path) & impure for path in modules("bot/views") if tops(path) & impure} == {}


def test_a_provider_knows_the_ports_and_its_own_files() -> None:
    """One more, or one less, changes no other; a third party's has no more to hold on to either.

    Those that ask in JSON share its schema, which knows none of them.
    """
    found = dict[str, set[str]]()
    for path in modules("workers/providers"):
        first = path.relative_to(ROOT / "workers/providers").parts[0]  # a file, or a folder of files
        own = f"workers.providers.{first.removesuffix('.py').partition('_')[0]}"
        ours = {module for module in imported(path) if module.partition(".")[0] in PRODUCT}
        others = {module for module in ours if not module.startswith((own, "workers.providers.exchange"))} - {
            "access.ports",
            "access.provider",
            "access.errors",
        }
        if others:
            found[name(path)] = others

    assert found == {}


def test_nothing_is_opened_or_read_at_import() -> None:
    touching = {"open", "os", "subprocess", "socket", "print", "redis", "psycopg", "create_engine"}
    found = list[str]()
    for path in modules("access", "bot", "workers"):
        for statement in tree(path).body:
            for node in ast.walk(statement) if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign) else ():
                if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in touching:
                    found.append(f"{name(path)}:{node.lineno}: {ast.unparse(node)}")

    assert found == []


def test_no_deadline_is_counted_from_the_import() -> None:
    """A run takes longer than any call: what was soon when a module was read is over when its tests run."""
    found = list[str]()
    for path in modules(*PRODUCT, "tests"):
        for node in ast.walk(ast.Module([one for one in tree(path).body if _runs_at_import(one)], [])):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Deadline.after"):
                found.append(f"{name(path)}:{node.lineno}: {ast.unparse(node)}")

    assert found == []


def _runs_at_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign)
