"""To whom the bot's secret may go: over loopback and unix sockets to anybody there, else to a proven server alone."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal["scram-sha-256", "password", "md5", "gss", "sspi", "oauth", "none"]
_ORDER = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class Tls(BaseModel):
    """What the connection has to prove, where the usual is not to be had: libpq's own words for both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"
    auth: Annotated[list[Method], Field(min_length=1)] = ["scram-sha-256"]
    """How the server may ask who we are: `none` for a certificate of ours, `password` for the logins of most clouds."""


def is_local(said: Mapping[str, str]) -> bool:
    """Whether each way leads over loopback or a unix socket. `said`: keywords of libpq, those of its defaults too."""
    if said.get("service") and not said.get("host") and not said.get("hostaddr"):
        return False  # the file of services says where it leads
    addresses = said.get("hostaddr", "").split(",")
    hosts = said.get("host", "").split(",")
    count = max(len(addresses), len(hosts))
    pairs = zip(_filled(addresses, count), _filled(hosts, count), strict=True)
    return all(_is_local(address or host) for address, host in pairs)


def refusal(said: Mapping[str, str], tls: Tls | None) -> str | None:
    """Why nothing is opened over such a connection, with the cure; None: it may be."""
    if is_local(said):
        return None
    wanted = tls or Tls()
    if said.get("gssencmode", "disable") != "disable":
        return "The dsn asks for encryption by GSSAPI, which goes around TLS: leave gssencmode out of it."
    mode = sslmode(said, tls)
    if mode not in _ORDER or _ORDER.index(mode) < _ORDER.index(wanted.mode):
        return (
            f"The dsn does not demand sslmode={wanted.mode}, so the bot's password could go to a server that only "
            f"claims to be the target. Add sslmode={wanted.mode} and sslrootcert=… to the dsn, or say otherwise "
            "with tls: {mode: …} in the settings. What is open still ends."
        )
    methods = set(filter(None, said.get("require_auth", "").split(",")))
    if not methods <= set(wanted.auth):
        return (
            f"The dsn says require_auth={said['require_auth']}, where {','.join(wanted.auth)} is demanded. Leave it "
            "out of the dsn, or say otherwise with tls: {auth: […]} in the settings. What is open still ends."
        )
    return None


def sslmode(said: Mapping[str, str], tls: Tls | None) -> str:
    """What holds: the word of the `dsn`, else that of the settings, else libpq's."""
    if mode := said.get("sslmode"):
        return mode
    if tls is not None:
        return tls.mode
    return "verify-full" if said.get("sslrootcert") == "system" else "prefer"


def demanded(said: Mapping[str, str], tls: Tls | None) -> dict[str, str]:
    """What to add to a `dsn` that is not refused, as keywords of libpq."""
    if is_local(said):
        return {}
    methods = said.get("require_auth") or ",".join((tls or Tls()).auth)
    return {"sslmode": sslmode(said, tls), "require_auth": methods, "gssencmode": "disable"}


def _is_local(place: str) -> bool:
    if place in ("", "localhost") or place.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(place).is_loopback
    except ValueError:
        return False


def _filled(places: list[str], count: int) -> list[str]:
    return places if len(places) == count else [""] * count
