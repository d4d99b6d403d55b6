"""May a message go to this address? Addresses that users configure must not lead inside the own network.

A name is resolved once, what it resolves to is checked, and exactly that is connected to: a name server that
answers differently the second time gains nothing. What is meant to be inside is opened by an allow-list.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from leadlane.errors import LeadlaneError
from leadlane.i18n import _

# RFC 6052: the last four bytes are an IPv4 address, which a gateway of the network connects to.
_NAT64 = IPv6Network("64:ff9b::/96")


class ForbiddenAddressError(LeadlaneError):
    """The host is inside the network, and no allow-list opens it."""


def resolve(host: str, port: int, allowed: Sequence[str] = ()) -> str:
    """An address of `host` that may be connected to, as text.

    `allowed` opens host names ("crm.internal") and networks ("10.1.0.0/16"). Raises ForbiddenAddressError
    when there are addresses and none may be used, OSError when there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_family, address in found]
    is_meant = host.lower().rstrip(".") in (one.lower() for one in allowed)
    for address in addresses:
        if is_meant or is_permitted(address, allowed):
            return address
    raise ForbiddenAddressError(
        _("{host} is an address inside the network ({address}).").format(host=host, address=addresses[0]),
        _("If it is meant, add the name or its network to `allow` in outbound.yaml."),
    )


def is_permitted(address: str, allowed: Sequence[str] = ()) -> bool:
    """Whether an IP address is on the public internet, or in one of the `allowed` networks."""
    ip = _target(ip_address(address.partition("%")[0]))
    if any(ip in network for network in map(_network, allowed) if network is not None):
        return True
    is_old_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or is_old_local)


def is_allow_entry(text: str) -> bool:
    """Whether a text can stand in an allow-list: a network, an address or the name of a host."""
    return _network(text) is not None or (bool(text) and not set(text) & set("/:@ "))


def _target(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address that packets end at: some IPv6 addresses are IPv4 addresses in disguise."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or ip


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
