"""What the doctor's tests share."""

from pathlib import Path

import pytest

from countersign.demo.policy import demo_policy
from countersign.demo.stage import acme
from tests.countersign.clinic import Clinic
from tests.redis_server import own_redis, redis_server, redis_url

__all__ = ["own_redis", "redis_server", "redis_url"]


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    """The demo's policy and nothing else."""
    return Clinic.make(tmp_path, demo_policy(acme()))
