"""What clients of PostgreSQL read from their environment, beside the connection line that a holder is shown."""

from collections.abc import Mapping

LABELS = {"host": "Host", "port": "Port", "dbname": "Database", "user": "Login"}
"""What a holder is shown of an address, by libpq's keyword."""
_VARIABLES = {
    "host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT", "channel_binding": "PGCHANNELBINDING", "require_auth": "PGREQUIREAUTH",
}  # fmt: skip


def environment(address: Mapping[str, str], *, password: bool) -> dict[str, str]:
    """All that the connection line says, what it demands of the server included: a client that is given only an address
    and a password would tell it to whoever answers there."""
    said = {_VARIABLES[word]: LABELS.get(word, value) for word, value in address.items()}
    return said | ({"PGPASSWORD": "Password"} if password else {})
