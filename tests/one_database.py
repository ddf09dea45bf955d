"""Which of the two databases a test runs on: both where it is about the database, else one.

What an operation decides is the same on both; what may differ is a statement, an order, a lock, a type. So a test of an
operation runs on one of the two, chosen by its name and thus always the same, and each statement is met on both by one
test or another. Whoever writes a test of several at once, of long lists or of a statement that is not like the others
marks it `both_databases`, the test and not its file; with `--both-databases`, as in the long runs, all tests are taken
on both.
"""

from zlib import crc32

import pytest

FOLDERS = {
    "requests", "grants", "alerts", "reconcile", "monitor", "messages", "queries", "crashes", "workers", "countersign",
    "stories",
}  # fmt: skip
KINDS = ("sqlite", "postgresql")


def is_left_to_the_other(item: pytest.Item) -> bool:
    """Whether this test runs on the other database alone."""
    if not isinstance(item, pytest.Function) or not FOLDERS.intersection(item.path.parts):
        return False
    if "database_kind" not in item.fixturenames or item.get_closest_marker("both_databases"):
        return False
    if any("database_kind" in mark.args[0] for mark in item.iter_markers("parametrize")):
        return False  # whoever names the databases has chosen
    kind = str(item.callspec.params.get("database_kind", "")) if hasattr(item, "callspec") else ""
    if not kind:
        return False  # so has a file with a fixture of that name
    named = f"{item.path.name} {item.name.replace(kind, '', 1)}"
    return kind != KINDS[crc32(named.encode()) % len(KINDS)]
