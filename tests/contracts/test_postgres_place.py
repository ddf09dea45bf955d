"""Where a target is, for who types there by hand: named from the `dsn`, of which no part of the password is shown."""

from pathlib import Path

import pytest

from access.errors import BadConfig
from access.ports import SecretReference
from workers.providers.postgres.connecting import keywords
from workers.providers.postgres.place import place
from workers.providers.postgres.session import Connections

PASSWORDS = ("can@ary", "can/ary", "can/a@ry", "c@n/a:ry", "can:ary@x:1", "c@n?a=ry", "can,a@ry", "can#a@ry")


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        ("postgresql://bot:canary@db.example:5433/shop", "database shop on db.example:5433"),
        ("postgresql://bot:canary@db.example/shop?sslmode=verify-full", "database shop on db.example:5432"),
        ("postgresql://bot@one:1,two:2/shop", "database shop on one:1 or two:2"),
        ("host=one,two port=6 dbname=shop password=canary", "database shop on one:6 or two:6"),
        ("host=/run/postgresql dbname=shop", "database shop on /run/postgresql:5432"),
        ("dbname=shop password=canary", "database shop"),
        ("postgresql://bot:canary@db.example", ""),
    ],
)
def test_the_server_and_the_database_are_named(dsn: str, where: str) -> None:
    assert place(keywords(dsn)) == where


@pytest.mark.parametrize("password", PASSWORDS)
def test_of_a_password_that_was_not_escaped_no_piece_is_shown(password: str) -> None:
    try:
        shown = place(keywords(f"postgresql://bot:{password}@db.example:5432/shop"))
    except BadConfig:
        shown = ""

    assert shown in ("", "database shop on db.example:5432")


def test_the_database_of_the_settings_goes_before_the_one_of_the_dsn(tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text("postgresql://bot:canary@db.example/shop", encoding="utf-8")

    assert Connections(SecretReference(file=str(file)), "ledger").place() == "database ledger on db.example:5432"


def test_without_its_dsn_a_target_is_planned_for_all_the_same(tmp_path: Path) -> None:
    assert Connections(SecretReference(file=str(tmp_path / "gone")), None).place() == ""
