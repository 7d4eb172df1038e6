from datetime import timedelta

from services.calendar.windows.service import extend
from shared.jobs import Job

JOBS = (Job("extend_horizon", timedelta(minutes=10), extend),)
