"""Attacks on the entrance that no HTTP client would send: bytes over a connection, straight or through the edge."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

SECONDS = 10.0  # within which each is answered or its connection closed
BODIES = 120
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
OPEN = b"/api/v1/bookings/check-availability"  # needs no token
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
WATCH = b"/ws/loctician/0190a1b2-0000-7000-8000-000000000000"
MASK = b"\x00" * 4
FLOODS = {"pings": b"\x89\xfd" + MASK + b"p" * 125, "parts of a message": b"\x00\x80" + MASK}
FLOOD_BYTES = 40_000_000
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Attack:
    name: str
    request: bytes  # {host} stands for the Host header's value
    statuses: Sequence[int] = (400,)  # of the answers, in their order; empty: any refusal, or none


def _upgrade(name: str, target: bytes, more: bytes = b"", end: bytes = b"") -> Attack:
    return Attack(name, b"GET " + target + b" HTTP/1.1\r\nHost: {host}\r\n" + UPGRADE + more + b"\r\n" + end, ())


GET = b"GET /api/v1/locticians HTTP/1.1\r\n"
HOST = b"Host: {host}\r\n"
LINE_END = b" HTTP/1.1\r\n" + HOST
CLOSE = b"Connection: close\r\n\r\n"
H2C = b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n"
ATTACKS = (
    _upgrade("upgrade with a long query", b"/ws?token=" + b"x" * 9_000),
    _upgrade("upgrade with a header over 8 KB", b"/ws", b"X-Long: " + b"y" * 9_000 + b"\r\n"),
    _upgrade("upgrade with 130 headers", b"/ws", b"".join(b"X-%d: y\r\n" % number for number in range(130))),
    _upgrade("upgrade with a body", b"/ws", b"Content-Length: 5\r\n", b"hello"),
    _upgrade("upgrade with a chunked body", b"/ws", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    Attack(
        "h2c with a body, and a call behind it",
        b"POST " + OPEN + LINE_END + H2C + b"Content-Length: 2\r\n\r\n{}" + GET + HOST + CLOSE,
        (415, 200),
    ),
    Attack("no Host", GET + CLOSE),
    Attack("two Hosts", GET + HOST + HOST + CLOSE),
    Attack("a malformed Host", GET + b"Host: a b/@\r\n" + CLOSE),
    Attack("HTTP/0.9", b"GET /api/v1/locticians HTTP/0.9\r\n" + HOST + CLOSE, ()),
    Attack("HTTP/2.0 in a request line", b"GET /api/v1/locticians HTTP/2.0\r\n" + HOST + CLOSE, ()),
    Attack(
        "upgrade behind a call",
        GET + HOST + b"\r\nGET " + WATCH + LINE_END + UPGRADE + b"\r\n",
        (200, 101),
    ),
    Attack("WebSocket by an absolute target", b"GET http://{host}" + WATCH + LINE_END + UPGRADE + b"\r\n", (101,)),
    Attack("a body without a token", b"POST /api/v1/bookings" + LINE_END + b"Content-Length: 9\r\n\r\n", (401,)),
    Attack("a body over the limit", b"POST " + OPEN + LINE_END + b"Content-Length: 99999999\r\n\r\n", (413,)),
)


async def attack_entrance(url: str, trust: ssl.SSLContext | None = None) -> tuple[int, list[str]]:
    """How many attacks were made, and those that worked. `trust` checks the certificate of an https address."""
    findings = [finding for attack in ATTACKS if (finding := await _try(url, trust, attack))]
    for name, frame in FLOODS.items():
        sent = await _flood(url, trust, frame)
        if sent >= FLOOD_BYTES:
            findings.append(f"{name} without reading: {sent} bytes were taken")
    if not await _served_beside_bodies(url, trust):
        findings.append(f"{BODIES} bodies that never come: other calls are not served")
    return len(ATTACKS) + len(FLOODS) + 1, findings


@asynccontextmanager
async def _connected(url: str, trust: ssl.SSLContext | None) -> AsyncIterator[Ends]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=trust)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _try(url: str, trust: ssl.SSLContext | None, attack: Attack) -> str | None:
    """What is wrong with the answers. A connection that is closed without one is a refusal."""
    statuses: list[int] = []
    async with _connected(url, trust) as (reader, writer):
        writer.write(attack.request.replace(b"{host}", urlsplit(url).netloc.encode()))
        answer, wanted = b"", max(1, len(attack.statuses))
        try:
            async with asyncio.timeout(SECONDS):
                while len(statuses) < wanted and (piece := await reader.read(65_536)):
                    answer += piece
                    statuses = [int(status) for status in STATUS.findall(answer)]
        except ConnectionError:
            pass
        except TimeoutError:
            return f"{attack.name}: {statuses} within {SECONDS:.0f} s, and the connection is open"
    held = statuses == list(attack.statuses) if attack.statuses else all(status >= 400 for status in statuses)
    return None if held else f"{attack.name}: answered {statuses}"


async def _flood(url: str, trust: ssl.SSLContext | None, frame: bytes) -> int:
    """Bytes of frames that were taken from a client that reads nothing."""
    piece, sent = frame * (65_536 // len(frame)), 0
    async with _connected(url, trust) as (reader, writer):
        request = b"GET " + WATCH + b" HTTP/1.1\r\nHost: " + urlsplit(url).netloc.encode() + b"\r\n" + UPGRADE + b"\r\n"
        writer.write(request)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
        try:
            async with asyncio.timeout(SECONDS):
                while sent < FLOOD_BYTES:
                    writer.write(piece)
                    await writer.drain()
                    sent += len(piece)
        except (TimeoutError, ConnectionError):
            pass
    return sent


async def _served_beside_bodies(url: str, trust: ssl.SSLContext | None) -> bool:
    """Whether a call is answered while bodies never come. CALLS_PER_ADDRESS must be above BODIES: all are ours."""
    head = (
        b"POST " + OPEN + LINE_END.replace(b"{host}", urlsplit(url).netloc.encode()) + b"Content-Length: 9999\r\n\r\n"
    )
    async with AsyncExitStack() as stack:
        for _ in range(BODIES):
            _, writer = await stack.enter_async_context(_connected(url, trust))
            writer.write(head)
        return await _try(url, trust, Attack("a call", GET + HOST + CLOSE, (200,))) is None
