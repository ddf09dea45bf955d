"""A folder for programs."""

from pathlib import Path

import pytest

from tests.workers.command.programs import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)
