"""Decides which addresses may be fetched: only those whose name resolves to public IP addresses."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx

from services.calendar.errors import AddressRefused
from services.calendar.imports.special_addresses import is_forbidden

RESOLVE_SECONDS = 5.0
MAX_URL_LENGTH = 2000
WEBCAL = {"webcal", "webcals"}
PORTS = {"http": 80, "https": 443}
OTHER_PORTS = range(1024, 65536)
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


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
