"""Endpoints: parse, authorise, one use case, respond."""

from fastapi import APIRouter

from services.calendar.api import days, feeds, hours, imports, time_off

router = APIRouter(prefix="/api/v1/calendar")
for part in (days, feeds, hours, time_off, imports):
    router.include_router(part.router)
