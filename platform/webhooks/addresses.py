"""Which network addresses a delivery may go to: the public internet's, and networks that the operator has named.

Whoever registers a webhook chooses where this platform connects to, and stands outside while the platform stands
within. So nothing is told to an address that means another machine inside than outside: loopback, private and
carrier-grade networks, link-local ones (where clouds keep their metadata), multicast, whatever is reserved, and the
forms of IPv6 that carry an IPv4 address (mapped, NAT64, 6to4, Teredo). Names prove nothing: it is the address that is
judged, the very one that is then connected to.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

PORTS = frozenset({443, 8443})
"""Where a public receiver may listen: other ports belong to other protocols."""

# Not `is_global`: Python 3.11 takes NAT64, 6to4 and site-local addresses for public ones.
_REFUSED = tuple(
    map(
        ip_network,
        (
            # IANA IPv4 Special-Purpose Address Registry, multicast and class E.
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # looks public; in Azure it is the host's own service
            # Within 2000::/3, the only global unicast there is: protocol assignments with Teredo and ORCHID,
            # documentation, 6to4.
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")


class AddressPolicy:
    """Judges addresses; of the networks ``allowed`` every address and every port is permitted."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self.allowed = tuple(allowed)

    def permits(self, address: str, port: int) -> bool:
        """Return whether ``address``, an IP address as text, may be connected to on ``port``."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
            return False  # means another machine on every link
        if any(parsed in network for network in self.allowed):
            return True
        return port in PORTS and _is_public(parsed)

    def permits_port(self, port: int) -> bool:
        """Return whether there is any address that may be connected to on ``port``."""
        return port in PORTS or bool(self.allowed)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _REFUSED)
