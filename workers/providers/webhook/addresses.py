"""Which addresses an endpoint may have: any public one, or those in the networks that the settings name.

The list is our own, after IANA's registries of special-purpose addresses: what Python calls global has changed from one
of its versions to the next, and does not know that a cloud's metadata may have a public address.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(written)
    for written in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure answers there with what a host may know of itself
        # Of IPv6 only 2000::/3 is given out as public, less what carries an IPv4 address within, which may be any.
        "::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip


def read_address(written: str) -> Address | None:
    """None where it is a name. An IPv4 address that is written as one of IPv6 is what it leads to."""
    try:
        address = ip_address(written.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def read_network(written: str) -> Network:
    """Raises ValueError where it is none, or so wide that it names private addresses together with public ones."""
    network = ip_network(written)
    partly = [one for one in _SPECIAL if one.version == network.version and one.overlaps(network)]
    if partly and not any(_within(network, one) for one in partly):
        raise ValueError(f"{written} holds public and private addresses: name the network that the endpoint is in")
    return network


def may_be(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an endpoint may be there. With `networks`, there alone."""
    if networks:
        return any(address in network for network in networks)
    return not any(address in special for special in _SPECIAL)


def _within(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(other, IPv4Network) and network.subnet_of(other)
    return isinstance(other, IPv6Network) and network.subnet_of(other)
