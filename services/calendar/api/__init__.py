"""Endpoints: parse, authorise, one use case, respond."""

from services.calendar.api import days, feeds, hours, imports, time_off

routers = [part.router for part in (days, feeds, hours, time_off, imports)]
