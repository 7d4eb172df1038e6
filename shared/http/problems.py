"""From whatever goes wrong in an endpoint to a problem document: the one place that does it."""

from typing import Any

from asyncpg import InterfaceError as DriverError
from asyncpg import InternalClientError, PostgresError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.errors import (
    HttpError,
    MethodNotAllowed,
    NotFound,
    ProblemError,
    RuleBroken,
    Unavailable,
    negotiate,
    problem_response,
)
from shared.http.validation_messages import told
from shared.observability.log import logger

log = logger(__name__)
MAX_ERRORS = 20


def _pointer(location: tuple[Any, ...]) -> str:
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    language = negotiate(request.headers.get("accept-language"))
    errors = [
        {"pointer": _pointer(one["loc"]), "code": one["type"], "detail": told(one, language)}
        for one in error.errors()[:MAX_ERRORS]
    ]
    return problem_response(request, RuleBroken(extensions={"errors": errors}))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class
    return problem_response(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return problem_response(request, NotFound(headers=headers))
    if error.status_code == 405:
        return problem_response(request, MethodNotAllowed(headers=headers))
    return problem_response(request, HttpError(headers=headers), status=error.status_code)


def _passing(error: Exception) -> bool:
    """Whether the database is away, busy or restarting, so that the same call may work later."""
    state = str(getattr(getattr(error, "orig", error), "sqlstate", "") or "")
    away = isinstance(
        error, (OperationalError, InterfaceError, PoolTimeout, InternalClientError, OSError, TimeoutError)
    )
    away |= isinstance(error, DriverError) and not isinstance(error, ValueError)  # which a wrong argument is
    invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
    return away or invalidated or state[:2] in {"08", "53", "57", "40"} or state == "55P03"


async def _unexpected(request: Request, error: Exception) -> Response:
    if _passing(error):
        log.warning("dependency_unavailable", error=type(error).__name__)
        return problem_response(request, Unavailable())
    log.error("unhandled_error", exc_info=error)
    return problem_response(request, ProblemError())


def install(app: FastAPI) -> None:
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for passing in (DBAPIError, PostgresError, DriverError, InternalClientError, PoolTimeout, OSError, TimeoutError):
        app.add_exception_handler(passing, _unexpected)
    app.add_exception_handler(Exception, _unexpected)
