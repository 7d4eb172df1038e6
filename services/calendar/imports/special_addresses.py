"""Addresses that are no host's on the public internet, by the registries of IANA.

The list is our own: what `ipaddress` calls global changes with each version of Python.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# IANA IPv4 Special-Purpose Address Registry, last updated 2025-10-09: every entry, those that are reachable too.
SPECIAL_IPV4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
)
# IANA IPv6 Special-Purpose Address Registry, last updated 2025-10-09: those within 2000::/3. Of all else, only NAT64's
# prefix is allowed, for a public IPv4 address. ::ffff:0:0/96 is IPv4.
SPECIAL_IPV6 = (
    "2001::/23",  # with Teredo, benchmarking, AMT, ORCHID and DRIP
    "2001:db8::/32",
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",
    "3fff::/20",
)
OTHER_IPV4 = (
    "168.63.129.16/32",  # Azure's metadata and health service, although its number is public
    "224.0.0.0/4",  # multicast
)
REFUSED_IPV4 = tuple(IPv4Network(network) for network in SPECIAL_IPV4 + OTHER_IPV4)
REFUSED_IPV6 = tuple(IPv6Network(network) for network in SPECIAL_IPV6)
GLOBAL_UNICAST = IPv6Network("2000::/3")  # IANA allocates addresses of hosts from here alone
IPV4_MAPPED = IPv6Network("::ffff:0:0/96")
NAT64 = IPv6Network("64:ff9b::/96")
ISATAP = 0x5EFE  # in the upper half of the interface identifier, whose lower half is an IPv4 address (RFC 5214)
ISATAP_MASK = 0xFDFFFFFF  # without the bit that says whether the IPv4 address is unique


def is_forbidden(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is no public host's, also where IPv6 only wraps such an IPv4 address."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in REFUSED_IPV4)
    number = int(address)
    wrapped = IPv4Address(number & 0xFFFFFFFF)
    if address.scope_id:
        return True
    if address in IPV4_MAPPED or address in NAT64:
        return is_forbidden(wrapped)
    if address not in GLOBAL_UNICAST or any(address in network for network in REFUSED_IPV6):
        return True
    return (number >> 32) & ISATAP_MASK == ISATAP and is_forbidden(wrapped)
