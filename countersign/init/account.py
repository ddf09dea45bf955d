"""The bot's own account on the first target, as statements for psql; docs/providers/postgres.md explains each."""

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from countersign.init.questions import Answers

_BOT = "countersign"
_CONNECTED = sql.SQL(':"DBNAME"')
"""psql's own word for the database that it is connected to."""
# The password is asked by psql, unseen and last: what follows in a paste would be taken for it.
_ACCOUNT = r"""
CREATE ROLE {bot} LOGIN CREATEROLE;
GRANT CONNECT ON DATABASE {database} TO {bot}, {role};
GRANT CONNECT ON DATABASE postgres TO {bot};
GRANT pg_signal_backend TO {bot};
GRANT {role} TO {bot} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
REVOKE CONNECT, TEMPORARY ON DATABASE {databases} FROM PUBLIC;
\password {bot}
"""


def account_statements(answers: Answers) -> str:
    """Without the password, which is in no text that is shown; without a connection string, with the usual names."""
    bot, database = _names(answers["dsn"])
    others = [sql.Identifier(name) for name in ("postgres", "template1")]
    databases = [
        database,
        *(other for other in others if other != database),
    ]  # each once: the server takes no other list
    text = sql.SQL(_ACCOUNT).format(
        bot=bot, database=database, role=sql.Identifier(answers["role"]), databases=sql.SQL(", ").join(databases)
    )
    return text.as_string().strip()


def _names(dsn: str) -> tuple[sql.Composable, sql.Composable]:
    """The account and the database."""
    if not dsn:
        return sql.Identifier(_BOT), _CONNECTED
    address = conninfo_to_dict(dsn)
    user = str(address["user"])
    return sql.Identifier(user), sql.Identifier(str(address.get("dbname") or user))
