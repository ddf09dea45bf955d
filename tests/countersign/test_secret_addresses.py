"""No part of a password in an address is ever shown, however its owner forgot to escape it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis.exceptions import RedisError

from access.errors import AccessError
from access.ports import Deadline, SecretReference
from access.settings import Settings
from access.store import Database
from countersign import schema
from countersign.demo.policy import demo_policy
from countersign.demo.stage import acme
from countersign.init.questions import QUESTIONS
from countersign.logs import AsJson, AsText, Redactor
from tests.countersign.clinic import Clinic
from workers.providers.postgres.session import Connections
from workers.redis_connection import connect, connect_waiting, reason, sentinels_of

PARTS = ("Kanarienvogel", "Wellensittich", "Nymphensittich")
BETWEEN = st.text("@/:#?%& =+'\"\\[];,1a", min_size=1, max_size=4)
PASSWORDS = st.tuples(st.sampled_from(["", "12", "7"]), BETWEEN, BETWEEN).map(
    lambda made: f"{made[0]}{PARTS[0]}{made[1]}{PARTS[1]}{made[2]}{PARTS[2]}" if not made[0] else
    f"{made[0]}{made[1]}{PARTS[0]}{made[2]}{PARTS[1]}"
)  # fmt: skip
STORES = st.sampled_from([
    "postgresql://ann:{}@127.0.0.1:1/shop",
    "postgresql://ann@corp:{}@127.0.0.1:1/shop?sslmode=disable",
    "postgresql://a/b:{}@127.0.0.1:1/shop",
    "postgresql://:{}@127.0.0.1:1/shop",
    "postgresql://ann@127.0.0.1:1/shop?password={}",
    "postgresql://127.0.0.1:1/shop?user=ann&password={}&sslmode=disable",
    "postgresql://ann:x@127.0.0.1:1/shop?options=-c%20mine.secret%3D{}&port=x",
])  # fmt: skip
TARGETS = st.sampled_from([
    "postgresql://ann:{}@127.0.0.1:1/shop",
    "postgresql://127.0.0.1:1/shop?user=ann&password={}",
    "host=127.0.0.1 port=1 user=ann password={} dbname=shop",
    "host=127.0.0.1 port=1 user=ann password='{}' dbname=shop",
])  # fmt: skip
REDISES = st.sampled_from([
    "redis://:{}@127.0.0.1:1/0",
    "redis://ann:{}@127.0.0.1:1/0?socket_timeout=x",
    "rediss://:{}@127.0.0.1:1/0?ssl_ca_certs=/nowhere",
    "redis://127.0.0.1:1/0?password={}",
    "unix://ann:{}@/nowhere/redis.sock?db=0",
    "redis+sentinel://:{}@127.0.0.1:1,127.0.0.1:2/mymaster/0",
    "redis+sentinel://ann:{}@127.0.0.1:1/mymaster",
    "redis+sentinel://127.0.0.1:1/mymaster/0?sentinel_password={}",
])  # fmt: skip
HOSTILE = settings(max_examples=60, deadline=None)


def _shows_nothing(what: object) -> None:
    words = str(what)
    assert [part for part in PARTS if part in words] == [], words


def _sentence(act: Callable[[], object]) -> str:
    """What a person or a log is told when this fails; a mistake of ours would be its own words."""
    try:
        act()
    except AccessError as error:
        return error.sentence
    return ""


@HOSTILE
@given(STORES, PASSWORDS)
@example("postgresql://ann:{}@127.0.0.1:1/shop", "Kanarienvogel@Wellensittich")
@example("postgresql://ann:{}@127.0.0.1:1/shop", "Kanarienvogel@Wellensittich/Nymphensittich")
@example("postgresql://ann:{}@127.0.0.1:1/shop", "1@Wellensittich?Nymphensittich=1")
@example("postgresql://ann@127.0.0.1:1/shop?password={}", "Kanarienvogel&Wellensittich=1")
def test_an_address_of_our_database_is_shown_without_its_password(form: str, password: str) -> None:
    url = form.format(password)
    with suppress(AccessError):
        database = Database(url)
        for shown in (
            database.shown,
            repr(database),
            repr(database.address),
            str(database.engine()),
        ):
            _shows_nothing(shown)
        database.close()
    _shows_nothing(_sentence(lambda: Database(url)))
    for act in (schema.check, schema.migrate):
        _shows_nothing(_sentence(lambda act=act: act(Database(url))))


@HOSTILE
@given(REDISES, PASSWORDS)
@example("redis://:{}@127.0.0.1:1/0", "12?Kanarienvogel=1")
@example("redis+sentinel://ann:{}@127.0.0.1:1/mymaster", "12/Kanarienvogel")
@example("rediss://:{}@127.0.0.1:1/0", "12?ssl_ca_certs=Kanarienvogel&x=1")
def test_an_address_of_redis_is_shown_without_its_password(form: str, password: str) -> None:
    url = form.format(password)
    for way in (connect, connect_waiting):
        _shows_nothing(_sentence(lambda way=way: way(url)))
        with suppress(AccessError):
            client = way(url)
            _shows_nothing(sentinels_of(client))
            if not url.startswith("unix:"):  # its path begins where the password ends
                _shows_nothing(repr(client))
            client.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis://:Kanarienvogel@127.0.0.1:1/0",
        "redis+sentinel://:Kanarienvogel@127.0.0.1:1/mymaster/0",
        "redis://:12/Kanarienvogel@127.0.0.1:1/0",
    ],
)
def test_a_redis_that_does_not_answer_is_told_without_its_password(url: str) -> None:
    with connect(url) as client, pytest.raises(RedisError) as fault:
        client.ping()
    _shows_nothing(reason(fault.value))


@HOSTILE
@given(TARGETS, PASSWORDS)
def test_an_address_of_a_target_is_shown_without_its_password(form: str, password: str) -> None:
    dsn = form.format(password)
    (question,) = [one for one in QUESTIONS if one.key == "dsn"]
    try:
        question.read(dsn, {})
    except ValueError as error:
        _shows_nothing(error)
    with TemporaryDirectory() as directory:
        file = Path(directory, "dsn")
        file.write_text(dsn, encoding="utf-8")
        connections = Connections(SecretReference(file=str(file)), None)
        _shows_nothing(repr(connections))
        with pytest.raises(AccessError) as refused, connections.session(_soon()):
            raise AssertionError("nobody listens there")
    _shows_nothing(refused.value.sentence)


def _soon() -> Deadline:
    return Deadline.after(5)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    return Clinic.make(tmp_path_factory.mktemp("clinic"), demo_policy(acme()))


@settings(HOSTILE, max_examples=20)
@given(STORES, REDISES, PASSWORDS)
@example("postgresql://ann:{}@127.0.0.1:1/shop", "redis://:{}@127.0.0.1:1/0", "12?Kanarienvogel=1")
def test_the_doctor_shows_no_password(clinic: Clinic, store: str, redis: str, password: str) -> None:
    clinic.environment |= {"DATABASE_URL": store.format(password), "REDIS_URL": redis.format(password)}
    for family in ("Database", "Redis"):
        _shows_nothing([(one.sentence, one.cure) for one in clinic.look(family)])


@given(STORES, REDISES, PASSWORDS)
def test_the_settings_of_a_process_show_no_password(store: str, redis: str, password: str) -> None:
    _shows_nothing(repr(Settings.read({"DATABASE_URL": store.format(password), "REDIS_URL": redis.format(password)})))


def _tracebacks(url: str) -> Iterator[logging.LogRecord]:
    """Of what a driver says in its own words."""
    try:
        psycopg.connect(url, connect_timeout=2)
    except psycopg.Error as error:
        given = (type(error), error, error.__traceback__)
        yield logging.LogRecord("door", logging.ERROR, __file__, 1, "failed: %s", (error,), given)


@HOSTILE
@given(st.sampled_from(["DATABASE_URL", "CUSTOMERS_DSN"]), TARGETS, PASSWORDS)
def test_a_log_line_shows_no_part_of_a_password(name: str, form: str, password: str) -> None:
    url = form.format(password)
    redact = Redactor.of({name: url})
    for record in _tracebacks(url):
        for formatter in (AsText(redact), AsJson(redact, "bot")):
            _shows_nothing(formatter.format(record))
