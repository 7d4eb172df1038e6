"""Decides which addresses may be fetched: only those whose name resolves to public IP addresses."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from services.calendar.errors import AddressRefused

RESOLVE_SECONDS = 5.0
MAX_URL_LENGTH = 2000
WEBCAL = {"webcal", "webcals"}
PORTS = {"http": 80, "https": 443}
OTHER_PORTS = range(1024, 65536)
NAT64 = IPv6Network("64:ff9b::/96")
REFUSED_NETWORKS = [
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's metadata and health service, although its number is public
        "192.88.99.0/24",
        "2001::/32",  # tunnels to IPv4 addresses that we cannot check
        "2002::/16",
        "64:ff9b:1::/48",
    )
]
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


def is_forbidden(address: Address) -> bool:
    """Private, loopback, link-local, multicast, reserved or unspecified, also where IPv6 only wraps such an address."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None)
        if wrapped is not None:
            return is_forbidden(wrapped)
        if address.is_site_local or address.scope_id:
            return True
    local = not address.is_global or address.is_private or address.is_loopback or address.is_link_local
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    same_version = [network for network in REFUSED_NETWORKS if network.version == address.version]
    return local or special or any(address in network for network in same_version)


async def resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    results = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(result[4][0]) for result in results]


@dataclass(frozen=True)
class AddressPolicy:
    """What may be fetched. Only tests replace a field other than `plain_http`."""

    plain_http: bool = False
    is_forbidden: Callable[[Address], bool] = is_forbidden
    resolve: Resolve = resolve
    trusted: ssl.SSLContext | bool = True  # certificate authorities to trust; True: the usual ones

    async def resolve_allowed(self, url: httpx.URL) -> str:
        """The IP address to connect to. Raises AddressRefused if the name resolves to any forbidden address."""
        port = self._port(url)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                addresses = [ip_address(text) for text in await self.resolve(url.raw_host.decode(), port)]
        except (OSError, TimeoutError, UnicodeError, ValueError) as error:
            raise AddressRefused from error
        if not addresses or any(self.is_forbidden(address) for address in addresses):
            raise AddressRefused
        return str(addresses[0])

    def _port(self, url: httpx.URL) -> int:
        schemes = {"https", "http"} if self.plain_http else {"https"}
        if url.scheme not in schemes or not url.host or url.userinfo or len(str(url)) > MAX_URL_LENGTH:
            raise AddressRefused
        port = url.port or PORTS[url.scheme]
        if port != PORTS[url.scheme] and port not in OTHER_PORTS:
            raise AddressRefused
        return port


def parse_url(url: str) -> httpx.URL:
    """Reads webcal and webcals, which calendar programs share addresses with, as https. Raises AddressRefused."""
    scheme, separator, rest = url.strip().partition("://")
    try:
        return httpx.URL(f"{'https' if scheme.lower() in WEBCAL else scheme}{separator}{rest}")
    except httpx.InvalidURL as error:
        raise AddressRefused from error
