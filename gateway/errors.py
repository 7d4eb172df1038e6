"""The errors that the gateway itself answers with."""

import math
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from shared.errors import Forbidden, ProblemError, RuleBroken, Texts, Unavailable, negotiate

MAX_ERRORS = 20


class BadPath(ProblemError):
    status_code = 400
    code = "bad_path"
    title: ClassVar[Texts] = {"da": "Ugyldig adresse", "en": "Invalid address"}
    detail: ClassVar[Texts] = {
        "da": "Tjek adressen, og prøv igen.",
        "en": "Check the address and try again.",
    }


class BadRequest(ProblemError):
    status_code = 400
    code = "bad_request"
    title: ClassVar[Texts] = {"da": "Det gik ikke", "en": "Bad request"}
    detail: ClassVar[Texts] = {
        "da": "Det, der blev sendt, kan ikke læses. Genindlæs, og prøv igen.",
        "en": "What was sent cannot be read. Reload and try again.",
    }


class BadHost(ProblemError):
    status_code = 400
    code = "bad_host"
    title: ClassVar[Texts] = {"da": "Ukendt vært", "en": "Invalid host"}
    detail: ClassVar[Texts] = {
        "da": "Tjek adressen, og prøv igen.",
        "en": "Check the address and try again.",
    }


class VersionNotSupported(ProblemError):
    status_code = 505
    code = "version_not_supported"
    title: ClassVar[Texts] = {"da": "Programmet er for gammelt", "en": "HTTP version not supported"}
    detail: ClassVar[Texts] = {"da": "Brug en nyere browser.", "en": "Use a newer browser."}


class NoParameters(RuleBroken):
    """The gateway's own addresses have no query parameters."""

    def __init__(self, query: bytes, accept_language: str) -> None:
        text = {"da": "Feltet kendes ikke her.", "en": "This field is not known here."}
        names = dict.fromkeys(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        detail = text[negotiate(accept_language)]
        errors = [{"pointer": f"/query/{name}", "code": "unknown_parameter", "detail": detail} for name in names]
        super().__init__(extensions={"errors": errors[:MAX_ERRORS]})


class MethodNotAllowed(ProblemError):
    status_code = 405
    code = "method_not_allowed"
    title: ClassVar[Texts] = {"da": "Det kan man ikke her", "en": "Method not allowed"}
    detail: ClassVar[Texts] = {
        "da": "Adressen kan ikke bruges på den måde.",
        "en": "The address cannot be used in this way.",
    }


class SlowBody(ProblemError):
    status_code = 408
    code = "slow_body"
    title: ClassVar[Texts] = {"da": "Det tog for lang tid", "en": "Request timeout"}
    detail: ClassVar[Texts] = {
        "da": "Vi fik ikke hele forespørgslen i tide. Prøv igen.",
        "en": "The request body did not arrive in time. Try again.",
    }


class AddressTooLong(ProblemError):
    status_code = 414
    code = "address_too_long"
    title: ClassVar[Texts] = {"da": "Adressen er for lang", "en": "Address too long"}
    detail: ClassVar[Texts] = {"da": "Brug en kortere adresse.", "en": "Use a shorter address."}


class HeadersTooLarge(ProblemError):
    status_code = 431
    code = "headers_too_large"
    title: ClassVar[Texts] = {"da": "Browseren sendte for meget", "en": "The browser sent too much"}
    detail: ClassVar[Texts] = {
        "da": "Slet sidens cookies i browseren, og prøv igen.",
        "en": "Delete the cookies of this site and try again.",
    }


class OriginNotAllowed(Forbidden):
    code = "origin_not_allowed"
    title: ClassVar[Texts] = {"da": "Siden har ikke adgang", "en": "Origin not allowed"}
    detail: ClassVar[Texts] = {
        "da": "Kald fra denne side er ikke tilladt.",
        "en": "Calls from the origin of this page are not allowed.",
    }


class Starting(Unavailable):
    """The gateway has not yet fetched the signing keys or the list of ended sessions."""

    code = "starting"
    title: ClassVar[Texts] = {"da": "Vi er ved at starte op", "en": "Starting"}


class ServiceUnavailable(Unavailable):
    """`retry_after`: seconds until the service is tried again; 0 if unknown."""

    code = "service_unavailable"

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__()
        self.headers["Retry-After"] = str(max(1, math.ceil(retry_after)) if retry_after else 2)


class BadGateway(Unavailable):
    status_code = 502
    code = "bad_gateway"
    title: ClassVar[Texts] = {"da": "Fejl i forbindelsen", "en": "Bad gateway"}
    detail: ClassVar[Texts] = {
        "da": "Vores system svarede ikke, som det skulle. Prøv igen om lidt.",
        "en": "The service did not give a valid answer. Try again in a moment.",
    }


class GatewayTimeout(Unavailable):
    status_code = 504
    code = "gateway_timeout"
    title: ClassVar[Texts] = {"da": "Det tog for lang tid", "en": "Gateway timeout"}
    detail: ClassVar[Texts] = {
        "da": "Vores system svarede ikke i tide. Prøv igen om lidt.",
        "en": "The service did not answer in time. Try again in a moment.",
    }


class RateLimited(ProblemError):
    status_code = 429
    code = "rate_limited"
    fields: ClassVar[dict[str, Any]] = {
        "violated-policies": {"type": "array", "items": {"type": "string"}, "examples": [["user"]]},
        "retry_after": {"type": "integer", "examples": [12]},
    }
    title: ClassVar[Texts] = {"da": "For mange forsøg", "en": "Too many requests"}
    detail: ClassVar[Texts] = {
        "da": "Vent lidt, og prøv igen om {retry_after} sekunder.",
        "en": "Wait a little and try again in {retry_after} seconds.",
    }

    def __init__(self, policy: str, seconds: int) -> None:
        super().__init__(
            headers={"Retry-After": str(seconds)}, extensions={"violated-policies": [policy]}, retry_after=seconds
        )


class TooManyAtOnce(ProblemError):
    status_code = 429
    code = "too_many_at_once"
    title: ClassVar[Texts] = {"da": "For meget på én gang", "en": "Too many requests at once"}
    detail: ClassVar[Texts] = {
        "da": "Vent på det, der er i gang, og prøv så igen.",
        "en": "Wait for what is in progress, then try again.",
    }

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class CannotCount(Unavailable):
    """The database is away. Attempts at passwords are refused while they cannot be counted."""

    code = "cannot_count"
    detail: ClassVar[Texts] = {
        "da": "Du kan ikke logge ind eller skifte adgangskode lige nu. Prøv igen om lidt.",
        "en": "You cannot sign in or set a password right now. Try again in a moment.",
    }
