"""What `doctor` says of servers that copy the target: no session is ended there."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from countersign.demo.target import Target
from tests.contracts.shop import Mode
from tests.contracts.test_postgres_check_signals import checking


@pytest.mark.parametrize("mode", ["login", "membership"])
def test_that_others_copy_the_server_is_said(target: Target, tmp_path: Path, mode: Mode) -> None:
    copies = psycopg.pq.PGconn.connect(make_conninfo(target.superuser_dsn, replication="true").encode())
    try:
        assert copies.status == psycopg.pq.ConnStatus.OK, copies.get_error_message()
        finding = checking(target.bot_dsn, tmp_path, mode)["standbys"]
    finally:
        copies.finish()
    assert finding.level == "ok"
    assert "On a standby no session is ended from here" in finding.sentence
