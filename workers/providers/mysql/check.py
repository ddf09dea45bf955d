"""What the provider mysql finds when it looks at itself: reachable, rights enough, rights not too many, clocks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from access.errors import ProviderError, Transient
from access.ports import Deadline, Finding, host_time
from workers.providers.mysql import catalogue
from workers.providers.mysql.catalogue import PUBLIC, Grants
from workers.providers.mysql.refusals import NEEDED, lacking, overprivileged_bot, ungrantable
from workers.providers.mysql.settings import MARK, OWN_DATABASE, MysqlSettings, Role
from workers.providers.mysql.statements import SCHEDULER, Account, quoted

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.mysql.session import Session

_SKEW_WARNING = 5.0
_SKEW_ERROR = 60.0
_SERVER = "SELECT @@GLOBAL.read_only, @@GLOBAL.have_ssl, CAST(UNIX_TIMESTAMP(SYSDATE(6)) AS CHAR)"
_SCRIPT = "Run the script in docs/providers/mysql.md."
_IN_THE_WAY = "Look at the server for what is in the way; access that is due ends as soon as it is gone."


def check(
    opened: Callable[[Deadline], "AbstractContextManager[Session]"],
    settings: MysqlSettings,
    roles: Mapping[str, Role],
    deadline: Deadline,
) -> list[Finding]:
    try:
        with opened(deadline) as session:
            return list(_findings(session, settings, roles))
    except ProviderError as error:
        cure = "Look at host, port, user and ca of this resource, at the server, and at the way between."
        return [_error("connection", error.sentence, cure)]


def _findings(session: "Session", settings: MysqlSettings, roles: Mapping[str, Role]) -> Iterator[Finding]:
    yield _ok("connection", "The database server answers.")
    try:
        session.refuse_strange()
    except ProviderError as error:
        yield _error("version", error.sentence, "Use MariaDB 10.11 or later.")
        return
    yield _ok("version", f"MariaDB {'.'.join(map(str, session.version))}.")
    yield from _server(session)
    bot = catalogue.bot(session)
    try:
        grants = catalogue.read(session, [bot.user, ""])
    except ProviderError as error:
        cure = _IN_THE_WAY if isinstance(error, Transient) else _SCRIPT
        yield _error("own database", f"The bot cannot read the grant tables: {error.sentence}", cure)
        return
    yield from _bot(grants, bot, settings)
    yield from _nameless(grants)
    yield from _public(grants)
    yield from _events(session, settings)
    for title, role in roles.items():
        yield _role(grants, bot, title, role, settings)
    yield from _prepared(session)


def _server(session: "Session") -> Iterator[Finding]:
    before = host_time()
    ((read_only, tls, seconds),) = session.read(_SERVER)
    after = host_time()
    if str(read_only) not in ("0", "OFF"):
        yield _error("read only", "This server is read-only; nothing can be granted or ended on it.",
                     "Let host and port lead to the primary.")  # fmt: skip
    if str(tls) != "YES":
        yield _error("TLS", "The server has no TLS, without which no temporary login gets in.",
                     "Set ssl_cert and ssl_key on the server.")  # fmt: skip
    else:
        yield _ok("TLS", "The server has TLS, and each temporary login needs it.")
    unsure = (after - before) / 2  # on its way: by so much it may be right
    off = abs(datetime.fromtimestamp(float(seconds), UTC) - (before + unsure)) - unsure
    skew = max(0.0, off.total_seconds())
    level = "error" if skew > _SKEW_ERROR else "warning" if skew > _SKEW_WARNING else "ok"
    cure = "Let both hosts keep time by NTP." if level != "ok" else ""
    sentence = f"The clock of the database server differs from this host's by {skew:.1f} s."
    yield Finding(level=level, subject="clock", sentence=sentence, cure=cure)


def _bot(grants: Grants, bot: Account, settings: MysqlSettings) -> Iterator[Finding]:
    missing = dict(lacking(grants, bot, events=settings.events))
    for subject, objection in missing.items():
        yield _error(subject, objection.told, f"As an administrator: {objection.cure}")
    for privilege in NEEDED:
        if privilege not in missing:
            yield _ok(privilege, f"The bot's account {bot.user} has {privilege}.")
    if "mark" not in missing and not grants.of_role(MARK).is_empty:
        cure = "Take everything from it: as a mark it must have no rights."
        yield _error("mark", f"The role {MARK} has rights, which every temporary login would have.", cure)
    if objection := overprivileged_bot(grants, bot):
        yield _error("too many privileges", objection.told, f"As an administrator: {objection.cure}")
    others = sorted(
        f"{role.account.user}" for role in grants.values()
        if role.is_role and any(one.database == OWN_DATABASE for one in role.rights)
    )  # fmt: skip
    if others:
        cure = "Take it away: what is changed there can mislead the bot."
        yield _error("own database", f"Roles have rights in the database {OWN_DATABASE}: {', '.join(others)}.", cure)


def _public(grants: Grants) -> Iterator[Finding]:
    if words := sorted(word for reached in grants.reached(PUBLIC) for word in grants.of_role(reached).words):
        yield Finding(
            level="warning", subject="public",
            sentence=f"Everyone, so also every temporary login, has: {', '.join(words[:5])}.",
            cure="Take it from PUBLIC where not everyone is to have it.",
        )  # fmt: skip


def _nameless(grants: Grants) -> Iterator[Finding]:
    for account, held in grants.items():
        if not account.user and held.is_there:
            yield _error(
                "accounts without a name",
                f"The server has an account without a name for {account.host}. Each login from there is taken for "
                "it, and a temporary login is then refused.",
                f"As an administrator: DROP USER {quoted(account)};",
            )


def _events(session: "Session", settings: MysqlSettings) -> Iterator[Finding]:
    if not settings.events:
        yield Finding(
            level="warning", subject="own end",
            sentence="The settings say `events: false`, so the server ends no access by itself."
            " That matters when Countersign is down.",
            cure="Switch event_scheduler on at the server and leave `events` out.",
        )  # fmt: skip
        return
    ((state,),) = session.read(SCHEDULER)
    if str(state).upper() in ("ON", "1"):
        yield _ok("own end", "The event scheduler is on: the server ends access by itself when Countersign is down.")
        return
    yield Finding(
        level="warning", subject="own end",
        sentence=f"The event scheduler is {state}, so the server ends no access by itself when Countersign is down.",
        cure="SET GLOBAL event_scheduler = ON, and the same in the server's settings; or say `events: false`.",
    )  # fmt: skip


def _role(grants: Grants, bot: Account, title: str, role: Role, settings: MysqlSettings) -> Finding:
    if objection := ungrantable(grants, bot, role, events=settings.events):
        cure = f"As an administrator: {objection.cure}" if objection.cure else "Change the role in the policy."
        return _error(title, objection.told, cure)
    return _ok(title, f"The bot may grant {', '.join(sorted(role.words)[:5])}.")


def _prepared(session: "Session") -> Iterator[Finding]:
    number = len(session.read("XA RECOVER"))
    if number:
        yield Finding(
            level="warning", subject="prepared transactions",
            sentence=f"Prepared transactions on the server: {number}. One outlives the session that prepared it, and "
            "the server does not say whose it is.",
            cure="Look with XA RECOVER, and end those that no application needs with XA ROLLBACK.",
        )  # fmt: skip


def _ok(subject: str, sentence: str) -> Finding:
    return Finding(level="ok", subject=subject, sentence=sentence)


def _error(subject: str, sentence: str, cure: str) -> Finding:
    return Finding(level="error", subject=subject, sentence=sentence, cure=cure)
