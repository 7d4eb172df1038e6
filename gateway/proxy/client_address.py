"""Where a call comes from, as far as those before the gateway who are trusted can tell."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_REMEMBERED = 10_000


class Clients:
    """The client's address: the peer's, or the last in X-Forwarded-For that is nobody trusted, if the peer is."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(one) for one in trusted)
        self.trusts = lru_cache(MOST_REMEMBERED)(self._look_up)

    def settle(self, scope: Scope) -> None:
        """Put into the scope what a trusted peer says of the client, in place of the peer."""
        client = scope.get("client")
        if not self._trusted or client is None or not self.trusts(client[0]):
            return
        scope["client"] = (self._forwarded(scope, client[0]), 0)
        scheme = _only(scope, b"x-forwarded-proto")
        if scheme in ("http", "https"):
            scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme

    def _forwarded(self, scope: Scope, peer: str) -> str:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        nearest = peer
        for entry in reversed(",".join(lines).split(",")):
            address = parsed(entry)
            if address is None:
                return nearest  # what stands before something unreadable was said by nobody who is trusted
            nearest = str(address)
            if not self.trusts(nearest):
                return nearest
        return nearest

    def _look_up(self, host: str) -> bool:
        address = parsed(host)
        return address is not None and any(address in network for network in self._trusted)


def _only(scope: Scope, name: bytes) -> str:
    values = [value for given, value in scope["headers"] if given == name]
    return values[0].decode("latin-1").strip().lower() if len(values) == 1 else ""


def parsed(text: str) -> Address | None:
    """An address as proxies write it: perhaps with a port, in brackets, with a zone."""
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


@lru_cache(MOST_REMEMBERED)
def network_of(host: str) -> str:
    """What one client has for free: an IPv4 address, or the /64 of an IPv6 one."""
    address = parsed(host)
    if address is None:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def client_of(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(client[0]) if client else "unknown"
