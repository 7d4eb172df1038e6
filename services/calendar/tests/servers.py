"""A local web server that serves calendars, and an address policy that lets tests reach it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from ssl import SSLContext

from services.calendar.imports.address_check import AddressPolicy
from services.calendar.imports.special_addresses import is_forbidden


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def moved(to: str) -> bytes:
    return answer(status="302 Found", Location=to)


@dataclass
class Web:
    """`replies`: path -> response. `requests`: the heads of the requests so far."""

    port: int = 0
    replies: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    stalls: bool = False
    meanwhile: Callable[[], Awaitable[None]] | None = None  # runs before each response

    def url(self, path: str = "/", host: str = "calendar.example", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            if self.meanwhile:
                await self.meanwhile()
            if self.stalls:
                await reader.read()  # until the client gives up
            writer.write(self.replies.get(head.split()[1], answer(status="404 Not Found")))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def web(tls: SSLContext | None = None) -> AsyncIterator[Web]:
    site = Web()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


def all_but_loopback(address: IPv4Address | IPv6Address) -> bool:
    """The real rule, except that the tests' own server may be reached."""
    return is_forbidden(address) and str(address) != "127.0.0.1"


async def here(host: str, port: int) -> list[str]:
    """Every name resolves to the tests' own server, an IP address to itself."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        return ["127.0.0.1"]


LOCAL = AddressPolicy(plain_http=True, is_forbidden=all_but_loopback, resolve=here)
