"""Scheduled work of the gateway."""

from collections.abc import Sequence

from gateway import tickets
from gateway.limits import jobs as limits
from shared.jobs import Job

JOBS: Sequence[Job] = (*tickets.JOBS, *limits.JOBS)
