"""What the provider postgres finds when it looks at itself: reachable, rights enough, rights not too many, clocks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, LiteralString

from access.errors import ProviderError
from access.ports import Deadline, Finding, host_time
from workers.providers.postgres import statements
from workers.providers.postgres.check_server import login_triggers, server_findings
from workers.providers.postgres.check_session import session_findings
from workers.providers.postgres.membership_statements import held_itself
from workers.providers.postgres.refusals import Cleared, Objection, gives_to_bot, overprivileged_bot, ungrantable
from workers.providers.postgres.statements import Name, Statement, Value
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_SHARE = 0.6
"""Of the time there is, for the target's own database: another one may say why it lets the bot in no session."""
_SKEW_WARNING = 5.0
_SKEW_ERROR = 60.0


def check(
    connections: "Connections", roles: Mapping[str, Sequence[str]], deadline: Deadline, *, memberships: bool = False
) -> list[Finding]:
    """`roles`: what each role of the policy grants; `memberships`: to people's own logins."""
    try:
        with connections.session(Deadline.after(deadline.left() * _SHARE)) as session:
            found = list((_membership_findings if memberships else _findings)(session, roles))
            return [*found, *session_findings(connections, session, deadline)]
    except ProviderError as error:
        cure = "Look at the `dsn` of this resource, at the server, and at the way between."
        failed = Finding(level="error", subject="connection", sentence=error.sentence, cure=cure)
        return [failed, *_seen_from_beside(connections, deadline)]


def _seen_from_beside(connections: "Connections", deadline: Deadline) -> list[Finding]:
    """Where the target's database lets the bot in no session, another of the server may say why."""
    try:
        with connections.own_session(deadline) as session:
            return list(login_triggers(session))
    except ProviderError:
        return []


def _findings(session: "Session", roles: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    yield Finding(level="ok", subject="connection", sentence="The database server answers.")
    yield _version(session)
    yield from _bot(session)
    for title, granted in roles.items():
        yield from _role(session, title, granted)
    yield from _public(session)
    yield from server_findings(session)
    yield _clock(session)


def _membership_findings(session: "Session", roles: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    yield Finding(level="ok", subject="connection", sentence="The database server answers.")
    yield _version_for_memberships(session)
    ((bot, _, _, signals, standby),) = session.read(statements.BOT)
    if standby:
        yield _standby()
    yield from _check_powers(session)
    yield _signals(session, bot, held=signals)
    for title, granted in roles.items():
        yield from _given(session, bot, title, granted)
    yield from server_findings(session)


def _version_for_memberships(session: "Session") -> Finding:
    major = f"PostgreSQL {session.version // 10000}"
    if session.tells_grantors_apart:
        return Finding(level="ok", subject="version", sentence=f"{major}.")
    return Finding(
        level="warning",
        subject="version",
        sentence=f"{major} lets a session that has said SET ROLE keep the role after its end, and the bot's account "
        "become every role that it may grant.",
        cure="Upgrade the server to PostgreSQL 16 or later.",
    )


def _given(session: "Session", bot: str, title: str, granted: Sequence[str]) -> Iterator[Finding]:
    if objection := ungrantable(session, granted, Cleared()):
        yield _refused(title, objection)
        return
    itself = {role for (role,) in session.read(held_itself(granted))}
    for role in granted:
        if role in itself:
            yield Finding(level="ok", subject=title, sentence=f"The bot may grant {role}.")
            continue
        cure = typed(gives_to_bot(role, bot, apart=session.tells_grantors_apart))
        sentence = (
            f"The bot's account {bot} may grant {role} only through another role, so what it gives is not its own."
        )
        yield Finding(level="error", subject=title, sentence=sentence, cure=f"As a superuser: {cure}")


def _refused(title: str, objection: Objection) -> Finding:
    cure = objection.cure or "Change the role's `grants` or the database."
    return Finding(level="error", subject=title, sentence=objection.told, cure=cure)


def _version(session: "Session") -> Finding:
    try:
        session.refuse_old()
    except ProviderError as error:
        return Finding(level="error", subject="version", sentence=error.sentence, cure="Upgrade the server.")
    return Finding(level="ok", subject="version", sentence=f"PostgreSQL {session.version // 10000}.")


def _bot(session: "Session") -> Iterator[Finding]:
    ((bot, _, createrole, signals, standby),) = session.read(statements.BOT)
    if standby:
        yield _standby()
    yield from _check_powers(session)
    yield _right(createrole, "CREATEROLE", typed(Statement("ALTER ROLE {bot} CREATEROLE", {"bot": Name(bot)})), bot)
    yield _signals(session, bot, held=signals)


def _signals(session: "Session", bot: str, *, held: bool) -> Finding:
    """An account with NOINHERIT would be given it for nothing; before 16 there it is enough to be a member."""
    account: dict[str, Value] = {"bot": Name(bot)}
    cure = Statement("GRANT pg_signal_backend TO {bot}", account)
    if session.tells_grantors_apart:
        cure = Statement("GRANT pg_signal_backend TO {bot} WITH INHERIT TRUE", account)
    return _right(held, "pg_signal_backend", typed(cure), bot)


def _standby() -> Finding:
    sentence = "This server is a standby; nothing can be granted on it."
    return Finding(level="error", subject="standby", sentence=sentence, cure="Let the `dsn` point to the primary.")


def _check_powers(session: "Session") -> Iterator[Finding]:
    if objection := overprivileged_bot(session):
        yield Finding(level="error", subject="superuser", sentence=objection.told, cure=objection.cure)


def _right(held: bool, right: str, cure: str, bot: str) -> Finding:
    if held:
        return Finding(level="ok", subject=right, sentence=f"The bot's account {bot} has {right}.")
    sentence = f"The bot's account {bot} lacks {right}."
    return Finding(level="error", subject=right, sentence=sentence, cure=f"As a superuser: {cure}")


def _role(session: "Session", title: str, granted: Sequence[str]) -> Iterator[Finding]:
    if objection := ungrantable(session, granted, Cleared()):
        yield _refused(title, objection)
        return
    yield Finding(level="ok", subject=title, sentence=f"The bot may grant {', '.join(granted)}.")
    ((connects, readable, database, bot),) = session.read(statements.role_use(granted))
    if not connects:
        yield Finding(
            level="error",
            subject=title,
            sentence=f"No person with {', '.join(granted)} can connect to the database {database}.",
            cure=typed(_lets_connect(database, granted[0])),
        )
    for role in readable:
        yield Finding(
            level="warning",
            subject=title,
            sentence=f"The bot's account {bot} can itself use the rights of {role}.",
            cure=typed(gives_to_bot(role, bot, apart=True)),
        )


def _lets_connect(database: str, role: str) -> Statement:
    return Statement("GRANT CONNECT ON DATABASE {database} TO {role}", {"database": Name(database), "role": Name(role)})


def _public(session: "Session") -> Iterator[Finding]:
    ((connect, temporary),) = session.read(statements.PUBLIC_RIGHTS)
    for right, taken, databases in _of_public(connect, temporary):
        if not databases:
            yield Finding(level="ok", subject=f"public {right}", sentence=f"PUBLIC has no {right} on any database.")
            continue
        names = ", ".join(databases)
        yield Finding(
            level="warning",
            subject=f"public {right}",
            sentence=f"Everybody, so also every temporary login, has {right} on: {names}.",
            cure=typed(*(Statement(taken, {"database": Name(database)}) for database in databases)),
        )


def _of_public(connect: list[str], temporary: list[str]) -> Iterator[tuple[str, LiteralString, list[str]]]:
    yield "CONNECT", "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC", connect
    yield "TEMPORARY", "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC", temporary


def _clock(session: "Session") -> Finding:
    before = host_time()
    ((seconds,),) = session.read(statements.CLOCK)
    after = host_time()
    unsure = (after - before) / 2  # on its way: by so much it may be right
    skew = max(0.0, (abs(datetime.fromtimestamp(seconds, UTC) - (before + unsure)) - unsure).total_seconds())
    level = "error" if skew > _SKEW_ERROR else "warning" if skew > _SKEW_WARNING else "ok"
    cure = "Let both hosts keep time by NTP." if level != "ok" else ""
    sentence = f"The clock of the database server differs from this host's by {skew:.1f} s."
    return Finding(level=level, subject="clock", sentence=sentence, cure=cure)
