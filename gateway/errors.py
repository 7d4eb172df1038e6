"""The errors the gateway itself answers with."""

import math
from typing import ClassVar

from shared.errors import Forbidden, ProblemError, Texts, TooMany, Unavailable


class BadPath(ProblemError):
    status_code = 400
    code = "bad_path"
    title: ClassVar[Texts] = {"da": "Ugyldig sti", "en": "Invalid path"}
    detail: ClassVar[Texts] = {
        "da": "Stien må ikke indeholde //, punktum-led, omvendt skråstreg eller kodede skilletegn.",
        "en": "The path may not hold //, dot segments, backslashes or encoded separators.",
    }


class BadRequest(ProblemError):
    status_code = 400
    code = "bad_request"
    title: ClassVar[Texts] = {"da": "Ugyldigt kald", "en": "Bad request"}
    detail: ClassVar[Texts] = {
        "da": "Kaldets headere modsiger hinanden eller kan ikke tolkes.",
        "en": "The headers of the call contradict each other or make no sense.",
    }


class MethodNotAllowed(ProblemError):
    status_code = 405
    code = "method_not_allowed"
    title: ClassVar[Texts] = {"da": "Metoden findes ikke her", "en": "Method not allowed"}
    detail: ClassVar[Texts] = {"da": "Se Allow for de mulige metoder.", "en": "See Allow for the possible methods."}


class SlowBody(ProblemError):
    status_code = 408
    code = "slow_body"
    title: ClassVar[Texts] = {"da": "For langsomt", "en": "Too slow"}
    detail: ClassVar[Texts] = {
        "da": "Indholdet kom ikke frem i tide. Prøv igen.",
        "en": "The body did not arrive in time. Try again.",
    }


class AddressTooLong(ProblemError):
    status_code = 414
    code = "address_too_long"
    title: ClassVar[Texts] = {"da": "Adressen er for lang", "en": "Address too long"}
    detail: ClassVar[Texts] = {"da": "Brug en kortere adresse.", "en": "Use a shorter address."}


class HeadersTooLarge(ProblemError):
    status_code = 431
    code = "headers_too_large"
    title: ClassVar[Texts] = {"da": "For store headere", "en": "Headers too large"}
    detail: ClassVar[Texts] = {"da": "Send færre eller kortere headere.", "en": "Send fewer or shorter headers."}


class OriginNotAllowed(Forbidden):
    code = "origin_not_allowed"
    title: ClassVar[Texts] = {"da": "Siden har ikke adgang", "en": "Origin not allowed"}
    detail: ClassVar[Texts] = {
        "da": "Kald fra denne sides adresse er ikke tilladt.",
        "en": "Calls from this page's origin are not allowed.",
    }


class Starting(Unavailable):
    """It is not known yet which keys hold, or which sessions have ended."""

    code = "starting"
    title: ClassVar[Texts] = {"da": "Ved at starte", "en": "Starting"}


class UpstreamUnavailable(Unavailable):
    """`retry_after` where it is known when the service will be tried again (seconds)."""

    code = "service_unavailable"

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__()
        self.headers["Retry-After"] = str(max(1, math.ceil(retry_after)) if retry_after else 2)


class UpstreamBroken(Unavailable):
    status_code = 502
    code = "bad_gateway"
    title: ClassVar[Texts] = {"da": "Ugyldigt svar bagfra", "en": "Bad answer from behind"}
    detail: ClassVar[Texts] = {
        "da": "Tjenesten bagved svarede ikke, som den skulle. Prøv igen om lidt.",
        "en": "The service behind did not answer as it should. Try again in a moment.",
    }


class UpstreamSlow(Unavailable):
    status_code = 504
    code = "gateway_timeout"
    title: ClassVar[Texts] = {"da": "For længe undervejs", "en": "Took too long"}
    detail: ClassVar[Texts] = {
        "da": "Tjenesten bagved svarede ikke i tide. Prøv igen om lidt.",
        "en": "The service behind did not answer in time. Try again in a moment.",
    }


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
