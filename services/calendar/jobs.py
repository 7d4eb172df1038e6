"""Jobs that run on a schedule."""

from datetime import timedelta

from services.calendar.windows.service import extend_horizon
from shared.jobs import Job

JOBS = (Job("extend_horizon", timedelta(minutes=10), extend_horizon),)
