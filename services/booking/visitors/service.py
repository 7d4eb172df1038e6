"""Who calls without being signed in: the browser, as the holder of times, and the network that it calls from.

The database knows a browser, a network and a mail address only by digests that are keyed with booking's secret.
"""

import ipaddress
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from keys.services import ServiceKeys
from services.booking.sql_calls import Row
from shared.database.session import Database
from shared.http.browsers import Browser, BrowserDep
from shared.http.dependencies import DatabaseDep
from shared.identity.access import Identified
from shared.identity.principals import ANONYMOUS_CLAIMS, Principal

IPV4_PREFIX, IPV6_PREFIX = 24, 48  # what one subscriber, or one office, may have


@dataclass(frozen=True)
class Visit:
    """A call by anybody: who is signed in, if anybody is, from which browser and which address."""

    principal: Principal | None
    browser: Browser
    address: str
    database: Database

    @property
    def caller(self) -> Principal:
        """Who is signed in, or else the browser."""
        return self.principal or Principal(self.holder_id, ANONYMOUS_CLAIMS.role, self.holder_id)

    @property
    def holder_id(self) -> UUID:
        """To whom belongs what is held in this browser before somebody signs in."""
        return UUID(bytes=keyed_digest(self.database, "browser", self.browser.digest)[:16], version=4)

    @property
    def claims(self) -> Row:
        """What the SQL functions need: the browser of who is signed in, or the network of who is not."""
        if self.principal is None:
            return {"network": keyed_digest(self.database, "network", network_of(self.address).encode()).hex()}
        return {} if self.browser.new else {"browser_id": self.holder_id}


def service_keys(database: Database) -> ServiceKeys:
    if database.keys is None:
        raise RuntimeError("this database was opened without the service's secret")
    return database.keys


def keyed_digest(database: Database, kind: str, content: bytes) -> bytes:
    return service_keys(database).sign(f"digest of a {kind}", content)


def network_of(address: str) -> str:
    """The network of an address: /24, or /48 of IPv6. Text that is no address is its own network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    parsed = mapped or parsed
    prefix = IPV4_PREFIX if isinstance(parsed, ipaddress.IPv4Address) else IPV6_PREFIX
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


async def _visit(request: Request, principal: Identified, browser: BrowserDep, database: DatabaseDep) -> Visit:
    """Behind the gateway the address comes from X-Forwarded-For."""
    return Visit(principal, browser, request.client.host if request.client else "unknown", database)


VisitDep = Annotated[Visit, Depends(_visit)]
