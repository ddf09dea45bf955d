"""How Redis is reached: over TLS, by its sentinels, and what is said when an address cannot be used."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from access.errors import Unready
from tests.redis_sentinels import PASSWORD, SENTINEL_PASSWORD, Sentinels, sentinels
from tests.redis_server import RedisServer
from tests.tls import Authority, door
from workers.redis_connection import connect, connect_waiting, connect_without_password, reason, sentinels_of

__all__ = ["sentinels"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def tls_port(authority: Authority, redis_server: RedisServer) -> Iterator[int]:
    """A Redis behind TLS, which is called localhost."""
    with door(authority.server("localhost"), Path(redis_server.url.removeprefix("unix://"))) as port:
        yield port


def why_not(url: str) -> str:
    with connect(url) as client, pytest.raises(RedisError) as refused:
        client.ping()
    return reason(refused.value)


def test_redis_over_tls_is_reached_with_the_authority_that_the_address_names(
    authority: Authority, tls_port: int
) -> None:
    for connecting in (connect, connect_waiting):
        with connecting(f"rediss://localhost:{tls_port}/0?ssl_ca_certs={authority.certificate}") as client:
            assert client.ping()


def test_a_certificate_of_another_authority_is_not_trusted(tls_port: int, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")

    said = why_not(f"rediss://localhost:{tls_port}/0?ssl_ca_certs={other.certificate}")

    assert said.startswith("its certificate is not trusted: ")
    assert why_not(f"rediss://localhost:{tls_port}/0").startswith("its certificate is not trusted: ")


def test_a_certificate_for_another_host_is_not_trusted(authority: Authority, tls_port: int) -> None:
    said = why_not(f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={authority.certificate}")

    assert "IP address mismatch" in said


def test_a_server_without_tls_is_not_spoken_to(authority: Authority, sentinels: Sentinels) -> None:
    said = why_not(f"rediss://127.0.0.1:{sentinels.primary.port}/0?ssl_ca_certs={authority.certificate}")

    assert said in ("no TLS connection comes about: record layer failure", "it does not answer in time")


def test_the_sentinels_say_where_the_primary_is(sentinels: Sentinels) -> None:
    with connect(sentinels.url) as client:
        client.set("where", "here")
        assert sentinels.primary.client.get("where") == b"here"

        sentinels.wait_until_copied()
        sentinels.fail_over()

        assert client.get("where") == b"here"
        client.set("where", "there")
        assert sentinels.replica.client.get("where") == b"there"
        assert len(sentinels_of(client)) == 2


def test_sentinels_have_a_password_of_their_own(sentinels: Sentinels) -> None:
    url = sentinels.url
    with connect(url) as client:
        assert client.ping()

    assert why_not(url.replace(SENTINEL_PASSWORD, "wrong")) == "no sentinel that answers knows the primary"
    assert why_not(url.replace(f":{PASSWORD}@", ":wrong@")) == "it does not accept the user or the password"
    with connect_without_password(url) as stranger, pytest.raises(RedisError, match="AUTH"):
        stranger.ping()


def test_a_primary_that_no_sentinel_knows_is_said(sentinels: Sentinels) -> None:
    assert why_not(sentinels.url.replace("/mymaster/", "/other/")) == "no sentinel that answers knows the primary"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:6379", "it is no address of a Redis. It looks like redis://"),
        ("redis+sentinel://one:26379,two:26379", "It looks like redis://"),
        ("redis+sentinel://one:two:3/mymaster", "its sentinels are host:port with commas between"),
        ("redis://:canary@host:canary/0", "the port is not a number"),
        ("redis://:canary@host/0?db=canary", "Invalid value for 'db'"),
        ("redis://:canary@host/0?ssl_ca_certs=/ca.pem", "Write rediss:// for TLS."),
        ("rediss://:canary@host/0?ssl_cert_reqs=perhaps", "ssl_cert_reqs is one of required, optional, none"),
        ("rediss://:canary@host/0?ssl_ca_certs=/not/there.pem", "/not/there.pem, which cannot be read: No such file"),
        ("rediss+sentinel://:canary@host/mymaster?ssl_certfile=/not/there.pem", "/not/there.pem, which cannot be read"),
        ("redis+sentinel://:canary@host/mymaster?unknown=canary", "has the option unknown"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_so_and_not_quoted(url: str, said: str) -> None:
    with pytest.raises(Unready) as refused:
        connect(url)

    assert said in refused.value.sentence
    assert "canary" not in refused.value.sentence


def test_a_file_without_a_certificate_is_found_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")

    with pytest.raises(Unready, match="does not hold what it should"):
        connect(f"rediss://host/0?ssl_ca_certs={file}")
