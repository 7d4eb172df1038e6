"""The address of the client, also behind trusted proxies."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
CACHE_SIZE = 10_000


class TrustedProxies:
    """Proxies whose X-Forwarded-For and X-Forwarded-Proto count.

    The client is the peer. If the peer is a trusted proxy, it is the last address in X-Forwarded-For that is not one.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(network) for network in networks)
        self.trusts = lru_cache(CACHE_SIZE)(self._trusts)

    def resolve(self, scope: Scope) -> None:
        """Replaces the peer in the scope by the client, and the scheme by the client's."""
        client = scope.get("client")
        if not self._networks or client is None or not self.trusts(client[0]):
            return
        scope["client"] = (self._forwarded_for(scope, client[0]), 0)
        scheme = _single(scope, b"x-forwarded-proto")
        if scheme in ("http", "https"):
            scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme

    def _forwarded_for(self, scope: Scope, peer: str) -> str:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        nearest = peer
        for entry in reversed(",".join(lines).split(",")):
            address = parse_address(entry)
            if address is None:
                return nearest  # entries before an unreadable one were not written by a trusted proxy
            nearest = str(address)
            if not self.trusts(nearest):
                return nearest
        return nearest

    def _trusts(self, host: str) -> bool:
        address = parse_address(host)
        return address is not None and any(address in network for network in self._networks)


def _single(scope: Scope, name: bytes) -> str:
    values = [value for header, value in scope["headers"] if header == name]
    return values[0].decode("latin-1").strip().lower() if len(values) == 1 else ""


def parse_address(text: str) -> Address | None:
    """An address as proxies write it: also with a port, in brackets, or with a zone. None if it is none."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(CACHE_SIZE)
def network_of(host: str) -> str:
    """What one client usually has for itself: an IPv4 address, or the /64 network of an IPv6 address."""
    address = parse_address(host)
    if address is None:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def client_network(scope: Scope) -> str:
    """The client's network, by which it is counted."""
    client = scope.get("client")
    return network_of(client[0]) if client else "unknown"
