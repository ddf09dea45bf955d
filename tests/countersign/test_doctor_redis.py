"""The doctor looks at Redis: there, keeps everything, asks for a password, refuses nothing of ours; and its clock."""

from pathlib import Path

import pytest

from tests.countersign.clinic import Clinic, the, unwell
from tests.ports import free_port
from tests.redis_refusals import REFUSALS
from tests.redis_sentinels import PASSWORD, SENTINEL_PASSWORD, Sentinels, sentinels
from tests.redis_server import RedisServer
from tests.tls import Authority, door
from workers.jobs import REFUSED

__all__ = ["sentinels"]


@pytest.fixture
def redis(clinic: Clinic, own_redis: RedisServer) -> RedisServer:
    """As `countersign up` starts it."""
    own_redis.start()
    clinic.environment["REDIS_URL"] = own_redis.url
    return own_redis


def test_the_embedded_redis_is_well(clinic: Clinic, redis: RedisServer) -> None:
    findings = clinic.look("Redis")

    assert unwell(findings) == []
    assert the(findings, "version").sentence.startswith("Valkey 9.")


def test_no_redis_at_all_is_a_warning_for_everything_goes_on(clinic: Clinic) -> None:
    findings = clinic.look("Redis")

    assert unwell(findings) == [("warning", "reachable")]
    assert "There is no Redis" in the(findings, "reachable").sentence


def test_one_that_is_named_and_does_not_answer_is_an_error(clinic: Clinic) -> None:
    clinic.environment["REDIS_URL"] = f"redis://:canary@127.0.0.1:{free_port()}/0"

    findings = clinic.look("Redis")

    assert unwell(findings) == [("error", "reachable")]
    assert "canary" not in the(findings, "reachable").sentence


def test_an_address_that_cannot_be_read_is_found(clinic: Clinic) -> None:
    clinic.environment["REDIS_URL"] = "localhost:6379"

    assert unwell(clinic.look("Redis")) == [("error", "address")]


def test_a_redis_that_throws_timers_away_is_found(clinic: Clinic, redis: RedisServer) -> None:
    redis.client.config_set("maxmemory-policy", "allkeys-lru")

    findings = clinic.look("Redis")

    assert unwell(findings) == [("error", "eviction")]
    assert "allkeys-lru" in the(findings, "eviction").sentence
    assert "noeviction" in the(findings, "eviction").cure


@pytest.mark.parametrize(
    ("kind", "cure"),
    [
        ("full", "Raise `maxmemory`"),
        ("too few replicas", "`min-replicas-to-write`"),
        ("disk", "INFO persistence"),
        ("no sorted sets", "ACL SETUSER"),
        ("no jobs", "ACL SETUSER"),
    ],
)
def test_a_redis_that_answers_and_takes_no_writes_is_found_with_its_cure(
    clinic: Clinic, redis: RedisServer, kind: str, cure: str
) -> None:
    REFUSALS[kind].begin(redis)

    findings = clinic.look("Redis")

    assert unwell(findings) == [("error", "writes")]
    assert REFUSALS[kind].why in the(findings, "writes").sentence
    assert cure in the(findings, "writes").cure


def test_a_replica_is_said_once(clinic: Clinic, redis: RedisServer) -> None:
    REFUSALS["replica"].begin(redis)

    assert [one for one in unwell(clinic.look("Redis")) if one[0] == "error"] == [("error", "role")]


def test_a_user_that_may_not_read_is_found(clinic: Clinic, redis: RedisServer) -> None:
    redis.client.execute_command("ACL", "SETUSER", "default", "-time")

    assert unwell(clinic.look("Redis")) == [("error", "commands")]


def test_a_redis_that_writes_nothing_down_is_found(clinic: Clinic, redis: RedisServer) -> None:
    redis.client.config_set("appendonly", "no")

    findings = clinic.look("Redis")

    assert unwell(findings) == [("warning", "persistence")]
    assert "appendonly yes" in the(findings, "persistence").cure


@pytest.mark.parametrize("password", ["", "canary"])
def test_a_port_without_a_password_is_found(clinic: Clinic, redis: RedisServer, password: str) -> None:
    port = free_port()
    redis.client.config_set("requirepass", password)
    if password:
        redis.client.auth(password)
    redis.client.config_set("bind", "127.0.0.1")
    redis.client.config_set("port", port)
    clinic.environment["REDIS_URL"] = f"redis://:{password}@127.0.0.1:{port}/0"

    findings = clinic.look("Redis")

    assert unwell(findings) == ([] if password else [("warning", "password")])
    assert not any("canary" in finding.sentence + finding.cure for finding in findings)


def test_a_user_that_may_not_ask_is_found(clinic: Clinic, redis: RedisServer) -> None:
    redis.client.acl_setuser("default", categories=["-@dangerous"], enabled=True)

    findings = clinic.look("Redis")

    assert unwell(findings) == [("error", "reachable")]
    assert "INFO" in the(findings, "reachable").cure


def test_refused_jobs_are_found(clinic: Clinic, redis: RedisServer) -> None:
    redis.client.set(REFUSED, 3)

    findings = clinic.look("Redis")

    assert unwell(findings) == [("warning", "jobs")]
    assert "COUNTERSIGN_JOB_KEY" in the(findings, "jobs").cure


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (3, "warning"), (-40, "error")])
def test_a_clock_that_differs_from_that_of_redis_is_found(
    clinic: Clinic, redis: RedisServer, ahead: float, level: str
) -> None:
    clinic.set_clock_ahead(ahead)

    assert the(clinic.look("Redis"), "clock").level == level


def test_a_certificate_that_is_not_trusted_is_found(clinic: Clinic, redis: RedisServer, tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    with door(ours.server("localhost"), Path(redis.url.removeprefix("unix://"))) as port:
        address = f"rediss://:canary@localhost:{port}/0?ssl_ca_certs="
        clinic.environment["REDIS_URL"] = f"{address}{ours.certificate}"
        assert the(clinic.look("Redis"), "tls").level == "ok"

        clinic.environment["REDIS_URL"] = f"{address}{other.certificate}"
        findings = clinic.look("Redis")
        assert unwell(findings) == [("error", "reachable")]
        assert "its certificate is not trusted: " in the(findings, "reachable").sentence
        assert "ssl_ca_certs" in the(findings, "reachable").cure

        clinic.environment["REDIS_URL"] = f"{address}{other.certificate}&ssl_cert_reqs=none"
        assert ("warning", "tls") in unwell(clinic.look("Redis"))


def test_a_sentinel_that_is_down_is_found_while_another_knows_the_primary(clinic: Clinic, sentinels: Sentinels) -> None:
    clinic.environment["REDIS_URL"] = sentinels.url

    findings = clinic.look("Redis")

    assert ("warning", "sentinels") in unwell(findings)
    assert "1 of 2 can move mymaster: 127.0.0.1:" in the(findings, "sentinels").sentence
    assert the(findings, "reachable").level == the(findings, "role").level == the(findings, "password").level == "ok"
    told = "".join(finding.sentence + finding.cure for finding in findings)
    assert PASSWORD not in told
    assert SENTINEL_PASSWORD not in told
