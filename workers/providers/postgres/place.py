"""Where a target is, in words for whoever must type there by hand."""

from collections.abc import Mapping

_PORT = "5432"


def place(said: Mapping[str, str]) -> str:
    """`database shop on db.example:5432`. Empty where a `dsn` does not say it, or was not read as it was meant.

    A password with an unescaped @ or / in it is cut in two, of which libpq takes one for the host, port or database:
    what is left of the address then has an @ in it, and none of it is shown.
    """
    database, host, port = said.get("dbname", ""), said.get("host") or said.get("hostaddr", ""), said.get("port", "")
    if not database or "@" in f"{database}{host}{port}":
        return ""
    if not host:
        return f"database {database}"
    ports = port.split(",")
    servers = [f"{name}:{ports[at % len(ports)] or _PORT}" for at, name in enumerate(host.split(","))]
    return f"database {database} on {' or '.join(servers)}"
