"""What a call is told that is one too many, or that cannot be counted."""

from typing import ClassVar

from shared.errors import Texts, TooMany, Unavailable


class RateLimited(TooMany):
    code = "rate_limited"
    detail: ClassVar[Texts] = {
        "da": "Prøv igen om {seconds} sekunder. Grænsen står i RateLimit-Policy.",
        "en": "Try again in {seconds} seconds. RateLimit-Policy tells the limit.",
    }

    def __init__(self, policy: str, seconds: int) -> None:
        super().__init__(
            headers={"Retry-After": str(seconds)}, extensions={"violated-policies": [policy]}, seconds=seconds
        )


class CannotCount(Unavailable):
    """Guessing at passwords is not let through uncounted."""

    code = "cannot_count"
    detail: ClassVar[Texts] = {
        "da": "Login og nye adgangskoder er ikke mulige lige nu. Prøv igen om lidt.",
        "en": "Signing in and new passwords are not possible right now. Try again in a moment.",
    }
