"""Retention policies: how long calendar keeps its rows. No policy removes what future hours follow from."""

from datetime import timedelta

from services.calendar.feeds.service import CANCELLED_KEPT
from services.calendar.privacy import ANONYMOUS_ID
from shared.classification import clearing, deleting

MONTH, YEAR = timedelta(days=30), timedelta(days=365)
MAX_REPLAY = timedelta(days=120)  # a dead letter may be replayed for as long

NOT_ANONYMIZED = f"customer_id <> '{ANONYMOUS_ID}'"
# a stopped import and an uploaded file block windows to the end of valid_to
ENDED_IMPORTS = "due_at IS NULL AND coalesce(CAST(valid_to + 1 AS timestamptz), checked_at, created_at) < :before"
# while a booking has appointments its version stays, so that an older event cannot bring back a deleted one
WITHOUT_APPOINTMENTS = """changed_at < :before AND NOT EXISTS (
    SELECT FROM appointments WHERE appointments.booking_id = booking_versions.booking_id)"""

POLICIES = (
    clearing(
        "appointment_customers",
        "appointments",
        purpose="appointments",
        keep=YEAR,
        least=MONTH,
        sets=f"customer_id = '{ANONYMOUS_ID}'",
        where=f"ends_at < :before AND {NOT_ANONYMIZED}",
    ),
    deleting("appointments", "appointments", purpose="calendar", keep=3 * YEAR, least=MONTH, where="ends_at < :before"),
    deleting(
        "cancelled_appointments",
        "appointments",
        purpose="appointments",
        keep=CANCELLED_KEPT,
        least=CANCELLED_KEPT,  # feeds show cancelled appointments for as long
        where="status = 'cancelled' AND changed_at < :before",
    ),
    deleting(
        "booking_versions",
        "booking_versions",
        purpose="operation",
        keep=YEAR,
        least=MAX_REPLAY,
        where=WITHOUT_APPOINTMENTS,
    ),
    deleting("time_off", "time_off", purpose="calendar", keep=YEAR, least=MONTH, where="ends_at < :before"),
    deleting("overrides", "overrides", purpose="calendar", keep=YEAR, least=MONTH, where="day < CAST(:before AS date)"),
    deleting(
        "working_hours",
        "working_hours",
        purpose="calendar",
        keep=YEAR,
        least=MONTH,
        where="valid_to < CAST(:before AS date)",
    ),
    deleting("windows", "windows", purpose="calendar", keep=YEAR, least=MONTH, where="day < CAST(:before AS date)"),
    deleting("ended_imports", "imports", purpose="calendar", keep=MONTH, where=ENDED_IMPORTS),
)
