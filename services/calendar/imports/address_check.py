"""Which addresses may be fetched: public ones only, whatever name they hide behind."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from services.calendar.errors import AddressRefused

RESOLVE_SECONDS = 5.0
LONGEST_URL = 2000
PORTS = {"http": 80, "https": 443}
OTHER_PORTS = range(1024, 65536)
NAT64 = IPv6Network("64:ff9b::/96")
REFUSED = [
    ip_network(one)
    for one in (
        "168.63.129.16/32",  # the metadata and health address inside one large cloud, though public by its number
        "192.88.99.0/24",
        "2001::/32",  # tunnels to IPv4 addresses that are not ours to judge
        "2002::/16",
        "64:ff9b:1::/48",
    )
]
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


def is_forbidden(address: Address) -> bool:
    """Private, loopback, link-local, multicast, reserved, unspecified, or a way to write one of those."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None)
        if inner is not None:
            return is_forbidden(inner)
        if address.is_site_local or address.scope_id:
            return True
    own = not address.is_global or address.is_private or address.is_loopback or address.is_link_local
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return own or special or any(address in one for one in REFUSED if one.version == address.version)


async def resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


@dataclass(frozen=True)
class Guard:
    """What may be fetched. Only tests put others in the place of all but `plain_http`."""

    plain_http: bool = False
    is_forbidden: Callable[[Address], bool] = is_forbidden
    resolve: Resolve = resolve
    trusted: ssl.SSLContext | bool = True  # the authorities that certificates are checked with; True: the usual ones

    async def checked(self, url: httpx.URL) -> str:
        """The one IP address to connect to for this URL. Raises AddressRefused when any it resolves to is forbidden."""
        port = self._port(url)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = [ip_address(one) for one in await self.resolve(url.raw_host.decode(), port)]
        except (OSError, TimeoutError, UnicodeError, ValueError) as error:
            raise AddressRefused from error
        if not found or any(self.is_forbidden(one) for one in found):
            raise AddressRefused
        return str(found[0])

    def _port(self, url: httpx.URL) -> int:
        schemes = {"https", "http"} if self.plain_http else {"https"}
        if url.scheme not in schemes or not url.host or url.userinfo or len(str(url)) > LONGEST_URL:
            raise AddressRefused
        port = url.port or PORTS[url.scheme]
        if port != PORTS[url.scheme] and port not in OTHER_PORTS:
            raise AddressRefused
        return port


def parsed(url: str) -> httpx.URL:
    """webcal, which calendars are often shared by, is https under another name. Raises AddressRefused."""
    scheme, separator, rest = url.strip().partition("://")
    try:
        return httpx.URL(f"{'https' if scheme.lower() == 'webcal' else scheme}{separator}{rest}")
    except httpx.InvalidURL as error:
        raise AddressRefused from error
