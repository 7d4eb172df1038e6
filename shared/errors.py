"""The base of all errors that endpoints raise, and their form: problem details (RFC 9457) in Danish and English."""

from pathlib import Path
from typing import Any, ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from shared.observability.context import current

Texts = dict[str, str]
# Title and detail of the errors below, by their code.
TEXTS: dict[str, dict[str, Texts]] = orjson.loads(Path(__file__).with_suffix(".json").read_bytes())
MEDIA_TYPE = "application/problem+json"
LANGUAGES = ("da", "en")


class ProblemError(Exception):
    """Base of the errors that endpoints raise. Keyword values fill the {placeholders} of `detail`, and are members of
    the document if they are in `fields`."""

    status_code: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Texts] = {"da": "Noget gik galt", "en": "Something went wrong"}
    detail: ClassVar[Texts] = {"da": "Prøv igen om lidt.", "en": "Please try again in a moment."}
    pointer: str | None = None  # to the field at fault, as in "/body/password"
    fields: ClassVar[dict[str, Any]] = {}  # extension members of the problem document: their JSON schemas by name

    def __init_subclass__(cls) -> None:
        for name, texts in TEXTS.get(cls.__dict__.get("code", ""), {}).items():
            if name not in cls.__dict__:
                setattr(cls, name, texts)

    def __init__(
        self, *, headers: dict[str, str] | None = None, extensions: dict[str, Any] | None = None, **values: object
    ) -> None:
        super().__init__(self.code)
        self.headers = headers or {}
        self.extensions = {name: values[name] for name in self.fields if name in values} | (extensions or {})
        self.values = values


class Unauthorized(ProblemError):
    status_code = 401
    code = "unauthorized"

    def __init__(self, **values: Any) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"}, **values)


class Forbidden(ProblemError):
    status_code = 403
    code = "forbidden"


class NotFound(ProblemError):
    status_code = 404
    code = "not_found"


class Conflict(ProblemError):
    status_code = 409
    code = "conflict"


class StaleVersion(ProblemError):
    status_code = 412
    code = "stale_version"


class PreconditionRequired(ProblemError):
    status_code = 428
    code = "precondition_required"


class UnsupportedMediaType(ProblemError):
    status_code = 415
    code = "unsupported_media_type"
    fields: ClassVar[dict[str, Any]] = {"accepted": {"type": "string", "examples": ["application/json"]}}

    def __init__(self, *types: str) -> None:
        super().__init__(headers={"Accept": ", ".join(types)}, accepted=", ".join(types))


class TooLarge(ProblemError):
    status_code = 413
    code = "too_large"
    fields: ClassVar[dict[str, Any]] = {"limit": {"type": "integer", "examples": [1_048_576]}}


class RuleBroken(ProblemError):
    status_code = 422
    code = "invalid_input"


class BadCursor(RuleBroken):
    code = "invalid_cursor"


class IdempotencyKeyReused(RuleBroken):
    code = "idempotency_key_reused"


class Unavailable(ProblemError):
    status_code = 503
    code = "unavailable"

    def __init__(self, **values: Any) -> None:
        super().__init__(headers={"Retry-After": "2"}, **values)


class MethodNotAllowed(ProblemError):
    status_code = 405
    code = "method_not_allowed"


class HttpError(ProblemError):
    """An error of the framework itself, with its own status."""

    code = "http_error"


def negotiate(accept_language: str | None) -> str:
    """The best of LANGUAGES for an Accept-Language header (RFC 9110, 12.5.4); Danish if it prefers neither."""
    weights: dict[str, float] = {}
    for part in (accept_language or "").lower()[:500].split(","):
        tag, _, parameter = part.partition(";")
        name, _, value = parameter.partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if 0 <= weight <= 1:
            primary = tag.strip().partition("-")[0]
            weights[primary] = max(weight, weights.get(primary, 0.0))
    named = [language for language in weights if language in LANGUAGES]
    # A language that is not named is worse than one that is, but better than one with q=0.
    return max([*named, *LANGUAGES], key=lambda language: weights.get(language, weights.get("*", 1e-9)))


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
    headers = {"Content-Language": negotiate(language), "Vary": "Accept-Language", **error.headers}
    return Response(content, status or error.status_code, headers, media_type=MEDIA_TYPE)
