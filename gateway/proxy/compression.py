"""Answers made smaller for those who can read them: which, and how they keep their ETag."""

import asyncio
import zlib

from gateway.proxy.headers import VALIDATORS, Headers, Incoming

SMALLEST = 1_024  # bytes: below, the time costs more than the bytes
IN_A_THREAD = 32_768  # from here on others would wait
LEVEL = 5
GZIP = 16 + zlib.MAX_WBITS
TYPES = frozenset(
    {b"application/json", b"application/problem+json", b"text/html", b"text/calendar", b"text/plain", b"text/css"}
    | {b"text/csv", b"text/javascript", b"application/javascript", b"image/svg+xml", b"application/yaml"}
)
SUFFIX = b'-gzip"'


def accepts(incoming: Incoming) -> bool:
    """Whether the client reads gzip (RFC 9110, 12.5.3)."""
    weights: dict[bytes, float] = {}
    for value in incoming.given.get(b"accept-encoding", ()):
        for part in value[:500].lower().split(b","):
            coding, _, parameter = part.partition(b";")
            weights[coding.strip()] = _weight(parameter)
    return weights.get(b"gzip", weights.get(b"x-gzip", weights.get(b"*", 0.0))) > 0.0


def _weight(parameter: bytes) -> float:
    name, _, value = parameter.partition(b"=")
    try:
        return float(value) if name.strip() == b"q" else 1.0
    except ValueError:
        return 0.0


def fits(status: int, headers: Headers, first: int) -> bool:
    """Whether an answer is worth compressing; `first` is the size of what has come of it."""
    found = dict(headers)
    kind = found.get(b"content-type", b"").partition(b";")[0].strip().lower()
    length = found.get(b"content-length")
    return (
        kind in TYPES
        and (int(length) if length is not None else first) >= SMALLEST
        and status not in (204, 206, 304)
        and not found.keys() & {b"content-encoding", b"content-range", b"set-cookie"}
        and b"no-transform" not in found.get(b"cache-control", b"")
    )


def varied(headers: Headers) -> Headers:
    """With a Vary that tells caches of the two forms."""
    return [*headers, (b"vary", b"Accept-Encoding")]


def encoded(headers: Headers, length: int | None = None) -> Headers:
    """The headers of the compressed form. It is another representation, so a strong ETag gets another value."""
    changed = [(name, _marked(value) if name == b"etag" else value) for name, value in headers]
    kept = [(name, value) for name, value in changed if name not in (b"content-length", b"accept-ranges")]
    kept.append((b"content-encoding", b"gzip"))
    if length is not None:
        kept.append((b"content-length", b"%d" % length))
    return kept


def _marked(etag: bytes) -> bytes:
    return etag[:-1] + SUFFIX if etag.startswith(b'"') and etag.endswith(b'"') else etag


def unmarked(passed: Headers) -> Headers:
    """A call's headers with the ETags in If-Match and If-None-Match as the service gave them out."""
    return [(name, value.replace(SUFFIX, b'"')) if name in VALIDATORS else (name, value) for name, value in passed]


def not_modified(headers: Headers, incoming: Incoming) -> Headers:
    """A 304 names the ETag that the client has."""
    asked = b",".join(value for name, value in incoming.passed if name == b"if-none-match")
    return [(name, _marked(value) if name == b"etag" and _marked(value) in asked else value) for name, value in headers]


class Compressor:
    def __init__(self) -> None:
        self._zlib = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)

    async def whole(self, body: bytes) -> bytes:
        return await self._away(body, zlib.Z_FINISH)

    async def piece(self, piece: bytes) -> bytes:
        """Readable at once: what is streamed is not held back."""
        return await self._away(piece, zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._zlib.flush()

    async def _away(self, data: bytes, mode: int) -> bytes:
        if len(data) < IN_A_THREAD:
            return self._squeeze(data, mode)
        return await asyncio.to_thread(self._squeeze, data, mode)

    def _squeeze(self, data: bytes, mode: int) -> bytes:
        return self._zlib.compress(data) + self._zlib.flush(mode)
