"""Jobs of booking: expired holds and requests, unconfirmed bookings, and time that becomes free for the waitlist."""

from datetime import timedelta

from services.booking.bookings import service as bookings
from services.booking.holds import service as holds
from services.booking.requests import queries as requests
from services.booking.waitlist import offers, queries
from shared.jobs import Job

JOBS = (
    Job("end_lapsed_holds", timedelta(seconds=5), holds.end_expired),
    Job("lapse_requests", timedelta(seconds=30), requests.lapse),
    Job("cancel_unconfirmed", timedelta(seconds=30), bookings.cancel_unconfirmed),
    Job("extend_horizon", timedelta(minutes=10), queries.extend_horizon),
    Job("offer_freed_times", timedelta(seconds=5), offers.offer_freed_times),
)
