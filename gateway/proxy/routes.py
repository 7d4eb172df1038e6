"""Which service answers which path, how long it may take, and whether its answer is compressed."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """Times in seconds. None: the setting UPSTREAM_CONNECT_SECONDS or UPSTREAM_IDLE_SECONDS."""

    path: str
    service: str
    first_byte: float = 15.0  # from the end of the request's body to the answer's headers
    total: float = 120.0  # to the end of the answer
    connect: float | None = None
    idle: float | None = None  # between two pieces of the answer
    max_body: int = 1_048_576  # bytes
    compressed: bool = True  # False if an answer holds a secret, which its compressed length can reveal (BREACH)


# A path with {braces} must match whole, and is tried before the prefixes. A prefix also matches all paths below it.
ROUTES = (
    Route("/api/v1/users/{id}/export-data", "gdpr", first_byte=30.0, total=300.0),
    Route("/api/v1/users/{id}/anonymize", "gdpr"),
    Route("/api/v1/users/{id}/erasure", "gdpr"),
    Route("/api/v1/calendar/{id}/imports", "calendar", first_byte=35.0, max_body=5 * 1_048_576 + 65_536),
    Route("/api/v1/calendar/{id}/feed", "calendar", compressed=False),
    Route("/.well-known", "auth"),
    Route("/account", "auth", compressed=False),
    Route("/sign-in", "auth", compressed=False),
    Route("/api/v1/auth", "auth", compressed=False),
    Route("/api/v1/users", "auth"),
    Route("/api/v1/services", "booking", first_byte=10.0),
    Route("/api/v1/locticians", "booking", first_byte=10.0),
    Route("/api/v1/slots", "booking", first_byte=10.0),
    Route("/api/v1/salon", "booking"),
    Route("/api/v1/bookings", "booking"),
    Route("/api/v1/waitlist", "booking"),
    Route("/api/v1/media", "booking", first_byte=45.0, max_body=8 * 1_048_576),
    Route("/bookings", "booking", compressed=False),
    Route("/offers", "booking", compressed=False),
    Route("/api/v1/calendar", "calendar"),
    Route("/api/v1/notifications", "notifications"),
    Route("/api/v1/gdpr", "gdpr"),
    Route("/api/v1/audit", "gdpr"),
)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace(".", r"\.")))


# Calls that need no access token: with a stale one they are answered as without. tests/guards holds the list complete.
PUBLIC = {
    "GET": (
        *("/.well-known/{name}", "/account/{page}", "/sign-in/{token}", "/api/v1/auth/jwks", "/api/v1/auth/session"),
        *("/api/v1/services", "/api/v1/services/{id}", "/api/v1/locticians", "/api/v1/locticians/{id}"),
        *(
            "/api/v1/slots",
            "/api/v1/slots/days",
            "/api/v1/salon",
            "/api/v1/media/{id}/{size}",
            "/api/v1/bookings/rules",
            "/api/v1/calendar/holidays",
            "/api/v1/calendar/feeds/{token}",
        ),
        *("/api/v1/notifications/unsubscribe/{topic}/{token}", "/bookings/{id}", "/offers/{token}"),
        "/api/v1/bookings/requests/{id}",
    ),
    "POST": (
        *("/bookings/{id}/cancel", "/bookings/{id}/move", "/offers/{token}", "/offers/{token}/decline"),
        *(
            "/api/v1/auth/register",
            "/api/v1/auth/resend-verification",
            "/api/v1/auth/verify-email",
            "/api/v1/auth/confirm-email",
            "/api/v1/auth/login-link",
            "/api/v1/auth/login-code",
            "/sign-in/{token}",
        ),
        *("/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/forgot-password", "/api/v1/auth/reset-password"),
        *("/api/v1/auth/passkeys/login-options", "/api/v1/auth/passkeys/login"),
        "/api/v1/auth/logout",  # takes the refresh token too
        *("/api/v1/bookings/check-availability", "/api/v1/bookings/holds", "/api/v1/bookings/holds/{id}/prolong"),
        *("/api/v1/bookings/requests", "/api/v1/waitlist/requests"),
        "/api/v1/notifications/unsubscribe/{topic}/{token}",
    ),
    "DELETE": ("/api/v1/bookings/holds/{id}",),
}

PREFIXES = {route.path: route for route in ROUTES if "{" not in route.path}
_PATTERNS = tuple((_pattern(route.path), route) for route in ROUTES if "{" in route.path)
_PUBLIC = {method: tuple(_pattern(path) for path in paths) for method, paths in PUBLIC.items()}
_BEFORE_BRACES = tuple({route.path.partition("{")[0] for _, route in _PATTERNS})


def needs_no_token(method: str, path: str) -> bool:
    patterns = _PUBLIC.get("GET" if method == "HEAD" else method, ())
    return any(pattern.fullmatch(path) for pattern in patterns)


def find(path: str) -> Route | None:
    """The route of a path that `paths.is_plain` accepts. None if no service has it."""
    if path.startswith(_BEFORE_BRACES):
        for pattern, route in _PATTERNS:
            if pattern.fullmatch(path):
                return route
    depth = 4 if path.startswith("/api/") else 2
    return PREFIXES.get("/".join(path.split("/", depth)[:depth]))
