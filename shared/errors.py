"""The base of all errors that endpoints raise, and their form: problem details (RFC 9457) in Danish and English."""

from typing import Any, ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from shared.observability.context import current

Texts = dict[str, str]
MEDIA_TYPE = "application/problem+json"
LANGUAGES = ("da", "en")


class ProblemError(Exception):
    """Base of the errors that endpoints raise. Keyword values fill the {placeholders} of `detail`."""

    status_code: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Texts] = {"da": "Noget gik galt", "en": "Something went wrong"}
    detail: ClassVar[Texts] = {"da": "Prøv igen om lidt.", "en": "Please try again in a moment."}
    pointer: str | None = None  # to the field at fault, as in "/body/password"

    def __init__(
        self, *, headers: dict[str, str] | None = None, extensions: dict[str, Any] | None = None, **values: object
    ) -> None:
        super().__init__(self.code)
        self.headers = headers or {}
        self.extensions = extensions or {}
        self.values = values


class Unauthorized(ProblemError):
    status_code = 401
    code = "unauthorized"
    title: ClassVar[Texts] = {"da": "Log ind først", "en": "Sign in first"}
    detail: ClassVar[Texts] = {
        "da": "Kaldet kræver et gyldigt adgangstoken i Authorization-headeren.",
        "en": "This call needs a valid access token in the Authorization header.",
    }

    def __init__(self, **values: Any) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"}, **values)


class Forbidden(ProblemError):
    status_code = 403
    code = "forbidden"
    title: ClassVar[Texts] = {"da": "Ikke tilladt", "en": "Not allowed"}
    detail: ClassVar[Texts] = {"da": "Din rolle giver ikke adgang til dette.", "en": "Your role does not allow this."}


class NotFound(ProblemError):
    status_code = 404
    code = "not_found"
    title: ClassVar[Texts] = {"da": "Findes ikke", "en": "Not found"}
    detail: ClassVar[Texts] = {"da": "Det, du søger, findes ikke.", "en": "There is nothing at this address."}


class Conflict(ProblemError):
    status_code = 409
    code = "conflict"
    title: ClassVar[Texts] = {"da": "Konflikt", "en": "Conflict"}
    detail: ClassVar[Texts] = {
        "da": "Kaldet kan ikke udføres i den nuværende tilstand.",
        "en": "The call is not possible in the current state.",
    }


class StaleVersion(ProblemError):
    status_code = 412
    code = "stale_version"
    title: ClassVar[Texts] = {"da": "Ændret i mellemtiden", "en": "Changed in the meantime"}
    detail: ClassVar[Texts] = {
        "da": "Hent den nyeste udgave, og prøv igen med dens ETag i If-Match.",
        "en": "Fetch the newest version and try again with its ETag in If-Match.",
    }


class PreconditionRequired(ProblemError):
    status_code = 428
    code = "precondition_required"
    title: ClassVar[Texts] = {"da": "If-Match mangler", "en": "If-Match missing"}
    detail: ClassVar[Texts] = {
        "da": "Hent den nyeste udgave, og send dens ETag i If-Match.",
        "en": "Fetch the newest version and send its ETag in If-Match.",
    }


class TooLarge(ProblemError):
    status_code = 413
    code = "too_large"
    title: ClassVar[Texts] = {"da": "For stort", "en": "Too large"}
    detail: ClassVar[Texts] = {
        "da": "Indholdet må højst fylde {limit} byte.",
        "en": "The body may be at most {limit} bytes.",
    }


class RuleBroken(ProblemError):
    status_code = 422
    code = "invalid_input"
    title: ClassVar[Texts] = {"da": "Ugyldigt input", "en": "Invalid input"}
    detail: ClassVar[Texts] = {
        "da": "Ret de felter, der står i errors, og prøv igen.",
        "en": "Correct the fields listed in errors and try again.",
    }


class BadCursor(RuleBroken):
    code = "invalid_cursor"
    detail: ClassVar[Texts] = {
        "da": "cursor er ugyldig. Begynd forfra uden cursor.",
        "en": "The cursor is invalid. Start again without it.",
    }


class IdempotencyKeyReused(RuleBroken):
    code = "idempotency_key_reused"
    title: ClassVar[Texts] = {"da": "Nøglen er brugt til noget andet", "en": "The key was used for something else"}
    detail: ClassVar[Texts] = {
        "da": "Samme Idempotency-Key er sendt med et andet indhold. Brug en ny nøgle.",
        "en": "The same Idempotency-Key was sent with another body. Use a new key.",
    }


class Unavailable(ProblemError):
    status_code = 503
    code = "unavailable"
    title: ClassVar[Texts] = {"da": "Ikke klar", "en": "Not available"}
    detail: ClassVar[Texts] = {
        "da": "Tjenesten er ikke klar lige nu. Prøv igen om lidt.",
        "en": "The service is not available right now. Try again in a moment.",
    }

    def __init__(self, **values: Any) -> None:
        super().__init__(headers={"Retry-After": "2"}, **values)


class MethodNotAllowed(ProblemError):
    status_code = 405
    code = "method_not_allowed"
    title: ClassVar[Texts] = {"da": "Metoden findes ikke her", "en": "Method not allowed"}
    detail: ClassVar[Texts] = {"da": "Se Allow for de mulige metoder.", "en": "See Allow for the possible methods."}


class HttpError(ProblemError):
    """An error of the framework itself, with its own status."""

    code = "http_error"
    title: ClassVar[Texts] = {"da": "Kaldet kan ikke behandles", "en": "The call cannot be handled"}
    detail: ClassVar[Texts] = {"da": "Kaldet er ikke gyldigt.", "en": "The call is not valid."}


def negotiate(accept_language: str | None) -> str:
    """The best of LANGUAGES for an Accept-Language header (RFC 9110, 12.5.4); Danish if none matches."""
    best, best_weight = "da", 0.0
    for part in (accept_language or "")[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1) if parameters else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().partition("-")[0]
        if primary in LANGUAGES and weight > best_weight:
            best, best_weight = primary, weight
    return best


def problem_body(
    status: int, code: str, title: str, detail: str, instance: str, request_id: str | None, **extensions: Any
) -> bytes:
    return orjson.dumps(
        {
            "type": f"urn:loctician:problem:{code}",
            "title": title,
            "status": status,
            "code": code,
            "detail": detail,
            "instance": instance,
            "request_id": request_id,
            **extensions,
        }
    )


def body_of(error: ProblemError, accept_language: str | None, instance: str, status: int | None = None) -> bytes:
    language = negotiate(accept_language)
    detail = error.detail[language]
    detail = detail.format(**error.values) if error.values else detail
    errors = {"errors": [{"pointer": error.pointer, "code": error.code, "detail": detail}]} if error.pointer else {}
    return problem_body(
        status or error.status_code,
        error.code,
        error.title[language],
        detail,
        instance,
        current().request_id,
        **errors,
        **error.extensions,
    )


def problem_response(request: Request, error: ProblemError, status: int | None = None) -> Response:
    """The response for an error; `status` only if the framework chose another one than the class."""
    language = request.headers.get("accept-language")
    content = body_of(error, language, request.url.path, status)
    headers = {"Content-Language": negotiate(language), **error.headers}
    return Response(content, status or error.status_code, headers, media_type=MEDIA_TYPE)
