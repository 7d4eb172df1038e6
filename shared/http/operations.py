"""The endpoints for operators that every service has: health and metrics."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text
from starlette.responses import Response

from shared.database.errors import DATABASE_ERRORS
from shared.identity.access import ANYONE
from shared.observability.metrics import exposition
from shared.settings import Settings

RETRY_SOON = {"Retry-After": "2"}


async def _live() -> dict[str, str]:
    return {"status": "alive"}


async def _ready(request: Request) -> JSONResponse:
    health = request.app.state.runtime.health
    return JSONResponse(health.report(), 200 if health.ready else 503, {} if health.ready else RETRY_SOON)


async def _database(request: Request) -> JSONResponse:
    try:
        await request.app.state.runtime.database.call(text("SELECT 1"))
    except DATABASE_ERRORS as error:
        return JSONResponse({"status": "down", "reason": type(error).__name__}, 503, RETRY_SOON)
    return JSONResponse({"status": "up"})


async def _metrics() -> Response:
    return exposition()


def operations(settings: Settings) -> APIRouter:
    router = APIRouter(dependencies=[ANYONE], include_in_schema=False)
    router.get("/health")(_ready)
    router.get("/health/live")(_live)
    router.get("/health/ready")(_ready)
    router.get("/health/db")(_database)
    if settings.enable_metrics:
        router.get("/metrics")(_metrics)
    return router
