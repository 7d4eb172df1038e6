"""Headers on their way in and out: what is passed on, what is dropped, what the gateway adds."""

from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"}
    | {b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info", b"proxy-connection"}
)
FROM_CLIENTS_DROPPED = HOP_BY_HOP | {
    *(b"host", b"expect", b"content-length", b"forwarded", b"via", b"x-request-id", b"x-real-ip", b"x-client-ip"),
    *(b"true-client-ip", b"cf-connecting-ip", b"x-original-url", b"x-original-host", b"x-rewrite-url"),
    *(b"x-http-method-override", b"x-http-method", b"x-method-override"),
    b"accept-encoding",  # the gateway alone compresses, so that services know one form of each answer
    b"cookie",  # auth alone gets it back
    b"traceparent",  # goes on when it is one
}
IDENTITY = (b"x-user-", b"x-forwarded-", b"x-auth-", b"x-real-", b"proxy-")
MAX_HEADER_BYTES = 32_768

SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
CONTENT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
FROM_SERVICES_DROPPED = HOP_BY_HOP | {b"server", b"date", b"x-request-id", b"strict-transport-security"}
FROM_SERVICES_DROPPED |= {name for name, _ in SECURITY}
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


@dataclass(slots=True)
class Incoming:
    """A request's headers, read once: those to pass on, and those the gateway itself goes by."""

    passed: Headers = field(default_factory=list)
    size: int = 0
    given: dict[bytes, list[bytes]] = field(default_factory=dict)
    conditional: bool = False  # it names an ETag

    def one(self, name: bytes) -> str:
        """The only value of a header the gateway goes by; empty when there is none, or more than one."""
        values = self.given.get(name, ())
        return values[0].decode("latin-1") if len(values) == 1 else ""


GONE_BY = frozenset(
    {b"authorization", b"cookie", b"origin", b"accept-language", b"accept-encoding", b"content-length", b"connection"}
    | {b"transfer-encoding", b"x-request-id", b"traceparent", b"access-control-request-method", b"x-forwarded-for"}
)
VALIDATORS = (b"if-match", b"if-none-match")


def _is_passed(name: bytes) -> bool:
    return not (name in FROM_CLIENTS_DROPPED or b"_" in name or name.startswith(IDENTITY))


# What is done with the usual ones, found once: passed on or not, gone by or not.
_USUAL = (b"accept", b"content-type", b"user-agent", b"idempotency-key", b"x-csrf-token", b"referer", *VALIDATORS)
FATES = {name: (_is_passed(name), name in GONE_BY) for name in (*_USUAL, *GONE_BY, *FROM_CLIENTS_DROPPED)}


def read(raw: Headers) -> Incoming:
    incoming = Incoming()
    passed, given = incoming.passed, incoming.given
    size = 0
    for header in raw:
        name, value = header
        size += len(name) + len(value)
        fate = FATES.get(name)
        passes, gone_by = (_is_passed(name), False) if fate is None else fate
        if gone_by:
            given.setdefault(name, []).append(value)
        if passes:
            passed.append(header)
            if name in VALIDATORS:
                incoming.conditional = True
    incoming.size = size
    if b"connection" in given:
        named = _named_by_connection(given[b"connection"])
        if named:
            incoming.passed = [(name, value) for name, value in passed if name not in named]
    return incoming


def _named_by_connection(values: list[bytes]) -> frozenset[bytes]:
    if not values or values == [b"keep-alive"] or values == [b"close"]:
        return frozenset()
    return frozenset(name.strip().lower() for value in values for name in value.split(b","))


def _comes_back(name: bytes) -> bool:
    return not (name in FROM_SERVICES_DROPPED or name.startswith(b"access-control-"))


KEPT_BACK = frozenset({b"set-cookie", b"content-length", b"cache-control", b"connection"})  # these need a look
_FROM_SERVICES_USUAL = (
    *(b"content-type", b"etag", b"location", b"vary", b"retry-after", b"content-language", b"last-modified", b"date"),
    *(b"server", b"content-disposition", b"content-security-policy", b"x-request-id", b"x-frame-options"),
)
COMES_BACK = {name: _comes_back(name) for name in _FROM_SERVICES_USUAL}


def from_service(status: int, headers: Headers, *, cookies: bool) -> Headers:
    """What of a service's headers goes to the client; `cookies` from the one that may set them."""
    kept: Headers = []
    named: frozenset[bytes] = frozenset()
    cached = False
    for header in headers:
        name = header[0]
        back = COMES_BACK.get(name)
        if back is None:
            if name in KEPT_BACK:
                if name == b"connection":
                    named |= _named_by_connection([header[1]])
                cached = cached or name == b"cache-control"
                back = _is_returned(name, status, cookies=cookies)
            else:
                back = _comes_back(name)
        if back:
            kept.append(header)
    if named:
        kept = [(name, value) for name, value in kept if name not in named]
    if not cached:
        kept.append((b"cache-control", b"no-store"))
    return kept


def _is_returned(name: bytes, status: int, *, cookies: bool) -> bool:
    if name == b"set-cookie":
        return cookies
    if name == b"content-length":
        return status not in (204, 304)
    return name != b"connection"


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Cors:
    """Which pages may call. Answers to listed origins may carry credentials, answers to any origin may not."""

    EXPOSED = b"ETag, Location, Retry-After, X-Request-ID, Content-Language, RateLimit, RateLimit-Policy"

    def __init__(self, origins: list[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origins)

    def allows(self, origin: str) -> bool:
        return self._any or origin in self._origins

    def headers(self, origin: str) -> Headers:
        if not self._origins:
            return []
        vary = (b"vary", b"Origin")
        if not origin or not self.allows(origin):
            return [vary]
        allowed = [vary, (b"access-control-expose-headers", self.EXPOSED)]
        if self._any:
            return [*allowed, (b"access-control-allow-origin", b"*")]
        return [
            *allowed,
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
        ]

    PREFLIGHT: ClassVar[Headers] = [
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
        (
            b"access-control-allow-headers",
            b"Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, "
            b"X-Request-ID, X-CSRF-Token, traceparent",
        ),
        (b"access-control-max-age", b"600"),
    ]
