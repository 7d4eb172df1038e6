"""Cross-origin requests (CORS): which pages may call, and the headers that say so."""

from typing import ClassVar

from gateway.proxy.headers import Headers

EXPOSED = b"ETag, Location, Retry-After, X-Request-ID, Content-Language, RateLimit, RateLimit-Policy"


class Cors:
    """Answers to listed origins may carry credentials. With `*` any origin is answered, without credentials."""

    PREFLIGHT: ClassVar[Headers] = [
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
        (
            b"access-control-allow-headers",
            b"Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, "
            b"X-Request-ID, X-Request-Secret, X-CSRF-Token, traceparent",
        ),
        (b"access-control-max-age", b"600"),
    ]

    def __init__(self, origins: list[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origins)

    def allows(self, origin: str) -> bool:
        return self._any or origin in self._origins

    def headers(self, origin: str) -> Headers:
        """The headers of an answer to a page of `origin` (empty if the call named none)."""
        if not self._origins:
            return []
        vary = (b"vary", b"Origin")
        if not origin or not self.allows(origin):
            return [vary]
        allowed = [vary, (b"access-control-expose-headers", EXPOSED)]
        if self._any:
            return [*allowed, (b"access-control-allow-origin", b"*")]
        return [
            *allowed,
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
        ]
