"""The errors of what anybody may hold or ask for."""

from typing import Any, ClassVar

from shared.errors import Conflict, ProblemError, Texts


class TooManyRequests(ProblemError):
    status_code = 429
    code = "too_many_requests"
    fields: ClassVar[dict[str, Any]] = {"seconds": {"type": "integer", "examples": [900]}}
    title: ClassVar[Texts] = {"da": "For mange reservationer", "en": "Too many times held"}
    detail: ClassVar[Texts] = {
        "da": "Der er reserveret for mange tider herfra eller til den mailadresse. Log ind, eller prøv igen om "
        "{seconds} sekunder.",
        "en": "Too many times were held from here, or for that address. Sign in, or try again in {seconds} seconds.",
    }

    def __init__(self, seconds: int = 900) -> None:
        super().__init__(headers={"Retry-After": str(seconds)}, seconds=seconds)


class AlreadyProlonged(Conflict):
    code = "already_prolonged"
    title: ClassVar[Texts] = {"da": "Allerede forlænget", "en": "Already prolonged"}
    detail: ClassVar[Texts] = {
        "da": "En reservation kan kun forlænges én gang. Book tiden, før den udløber.",
        "en": "A hold can be prolonged only once. Book the time before the hold expires.",
    }
