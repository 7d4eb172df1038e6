from datetime import timedelta

from services.calendar.hours import extend_all
from shared.jobs import Job

JOBS = (Job("extend_horizon", timedelta(days=1), extend_all),)
