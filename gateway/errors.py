"""The errors that the gateway itself answers with."""

import math
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from shared.errors import Forbidden, ProblemError, RuleBroken, Texts, Unavailable, negotiate

MAX_ERRORS = 20


class BadPath(ProblemError):
    status_code = 400
    code = "bad_path"
    title: ClassVar[Texts] = {"da": "Ugyldig sti", "en": "Invalid path"}
    detail: ClassVar[Texts] = {
        "da": "Stien må ikke indeholde //, . eller .. som led, omvendt skråstreg eller kodede skilletegn.",
        "en": "The path must not contain //, dot segments, backslashes or encoded separators.",
    }


class BadRequest(ProblemError):
    status_code = 400
    code = "bad_request"
    title: ClassVar[Texts] = {"da": "Ugyldigt kald", "en": "Bad request"}
    detail: ClassVar[Texts] = {
        "da": "Kaldets headere modsiger hinanden eller kan ikke tolkes.",
        "en": "The headers of the request contradict each other or cannot be parsed.",
    }


class BadHost(ProblemError):
    status_code = 400
    code = "bad_host"
    title: ClassVar[Texts] = {"da": "Ugyldig Host", "en": "Invalid host"}
    detail: ClassVar[Texts] = {
        "da": "Kaldet skal have præcis én Host-header med et værtsnavn og eventuelt en port.",
        "en": "The request must have exactly one Host header, with a host name and possibly a port.",
    }


class VersionNotSupported(ProblemError):
    status_code = 505
    code = "version_not_supported"
    title: ClassVar[Texts] = {"da": "Ukendt HTTP-version", "en": "HTTP version not supported"}
    detail: ClassVar[Texts] = {"da": "Brug HTTP/1.1.", "en": "Use HTTP/1.1."}


class NoParameters(RuleBroken):
    """The gateway's own addresses have no query parameters."""

    def __init__(self, query: bytes, accept_language: str) -> None:
        text = {"da": "Kaldet har ikke denne parameter.", "en": "This call does not have this parameter."}
        names = dict.fromkeys(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        detail = text[negotiate(accept_language)]
        errors = [{"pointer": f"/query/{name}", "code": "unknown_parameter", "detail": detail} for name in names]
        super().__init__(extensions={"errors": errors[:MAX_ERRORS]})


class MethodNotAllowed(ProblemError):
    status_code = 405
    code = "method_not_allowed"
    title: ClassVar[Texts] = {"da": "Metoden kan ikke bruges her", "en": "Method not allowed"}
    detail: ClassVar[Texts] = {
        "da": "Headeren Allow viser de mulige metoder.",
        "en": "The Allow header lists the possible methods.",
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
    title: ClassVar[Texts] = {"da": "For store headere", "en": "Headers too large"}
    detail: ClassVar[Texts] = {"da": "Send færre eller kortere headere.", "en": "Send fewer or shorter headers."}


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
    title: ClassVar[Texts] = {"da": "For mange kald", "en": "Too many requests"}
    detail: ClassVar[Texts] = {
        "da": "Prøv igen om {retry_after} sekunder. Grænsen står i headeren RateLimit-Policy.",
        "en": "Try again in {retry_after} seconds. The RateLimit-Policy header states the limit.",
    }

    def __init__(self, policy: str, seconds: int) -> None:
        super().__init__(
            headers={"Retry-After": str(seconds)}, extensions={"violated-policies": [policy]}, retry_after=seconds
        )


class TooManyAtOnce(ProblemError):
    status_code = 429
    code = "too_many_at_once"
    title: ClassVar[Texts] = {"da": "For mange kald på én gang", "en": "Too many requests at once"}
    detail: ClassVar[Texts] = {
        "da": "Vent på svar på de kald, der er i gang, og prøv så igen.",
        "en": "Wait for the answers to your other requests, then try again.",
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
