"""Scheduled work of the gateway."""

from collections.abc import Sequence

from gateway import tickets
from shared.jobs import Job

JOBS: Sequence[Job] = tickets.JOBS
