"""How long booking keeps its data.

A booking is anonymized in steps: first the notes are deleted, then the customer, when claims from the appointment are
barred by limitation. Bookkeeping requires what is left, time and price under an id that belongs to nobody: it is
deleted five years after the end of the financial year, which is the calendar year.
"""

from datetime import timedelta

from shared.classification import MOST_COUNTED, Policy, clearing, deleting

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
FIVE_YEARS = timedelta(days=1827)  # with up to two leap days
LIMITATION = timedelta(days=1096)  # three years, forældelsesloven § 3


def _of_bookings(
    name: str, *, purpose: str, keep: timedelta, least: timedelta, where: str, function: str, **bounds: timedelta
) -> Policy:
    """A policy that a SQL function carries out, because it changes rows of several tables together."""
    counting = f"SELECT count(*) FROM (SELECT FROM bookings WHERE {where} LIMIT {MOST_COUNTED}) AS due"
    return Policy(name, "bookings", purpose, keep, counting, f"SELECT {function}(:before, :limit)", least, **bounds)


POLICIES = (
    # A job ends expired holds within seconds; this deletes those it may have left.
    deleting("holds", "holds", purpose="appointments", keep=DAY, where="expires_at < :before AND waitlist_id IS NULL"),
    deleting("requests", "requests", purpose="appointments", keep=7 * DAY, where="expires_at < :before"),
    # Limits look back over a day.
    deleting("visitor_calls", "visitor_calls", purpose="security", keep=DAY, least=DAY, where="made_at < :before"),
    deleting("freed_times", "freed_times", purpose="calendar", keep=DAY, where="upper(times) < :before"),
    deleting(
        "waitlist",
        "waitlist",
        purpose="appointments",
        keep=7 * DAY,
        where="last_day < booking.local_day(:before) AND status <> 'offered'",
    ),
    deleting(
        "answered_wishes",
        "waitlist",
        purpose="appointments",
        keep=30 * DAY,
        where="status = 'accepted' AND answered_at < :before",
    ),
    deleting(
        "occupancy",
        "occupancy",
        purpose="appointments",
        keep=90 * DAY,
        least=7 * DAY,
        where="upper(blocked) < :before OR lapses_at < :before",
    ),
    deleting(
        "open_windows",
        "open_windows",
        purpose="calendar",
        keep=35 * DAY,
        least=7 * DAY,
        where="day < booking.local_day(:before)",
    ),
    clearing(
        "walk_ins",
        "bookings",
        purpose="appointments",
        keep=30 * DAY,
        sets="walk_in_name = NULL, walk_in_phone = NULL",
        where="ends_at < :before AND num_nonnulls(walk_in_name, walk_in_phone) > 0",
    ),
    clearing(
        "notes",
        "bookings",
        purpose="appointments",
        keep=2 * YEAR,
        least=30 * DAY,
        most=LIMITATION,
        sets="notes = NULL, internal_notes = NULL, cancel_reason = NULL",
        where="ends_at < :before AND num_nonnulls(notes, internal_notes, cancel_reason) > 0",
    ),
    _of_bookings(
        "customers_of_bookings",
        purpose="appointments",
        keep=LIMITATION,
        least=30 * DAY,
        most=FIVE_YEARS,
        where="starts_at < :before AND anonymized_at IS NULL",
        function="booking.anonymize_old",
    ),
    _of_bookings(
        "bookings",
        purpose="bookkeeping",
        keep=FIVE_YEARS,
        least=FIVE_YEARS,
        where="starts_at < booking.bookkeeping_cutoff(:before)",
        function="booking.delete_bookings",
    ),
    deleting("portfolio_media", "portfolio_media", purpose="appointments", keep=30 * DAY, where="fetched_at < :before"),
    # Deletes the media as well (ON DELETE CASCADE).
    deleting(
        "departed_portfolios",
        "portfolio_sources",
        purpose="appointments",
        keep=30 * DAY,
        where="""EXISTS (SELECT FROM locticians AS l WHERE l.loctician_id = portfolio_sources.loctician_id
                 AND l.left_at < :before)""",
    ),
    deleting(
        "departed_pictures",
        "media",
        purpose="appointments",
        keep=30 * DAY,
        where="EXISTS (SELECT FROM locticians AS l WHERE l.loctician_id = media.loctician_id AND l.left_at < :before)",
    ),
    clearing(
        "departed_profiles",
        "locticians",
        purpose="appointments",
        keep=YEAR,
        sets="bio = '', portfolio_links = '[]', version = version + 1",
        where="left_at < :before AND (bio <> '' OR portfolio_links <> '[]')",
    ),
)
