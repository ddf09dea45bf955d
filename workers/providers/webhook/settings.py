"""What the policy says of an endpoint, and what an endpoint that can do more may be asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from access.ports import Capabilities, Isolation, SecretReference
from workers.providers.webhook.addresses import read_network

Ability = Literal["end_sessions", "expire", "extend", "list", "list_holders", "reveal"]
_ASCII = re.compile(r"[!-~]+")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+")


def _an_address(url: str) -> str:
    if not _ASCII.fullmatch(url):  # urlsplit leaves out some of what it finds in between, a connection would not
        raise ValueError("an address has plain letters and digits only; write a host of other letters as xn--…")
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("the address of an endpoint begins with https:// and a host")
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError("an address has no login, no ? and no # in it: the key alone proves who calls")
    if not _HOST.fullmatch(parts.hostname) or not _PATH.fullmatch(parts.path or "/"):
        raise ValueError("an address has plain letters and digits only; write a host of other letters as xn--…")
    if parts.port == 0:
        raise ValueError("a port is between 1 and 65535")
    return url


def _a_network(written: str) -> str:
    read_network(written)
    return written


class WebhookSettings(BaseModel):
    """Where the endpoint is, what it is to be told apart by, and what it can do beside the usual."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, Field(max_length=500), AfterValidator(_an_address)]
    key: SecretReference
    """`name:secret`, by which calls and answers are signed."""
    networks: list[Annotated[str, AfterValidator(_a_network)]] = []
    """Where its address may lie; empty: anywhere but in private, local and metadata networks."""
    ca: Annotated[str, Field(pattern="^/")] | None = None
    """The file of the authority that vouches for its certificate; None: those that the host trusts."""
    can: list[Ability] = []
    """What the endpoint does beside granting, looking and ending."""

    @model_validator(mode="after")
    def _fits_together(self) -> "WebhookSettings":
        if "extend" in self.can and "expire" not in self.can:
            raise ValueError("`extend` moves an end that the endpoint keeps by itself: it needs `expire` beside it")
        return self


class Role(BaseModel):
    """What a role gives, in words that the endpoint knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grants: Annotated[list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(min_length=1, max_length=100)]


@dataclass(frozen=True, kw_only=True)
class Declared(Capabilities):
    """What an endpoint can do is said in its settings, by `can`."""

    def of(self, settings: Mapping[str, Any]) -> Capabilities:
        can = settings.get("can") or ()
        return replace(
            self,
            ends_sessions="end_sessions" in can,
            native_expiry=timedelta(seconds=1) if "expire" in can else None,
            extend="extend" in can,
            list_managed="list" in can,
            list_holders="list_holders" in can,
            reveals="reveal" in can,
            end_means=_END_MEANS["end_sessions" in can],
        )


_END_MEANS = {
    True: "The target takes the access away and cuts off open sessions.",
    False: "The target takes the access away. A session that is open then may go on.",
}
CAPABILITIES = Declared(
    isolation=Isolation.PER_GRANT,
    end_means=_END_MEANS[False],
    modes={
        "list": Capabilities(isolation=Isolation.PER_GRANT, list_managed=True)
    },  # that there may be a list to look at
)
