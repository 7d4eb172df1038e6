"""Which service answers which path, and how long it may take to begin its answer (seconds)."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    service: str
    timeout: float = 15.0


# A path with {braces} is matched whole and goes before the prefixes; a prefix also takes everything below it.
ROUTES = (
    Route("/api/v1/users/{id}/export-data", "gdpr", timeout=30.0),
    Route("/api/v1/users/{id}/anonymize", "gdpr"),
    Route("/api/v1/calendar/{id}/imports", "calendar", timeout=35.0),
    Route("/.well-known", "auth"),
    Route("/account", "auth"),
    Route("/api/v1/auth", "auth"),
    Route("/api/v1/users", "auth"),
    Route("/api/v1/services", "booking"),
    Route("/api/v1/locticians", "booking"),
    Route("/api/v1/slots", "booking"),
    Route("/api/v1/bookings", "booking"),
    Route("/api/v1/waitlist", "booking"),
    Route("/api/v1/calendar", "calendar"),
    Route("/api/v1/notifications", "notifications"),
    Route("/api/v1/gdpr", "gdpr"),
    Route("/api/v1/audit", "gdpr"),
)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace(".", r"\.")))


PREFIXES = {route.path: route for route in ROUTES if "{" not in route.path}
_PATTERNS = tuple((_pattern(route.path), route) for route in ROUTES if "{" in route.path)
_GUARDS = tuple({route.path.partition("{")[0] for _, route in _PATTERNS})


def find(path: str) -> Route | None:
    """The route of a path that `paths.refusal` has let through."""
    if path.startswith(_GUARDS):
        for pattern, route in _PATTERNS:
            if pattern.fullmatch(path):
                return route
    depth = 4 if path.startswith("/api/") else 2
    return PREFIXES.get("/".join(path.split("/", depth)[:depth]))
