"""What booking refuses, and why. The SQL functions name a refusal by its code."""

from typing import Any

import orjson
from asyncpg import PostgresError

from services.booking.errors import bookings, slots
from shared.errors import IdempotencyKeyReused, NotFound, ProblemError, StaleVersion

REFUSED = "LB001"  # the SQLSTATE of booking.refuse()
EXCLUSION_VIOLATION = "23P01"

UNBOOKABLE: tuple[type[ProblemError], ...] = (
    slots.SlotTaken,
    slots.OutsideHours,
    slots.Holiday,
    slots.Closed,
    slots.InPast,
    slots.TooSoon,
    slots.TooFarAhead,
    slots.OffGrid,
    slots.UnknownTreatment,
    slots.UnknownLoctician,
    slots.TreatmentNotOffered,
    bookings.CustomerOverlap,
)
TOLD_BY_THE_DATABASE: tuple[type[ProblemError], ...] = (
    *UNBOOKABLE,
    bookings.UnknownCustomer,
    IdempotencyKeyReused,
    bookings.EmailNotVerified,
    bookings.NotForOthers,
    bookings.WrongStatus,
    bookings.AlreadyStarted,
    bookings.NotStarted,
    bookings.WindowPassed,
    bookings.TooManyOpen,
    bookings.HoldLapsed,
    bookings.HoldMismatch,
    bookings.TooManyWishes,
    NotFound,
    StaleVersion,
)
REFUSALS = {error.code: error for error in TOLD_BY_THE_DATABASE}
# Where another time would do, the nearest free ones are named.
ABOUT_THE_TIME = (
    slots.SlotTaken,
    slots.OutsideHours,
    slots.Holiday,
    slots.Closed,
    bookings.CustomerOverlap,
    bookings.HoldLapsed,
)


def refusal_of(error: PostgresError) -> ProblemError | None:
    """The refusal that the database raised; None for any other failure."""
    cause: Any = error  # the driver sets the fields it was given
    if cause.sqlstate == REFUSED:
        return REFUSALS[cause.message](**orjson.loads(cause.detail or "{}"))
    if cause.sqlstate == EXCLUSION_VIOLATION and cause.constraint_name in REFUSALS:
        return REFUSALS[cause.constraint_name]()
    return None
