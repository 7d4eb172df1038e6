from datetime import timedelta

from services.booking.queries import holds
from shared.jobs import Job

JOBS = (
    Job("end_lapsed_holds", timedelta(seconds=5), holds.end_lapsed),
    Job("note_reach", timedelta(minutes=10), holds.note_reach),
    Job("offer_openings", timedelta(seconds=5), holds.offer_openings),
)
