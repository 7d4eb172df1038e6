"""Compresses answers for clients that read gzip, and gives the compressed form an ETag of its own."""

import asyncio
import zlib

from gateway.proxy.headers import VALIDATORS, Headers, RequestHeaders

MIN_BYTES = 1_024  # compressing less costs more time than it saves
THREAD_BYTES = 32_768  # from this size on in a thread, so that other calls do not wait
LEVEL = 5
GZIP = 16 + zlib.MAX_WBITS
TYPES = frozenset(
    {b"application/json", b"application/problem+json", b"text/html", b"text/calendar", b"text/plain", b"text/css"}
    | {b"text/csv", b"text/javascript", b"application/javascript", b"image/svg+xml", b"application/yaml"}
)
SUFFIX = b'-gzip"'


def accepts_gzip(request: RequestHeaders) -> bool:
    """Whether the client reads gzip (RFC 9110, 12.5.3)."""
    weights: dict[bytes, float] = {}
    for value in request.values.get(b"accept-encoding", ()):
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


def is_compressible(status: int, headers: Headers, size: int) -> bool:
    """Whether an answer is worth compressing. `size`: bytes of its body that have arrived."""
    values = dict(headers)
    media_type = values.get(b"content-type", b"").partition(b";")[0].strip().lower()
    length = values.get(b"content-length")
    return (
        media_type in TYPES
        and (int(length) if length is not None else size) >= MIN_BYTES
        and status not in (204, 206, 304)
        and not values.keys() & {b"content-encoding", b"content-range", b"set-cookie"}
        and b"no-transform" not in values.get(b"cache-control", b"")
    )


def vary_by_encoding(headers: Headers) -> Headers:
    """Adds the Vary header that tells caches about the two forms."""
    return [*headers, (b"vary", b"Accept-Encoding")]


def gzip_headers(headers: Headers, length: int | None = None) -> Headers:
    """The headers of the compressed form: another representation, with a strong ETag of its own (RFC 9110, 8.8.3)."""
    changed = [(name, _gzip_etag(value) if name == b"etag" else value) for name, value in headers]
    kept = [(name, value) for name, value in changed if name not in (b"content-length", b"accept-ranges")]
    kept.append((b"content-encoding", b"gzip"))
    if length is not None:
        kept.append((b"content-length", b"%d" % length))
    return kept


def _gzip_etag(etag: bytes) -> bytes:
    return etag[:-1] + SUFFIX if etag.startswith(b'"') and etag.endswith(b'"') else etag


def original_etags(forwarded: Headers) -> Headers:
    """Changes the ETags in If-Match and If-None-Match back to those of the service."""
    return [(name, value.replace(SUFFIX, b'"')) if name in VALIDATORS else (name, value) for name, value in forwarded]


def not_modified_headers(headers: Headers, request: RequestHeaders) -> Headers:
    """The headers of a 304, which names the ETag that the client has."""
    validators = b",".join(value for name, value in request.forwarded if name == b"if-none-match")

    def etag(value: bytes) -> bytes:
        compressed = _gzip_etag(value)
        return compressed if compressed in validators else value

    return [(name, etag(value) if name == b"etag" else value) for name, value in headers]


class Compressor:
    def __init__(self) -> None:
        self._zlib = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)

    async def whole(self, body: bytes) -> bytes:
        """Compresses a complete body."""
        return await self._compress(body, zlib.Z_FINISH)

    async def piece(self, piece: bytes) -> bytes:
        """Compresses one piece of a stream; the client can read it at once."""
        return await self._compress(piece, zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        """The last bytes of a stream."""
        return self._zlib.flush()

    async def _compress(self, data: bytes, mode: int) -> bytes:
        if len(data) < THREAD_BYTES:
            return self._compress_now(data, mode)
        return await asyncio.to_thread(self._compress_now, data, mode)

    def _compress_now(self, data: bytes, mode: int) -> bytes:
        return self._zlib.compress(data) + self._zlib.flush(mode)
