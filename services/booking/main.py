"""The booking service: lists its parts for the application factory."""

from fastapi import FastAPI

from domain import business_log
from domain.roles import Role
from services.booking.booking_pages import endpoints as booking_pages
from services.booking.bookings import endpoints as bookings
from services.booking.catalog import endpoints as catalog
from services.booking.consumers import subscriptions
from services.booking.holds import endpoints as holds
from services.booking.jobs import JOBS
from services.booking.media import endpoints as media
from services.booking.offer_pages import endpoints as offer_pages
from services.booking.portfolio import worker as portfolio
from services.booking.profiles import endpoints as profiles
from services.booking.requests import endpoints as requests
from services.booking.rules import endpoints as rules
from services.booking.salon import endpoints as salon
from services.booking.series import endpoints as series
from services.booking.settings import BookingSettings
from services.booking.slots import endpoints as slots
from services.booking.waitlist import endpoints as waitlist
from shared.http.app import Service, Worker, create_app
from shared.settings import load

SERVICE = Service(
    name="booking",
    description="What can be booked and what is booked: treatments, locticians, free times, bookings and the waitlist.",
    settings=BookingSettings,
    roles=tuple(Role),
    # The order matters: /bookings/rules, /holds and /requests must come before /bookings/{booking_id}.
    routers=[
        catalog.router,
        profiles.router,
        slots.router,
        salon.router,
        media.router,
        rules.router,
        holds.router,
        requests.router,
        waitlist.router,
        series.router,
        bookings.router,
        booking_pages.router,
        offer_pages.router,
    ],
    subscriptions=subscriptions,
    max_body_bytes=media.MAX_BYTES,  # the gateway lets so much through for pictures alone
    jobs=JOBS,
    workers=[Worker("portfolio", portfolio.run)],
    on_published=business_log.write,
)


def create() -> FastAPI:
    return create_app(SERVICE, load(BookingSettings))
