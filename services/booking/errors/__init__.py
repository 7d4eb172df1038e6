"""What booking refuses, and why. The SQL functions name a refusal by its code."""

from typing import Any

from sqlalchemy.exc import DBAPIError

from services.booking.errors import bookings, slots
from shared.errors import ProblemError

REFUSED = "LB001"  # the SQLSTATE of booking.refuse()
EXCLUSION_VIOLATION = "23P01"

REFUSALS: dict[str, type[ProblemError]] = {
    error.code: error
    for error in (
        slots.SlotTaken,
        bookings.CustomerOverlap,
        slots.OutsideHours,
        slots.InPast,
        slots.TooFarAhead,
        slots.OffGrid,
        slots.UnknownTreatment,
        slots.UnknownLoctician,
        slots.TreatmentNotOffered,
        bookings.UnknownCustomer,
        bookings.IdempotencyKeyReused,
        bookings.EmailNotVerified,
    )
}


def refusal_of(error: DBAPIError) -> type[ProblemError] | None:
    """The refusal that the database raised; None for any other failure."""
    cause: Any = error.orig.__cause__ if error.orig else None
    state = getattr(cause, "sqlstate", None)
    if state == REFUSED:
        return REFUSALS[cause.message]
    if state == EXCLUSION_VIOLATION:
        return REFUSALS.get(cause.constraint_name)
    return None
