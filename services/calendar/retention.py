"""How long calendar keeps what it holds. Nothing here is needed for hours to come."""

from datetime import timedelta

from services.calendar.feeds.service import CANCELLED_KEPT
from services.calendar.privacy import NOBODY
from shared.classification import clearing, deleting

MONTH, YEAR = timedelta(days=30), timedelta(days=365)
DEAD_LETTERS = timedelta(days=120)  # longer than a message can wait for its replay

PARTED = f"customer_id <> '{NOBODY}'"
# a stopped or uploaded calendar goes on to block what it covers
OVER = "due_at IS NULL AND coalesce(CAST(covers_until AS timestamptz), checked_at, created_at) < :before"
# the version alone, which keeps an older event from bringing back an appointment that is gone
FORGOTTEN = """changed_at < :before AND NOT EXISTS (
    SELECT FROM appointments WHERE appointments.booking_id = booking_versions.booking_id)"""

POLICIES = (
    clearing(
        "appointment_customers",
        "appointments",
        purpose="appointments",
        keep=YEAR,
        least=MONTH,
        sets=f"customer_id = '{NOBODY}'",
        where=f"ends_at < :before AND {PARTED}",
    ),
    deleting("appointments", "appointments", purpose="calendar", keep=3 * YEAR, least=MONTH, where="ends_at < :before"),
    deleting(
        "cancelled_appointments",
        "appointments",
        purpose="appointments",
        keep=CANCELLED_KEPT,
        least=CANCELLED_KEPT,  # feeds say for as long that they are
        where="status = 'cancelled' AND changed_at < :before",
    ),
    deleting(
        "booking_versions",
        "booking_versions",
        purpose="operation",
        keep=YEAR,
        least=DEAD_LETTERS,
        where=FORGOTTEN,
    ),
    deleting("time_off", "time_off", purpose="calendar", keep=YEAR, least=MONTH, where="ends_at < :before"),
    deleting("overrides", "overrides", purpose="calendar", keep=YEAR, least=MONTH, where="day < CAST(:before AS date)"),
    deleting(
        "working_hours",
        "working_hours",
        purpose="calendar",
        keep=YEAR,
        least=MONTH,
        where="valid_until < CAST(:before AS date)",
    ),
    deleting("windows", "windows", purpose="calendar", keep=YEAR, least=MONTH, where="day < CAST(:before AS date)"),
    deleting("ended_imports", "imports", purpose="calendar", keep=MONTH, where=OVER),
)
