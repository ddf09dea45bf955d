"""Which tests `make quick` runs: what is told by our code, Redis and a file of SQLite alone, in two minutes.

Left out is what starts a PostgreSQL, a browser or processes of ours, and what lasts long by its nature.
"""

import pytest

ELSEWHERE = {
    "stories", "hands", "adversary", "contracts", "network", "bench", "chaos", "crashes", "invariants", "storms",
    "test_readme.py", "test_set_up.py",
}  # fmt: skip
"""Folders and files."""
SERVERS = {"postgres", "postgres_databases", "browser", "page", "stage", "shop_server", "houses"}
"""Fixtures."""


def is_quick(item: pytest.Item) -> bool:
    if ELSEWHERE.intersection(item.path.parts):
        return False
    if not isinstance(item, pytest.Function):
        return True
    said = getattr(item, "callspec", None)
    if said is not None and "postgresql" in said.params.values():
        return False
    return not SERVERS.intersection(item.fixturenames)
