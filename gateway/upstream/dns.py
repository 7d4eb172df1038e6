"""Where a service is: the addresses its setting names, its names looked up again and again."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

from shared.observability.log import logger

LOOK_UP_SECONDS = 2.0
AT_MOST = 64  # addresses of one service

log = logger(__name__)
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Address:
    host: str  # an IP address
    port: int
    name: str  # as the setting has it: what a certificate is checked against
    secure: bool = False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    port: int
    secure: bool

    @property
    def is_literal(self) -> bool:
        try:
            ipaddress.ip_address(self.name)
        except ValueError:
            return False
        return True


def _place(url: SplitResult) -> Place:
    secure = url.scheme == "https"
    return Place(url.hostname or "", url.port or (443 if secure else 80), secure)


async def by_dns(name: str, port: int) -> list[str]:
    """Every A and AAAA record, as the system resolves them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Addresses:
    """Keeps a name's last good answer while it cannot be looked up."""

    def __init__(self, urls: Sequence[SplitResult], resolve: Resolve = by_dns) -> None:
        self._places = [_place(url) for url in urls]
        self._resolve = resolve
        self._known: dict[Place, list[str]] = {}

    @property
    def fixed(self) -> bool:
        """Nothing will ever be looked up."""
        return all(place.is_literal for place in self._places)

    @property
    def secure(self) -> bool:
        return any(place.secure for place in self._places)

    @property
    def host(self) -> str:
        """For the Host header of the gateway's own questions."""
        place = self._places[0]
        return f"[{place.name}]:{place.port}" if ":" in place.name else f"{place.name}:{place.port}"

    async def look_up(self) -> list[Address]:
        """Without repetition, at most AT_MOST."""
        hosts = await asyncio.gather(*(self._hosts(place) for place in self._places))
        found = {
            Address(host, place.port, place.name, place.secure): None
            for place, known in zip(self._places, hosts, strict=True)
            for host in known
        }
        return list(found)[:AT_MOST]

    async def _hosts(self, place: Place) -> Sequence[str]:
        if place.is_literal:
            return [place.name]
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                self._known[place] = sorted(set(await self._resolve(place.name, place.port)))
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            log.warning("name_not_resolved", name=place.name, error=type(error).__name__)
        return self._known.get(place, [])
