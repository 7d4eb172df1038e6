"""Turns every exception of an endpoint into a problem document (RFC 9457). The only place that does it."""

from typing import Any

from asyncpg import InterfaceError as DriverError
from asyncpg import InternalClientError, PostgresError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.database.errors import sqlstate
from shared.errors import (
    HttpError,
    MethodNotAllowed,
    NotFound,
    ProblemError,
    RuleBroken,
    Unavailable,
    UnsupportedMediaType,
    negotiate,
    problem_response,
)
from shared.http.validation_messages import message
from shared.observability.log import logger

log = logger(__name__)
MAX_ERRORS = 20
# SQLSTATE classes: connection, resources, operator intervention, transaction rollback
TEMPORARY = {"08", "53", "57", "40"}
LOCK_NOT_AVAILABLE = "55P03"


def _pointer(location: tuple[Any, ...]) -> str:
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)


async def _handle_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    refused_body = next((field for field in error.errors() if field["loc"][0] == "body"), None)
    accepted = _other_media_types(request, refused_body["input"]) if refused_body else []
    if accepted:
        return problem_response(request, UnsupportedMediaType(*accepted))
    language = negotiate(request.headers.get("accept-language"))
    errors = [
        {"pointer": _pointer(field["loc"]), "code": field["type"], "detail": message(field, language)}
        for field in error.errors()[:MAX_ERRORS]
    ]
    return problem_response(request, RuleBroken(extensions={"errors": errors}))


def _other_media_types(request: Request, body: Any) -> list[str]:
    """The media types that the endpoint accepts, if the body has none of them. FastAPI does not parse such a body."""
    operations = request.app.openapi()["paths"].get(request.scope["route"].path_format, {})
    accepted = list(operations.get(request.method.lower(), {}).get("requestBody", {}).get("content", {}))
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = sent.startswith("application/") and sent.endswith("+json") and "application/json" in accepted
    return [] if sent in accepted or is_json or not (sent or isinstance(body, bytes)) else accepted


async def _handle_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class
    return problem_response(request, error)


async def _handle_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return problem_response(request, NotFound(headers=headers))
    if error.status_code == 405:
        headers["Allow"] = _allowed_methods(request)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        return problem_response(request, MethodNotAllowed(headers=headers))
    return problem_response(request, HttpError(headers=headers), status=error.status_code)


def _allowed_methods(request: Request) -> str:
    """The methods of all endpoints at this path. The framework names only those of the first."""
    routes = [route for route in iter_route_contexts(request.app.routes) if route.path_regex.match(request.url.path)]
    methods = {"OPTIONS"}.union(*(route.methods or () for route in routes))
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _is_temporary(error: Exception) -> bool:
    """Whether the database is unreachable, overloaded or restarting, so that the same call may succeed later."""
    state = sqlstate(error)
    away = isinstance(
        error, (OperationalError, InterfaceError, PoolTimeout, InternalClientError, OSError, TimeoutError)
    )
    # A wrong argument is a DriverError and a ValueError.
    away |= isinstance(error, DriverError) and not isinstance(error, ValueError)
    invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
    return away or invalidated or state[:2] in TEMPORARY or state == LOCK_NOT_AVAILABLE


async def _handle_unexpected(request: Request, error: Exception) -> Response:
    if _is_temporary(error):
        log.warning("dependency_unavailable", error=type(error).__name__)
        return problem_response(request, Unavailable())
    log.error("unhandled_error", exc_info=error)
    return problem_response(request, ProblemError())


def install(app: FastAPI) -> None:
    app.add_exception_handler(ProblemError, _handle_problem)
    app.add_exception_handler(RequestValidationError, _handle_validation)
    app.add_exception_handler(HTTPException, _handle_http)
    for temporary in (DBAPIError, PostgresError, DriverError, InternalClientError, PoolTimeout, OSError, TimeoutError):
        app.add_exception_handler(temporary, _handle_unexpected)
    app.add_exception_handler(Exception, _handle_unexpected)
