"""The addresses of a service: host names from its setting, looked up again and again."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

from shared.observability.log import logger

LOOK_UP_SECONDS = 2.0
MOST_ADDRESSES = 64  # of one service

log = logger(__name__)
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Address:
    host: str  # an IP address
    port: int
    name: str  # the host name in the setting; the server's certificate must be valid for it
    secure: bool = False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host name and port of a URL in the setting."""

    name: str
    port: int
    secure: bool

    @classmethod
    def of(cls, url: SplitResult) -> "Origin":
        secure = url.scheme == "https"
        return cls(url.hostname or "", url.port or (443 if secure else 80), secure)

    @property
    def is_literal(self) -> bool:
        """Whether the name is an IP address."""
        try:
            ipaddress.ip_address(self.name)
        except ValueError:
            return False
        return True


async def resolve_by_system(name: str, port: int) -> list[str]:
    """All A and AAAA records, by the system's resolver. Raises OSError."""
    records = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in records]


class Addresses:
    """Looks up a service's host names. While a name cannot be looked up, its last addresses stay in use."""

    def __init__(self, urls: Sequence[SplitResult], resolve: Resolver = resolve_by_system) -> None:
        self._origins = [Origin.of(url) for url in urls]
        self._resolve = resolve
        self._last_hosts: dict[Origin, list[str]] = {}

    @property
    def fixed(self) -> bool:
        """Whether all names are IP addresses, so that nothing is ever looked up."""
        return all(origin.is_literal for origin in self._origins)

    @property
    def secure(self) -> bool:
        """Whether any address is spoken to over TLS."""
        return any(origin.secure for origin in self._origins)

    @property
    def host_header(self) -> str:
        """The Host header of requests that the gateway makes for itself."""
        origin = self._origins[0]
        return f"[{origin.name}]:{origin.port}" if ":" in origin.name else f"{origin.name}:{origin.port}"

    async def look_up(self) -> list[Address]:
        """All addresses, each once, at most MOST_ADDRESSES."""
        hosts = await asyncio.gather(*(self._hosts(origin) for origin in self._origins))
        addresses = {
            Address(host, origin.port, origin.name, origin.secure): None
            for origin, of_origin in zip(self._origins, hosts, strict=True)
            for host in of_origin
        }
        return list(addresses)[:MOST_ADDRESSES]

    async def _hosts(self, origin: Origin) -> Sequence[str]:
        if origin.is_literal:
            return [origin.name]
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                self._last_hosts[origin] = sorted(set(await self._resolve(origin.name, origin.port)))
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            log.warning("name_not_resolved", name=origin.name, error=type(error).__name__)
        return self._last_hosts.get(origin, [])
