"""The calendar service: its endpoints, consumers, jobs and workers."""

from fastapi import FastAPI

from domain import business_log
from domain.roles import Role
from services.calendar.consumers import subscriptions
from services.calendar.days import endpoints as days
from services.calendar.feeds import endpoints as feeds
from services.calendar.hours import endpoints as hours
from services.calendar.imports import endpoints as imports
from services.calendar.imports import refresh_worker
from services.calendar.imports.ics_parser import MAX_BYTES
from services.calendar.jobs import JOBS
from services.calendar.settings import CalendarSettings
from services.calendar.time_off import endpoints as time_off
from shared.http.app import Service, Worker, create_app
from shared.settings import load

FORM_BYTES = 65_536  # a form around a file, with its name

SERVICE = Service(
    name="calendar",
    description="Working hours, time off, public holidays, imported calendars and calendar feeds of the locticians.",
    settings=CalendarSettings,
    roles=tuple(Role),
    routers=[module.router for module in (days, feeds, hours, time_off, imports)],
    subscriptions=subscriptions,
    jobs=JOBS,
    workers=[Worker("imports", refresh_worker.run)],
    max_body_bytes=MAX_BYTES + FORM_BYTES,  # the gateway lets so much through to imports only
    on_published=business_log.write,
)


def create() -> FastAPI:
    return create_app(SERVICE, load(CalendarSettings))
