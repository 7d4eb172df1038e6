"""Headers of calls and answers: which are forwarded, dropped or added."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

Headers = list[tuple[bytes, bytes]]

# Of one connection, not of the message (RFC 9110, 7.6.1).
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"}
    | {b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info", b"proxy-connection"}
)
FROM_CLIENTS_DROPPED = HOP_BY_HOP | {
    *(b"host", b"expect", b"content-length", b"forwarded", b"via", b"x-request-id", b"x-real-ip", b"x-client-ip"),
    *(b"true-client-ip", b"cf-connecting-ip", b"x-original-url", b"x-original-host", b"x-rewrite-url"),
    *(b"x-http-method-override", b"x-http-method", b"x-method-override"),
    b"accept-encoding",  # only the gateway compresses, so that services have one form of each answer
    b"cookie",  # forwarded as cookies.py says
    b"traceparent",  # forwarded if it is valid
}
# Prefixes of headers that services may take for statements of the gateway about the caller.
DROPPED_PREFIXES = (b"x-user-", b"x-forwarded-", b"x-auth-", b"x-real-", b"proxy-")
MAX_HEADER_BYTES = 32_768

SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
CLOSE = (b"connection", b"close")
CONTENT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
FROM_SERVICES_DROPPED = HOP_BY_HOP | {b"server", b"date", b"x-request-id", b"strict-transport-security"}
FROM_SERVICES_DROPPED |= {name for name, _ in SECURITY}
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


@dataclass(slots=True)
class RequestHeaders:
    """A call's headers, read once: those to forward, and the values of those that the gateway itself uses."""

    forwarded: Headers = field(default_factory=list)
    size: int = 0  # bytes of all names and values
    values: dict[bytes, list[bytes]] = field(default_factory=dict)
    conditional: bool = False  # it has If-Match or If-None-Match

    def single(self, name: bytes) -> str:
        """The value of a header that the gateway uses. Empty if it is absent or occurs more than once."""
        values = self.values.get(name, ())
        return values[0].decode("latin-1") if len(values) == 1 else ""


USED_BY_GATEWAY = frozenset(
    {b"authorization", b"cookie", b"origin", b"accept-language", b"accept-encoding", b"content-length", b"connection"}
    | {b"transfer-encoding", b"x-request-id", b"traceparent", b"access-control-request-method", b"x-forwarded-for"}
    | {b"host"}
)
VALIDATORS = (b"if-match", b"if-none-match")


def _is_forwarded(name: bytes) -> bool:
    return not (name in FROM_CLIENTS_DROPPED or b"_" in name or name.startswith(DROPPED_PREFIXES))


# For frequent headers, decided once: whether it is forwarded, and whether the gateway uses it.
_FREQUENT = (b"accept", b"content-type", b"user-agent", b"idempotency-key", b"x-csrf-token", b"referer", *VALIDATORS)
HANDLING = {
    name: (_is_forwarded(name), name in USED_BY_GATEWAY)
    for name in (*_FREQUENT, *USED_BY_GATEWAY, *FROM_CLIENTS_DROPPED)
}


def read(raw: Headers) -> RequestHeaders:
    """Sorts a call's headers. The names must be in lower case, as ASGI gives them."""
    request = RequestHeaders()
    forwarded, values = request.forwarded, request.values
    size = 0
    for header in raw:
        name, value = header
        size += len(name) + len(value)
        handling = HANDLING.get(name)
        is_forwarded, is_used = (_is_forwarded(name), False) if handling is None else handling
        if is_used:
            values.setdefault(name, []).append(value)
        if is_forwarded:
            forwarded.append(header)
            if name in VALIDATORS:
                request.conditional = True
    request.size = size
    if b"connection" in values:
        named = _named_by_connection(values[b"connection"])
        if named:
            request.forwarded = [(name, value) for name, value in forwarded if name not in named]
    return request


def _named_by_connection(values: list[bytes]) -> frozenset[bytes]:
    """Headers that Connection names are of this connection only (RFC 9110, 7.6.1)."""
    if not values or values == [b"keep-alive"] or values == [b"close"]:
        return frozenset()
    return frozenset(name.strip().lower() for value in values for name in value.split(b","))


def _is_returned(name: bytes) -> bool:
    return not (name in FROM_SERVICES_DROPPED or name.startswith(b"access-control-"))


CONDITIONALLY_RETURNED = frozenset({b"set-cookie", b"content-length", b"cache-control", b"connection"})
_FREQUENT_FROM_SERVICES = (
    *(b"content-type", b"etag", b"location", b"vary", b"retry-after", b"content-language", b"last-modified", b"date"),
    *(b"server", b"content-disposition", b"content-security-policy", b"x-request-id", b"x-frame-options"),
)
RETURNED = {name: _is_returned(name) for name in _FREQUENT_FROM_SERVICES}


def from_service(status: int, headers: Headers, *, cookies: bytes | None) -> Headers:
    """The headers of a service's answer that the client gets. `cookies`: see cookies.settable_by()."""
    kept: Headers = []
    named: frozenset[bytes] = frozenset()
    has_cache_control = False
    for header in headers:
        name = header[0]
        returned = RETURNED.get(name)
        if returned is None:
            if name in CONDITIONALLY_RETURNED:
                if name == b"connection":
                    named |= _named_by_connection([header[1]])
                has_cache_control = has_cache_control or name == b"cache-control"
                returned = _is_returned_with(header, status, cookies=cookies)
            else:
                returned = _is_returned(name)
        if returned:
            kept.append(header)
    if named:
        kept = [(name, value) for name, value in kept if name not in named]
    if not has_cache_control:
        kept.append((b"cache-control", b"no-store"))
    return kept


def _is_returned_with(header: tuple[bytes, bytes], status: int, *, cookies: bytes | None) -> bool:
    name, value = header
    if name == b"set-cookie":
        return cookies is not None and value.startswith(cookies)
    if name == b"content-length":
        return status not in (204, 304)
    return name != b"connection"


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
