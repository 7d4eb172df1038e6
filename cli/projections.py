"""What services keep of others, and how to compare it with its source: SQL for each side, each run by its own service.

A state is JSON, so that both sides write it alike. Erased people and what is past or over are left out: services keep
those for different times.
"""

from dataclasses import dataclass
from typing import Any

from cli.services import service_module

LAST_VERSION = 2**31 - 1  # of erased people in notifications: no event is newer
NOTIFICATION_TYPES: Any = service_module("notifications", "notification_types")
PURPOSES = ", ".join(f"'{purpose}'" for purpose in sorted(NOTIFICATION_TYPES.CONSENTS))
PEOPLE = "NOT u.email LIKE '%@erased.invalid'"
RANGES = """(SELECT coalesce(jsonb_agg(jsonb_build_array(extract(epoch FROM lower(r)), extract(epoch FROM upper(r)))
    ORDER BY r), '[]') FROM unnest({windows}) r)"""
CALENDAR_WINDOWS = """(SELECT coalesce(range_agg(tstzrange((p ->> 0)::timestamptz, (p ->> 1)::timestamptz)), '{}')
    FROM jsonb_array_elements(w.windows) p)"""


@dataclass(frozen=True)
class Projection:
    """`kept` and `expected` select id (text) and state (jsonb). `known` selects those of :ids that the source publishes
    again. `release` makes the rows of :ids take the state of the next event, whatever its version; `remove` deletes
    those that no event corrects, or empties them.
    """

    service: str
    name: str
    source: str
    kept: str
    expected: str
    known: str
    release: str
    remove: str

    @property
    def label(self) -> str:
        return f"{self.service}.{self.name}"


def _ids(column: str) -> str:
    return f"{column} IN (SELECT i::uuid FROM unnest(CAST(:ids AS text[])) i)"


def _known(table: str, key: str, condition: str = "true") -> str:
    return f"""SELECT i FROM unnest(CAST(:ids AS text[])) i
        WHERE i::uuid IN (SELECT {key} FROM {table} WHERE {condition})"""


def _by_version(service: str, table: str, key: str, *versions: str) -> tuple[str, str]:
    """`release` and `remove` of a table whose rows carry the versions that they are of."""
    lowered = ", ".join(f"{version} = -1" for version in versions or ("version",))
    return (
        f"UPDATE {service}.{table} SET {lowered} WHERE {_ids(key)}",
        f"DELETE FROM {service}.{table} WHERE {_ids(key)}",
    )


KNOWN_PEOPLE = _known("auth.users u", "u.id", PEOPLE)


def _of_users(service: str, name: str, kept: str, state: str, release: str, remove: str) -> Projection:
    expected = f"SELECT u.id::text AS id, {state} AS state FROM auth.users u WHERE {PEOPLE}"
    return Projection(service, name, "auth", kept, expected, KNOWN_PEOPLE, release, remove)


def _names(service: str) -> tuple[Projection, Projection]:
    """The names of treatments and locticians, which calendar and notifications keep in the same form."""
    return (
        Projection(
            service,
            "treatment_names",
            "booking",
            kept=f"SELECT treatment_id::text AS id, names AS state FROM {service}.treatment_names",
            expected="""SELECT t.id::text AS id, (SELECT jsonb_object_agg(l.key, l.value -> 'name')
                FROM jsonb_each(t.translations) l) AS state FROM booking.treatments t""",
            known=_known("booking.treatments", "id"),
            release=_by_version(service, "treatment_names", "treatment_id")[0],
            remove=_by_version(service, "treatment_names", "treatment_id")[1],
        ),
        Projection(
            service,
            "loctician_names",
            "booking",
            kept=f"""SELECT loctician_id::text AS id, to_jsonb(display_name) AS state FROM {service}.loctician_names
                WHERE version < {LAST_VERSION}""",
            expected="""SELECT loctician_id::text AS id, to_jsonb(display_name) AS state FROM booking.locticians
                WHERE display_name <> ''""",
            known=_known("booking.locticians", "loctician_id", "display_name <> ''"),
            release=_by_version(service, "loctician_names", "loctician_id")[0],
            remove=_by_version(service, "loctician_names", "loctician_id")[1],
        ),
    )


def _salon(service: str, *columns: str) -> Projection:
    """What is known of the salon itself: a single row, which is as good as none where all of it is empty."""
    state = f"jsonb_build_array({', '.join(f's.{column}' for column in columns)})"
    rows = f"SELECT 'salon' AS id, {state} AS state FROM {{table}} s WHERE concat({', '.join(columns)}) <> ''"
    emptied = ", ".join(f"{column} = ''" for column in columns)
    chosen = "'salon' = ANY (CAST(:ids AS text[]))"
    return Projection(
        service,
        "salon",
        "booking",
        kept=rows.format(table=f"{service}.salon"),
        expected=rows.format(table="booking.salon_record"),
        known="SELECT i FROM unnest(CAST(:ids AS text[])) i WHERE EXISTS (SELECT FROM booking.salon_record)",
        release=f"UPDATE {service}.salon SET version = -1 WHERE {chosen}",
        remove=f"UPDATE {service}.salon SET {emptied} WHERE {chosen}",
    )


CUSTOMERS = _of_users(
    "booking",
    "customers",
    """SELECT c.id::text AS id, jsonb_build_array(c.active, c.name, c.phone, c.email) AS state
        FROM booking.customers c""",
    "jsonb_build_array(u.active, u.full_name, u.phone, u.email)",
    *_by_version("booking", "customers", "id", "active_version"),
)
PROFILES = Projection(
    "booking",
    "profiles",
    "auth",
    kept="SELECT loctician_id::text AS id, 'true'::jsonb AS state FROM booking.locticians WHERE active",
    expected=f"""SELECT u.id::text AS id, 'true'::jsonb AS state FROM auth.users u
        WHERE u.role = 'loctician' AND u.active AND {PEOPLE}""",
    known=KNOWN_PEOPLE,
    release=CUSTOMERS.release,
    remove=f"UPDATE booking.locticians SET active = false WHERE {_ids('loctician_id')}",
)
OPEN_WINDOWS = Projection(
    "booking",
    "open_windows",
    "calendar",
    kept=f"""SELECT w.loctician_id || ' ' || w.day AS id,
            jsonb_build_array({RANGES.format(windows="w.windows")}, w.closed_for) AS state
        FROM booking.open_windows w
        WHERE w.day >= CAST(:now AS date) AND NOT (isempty(w.windows) AND w.closed_for IS NULL)""",
    expected=f"""SELECT w.loctician_id || ' ' || w.day AS id,
            jsonb_build_array({RANGES.format(windows=CALENDAR_WINDOWS)}, w.closed_for) AS state
        FROM calendar.windows w
        WHERE w.day >= CAST(:now AS date) AND NOT (w.windows = '[]' AND w.closed_for IS NULL)""",
    known="""SELECT i FROM unnest(CAST(:ids AS text[])) i WHERE split_part(i, ' ', 1)::uuid IN (
        SELECT v.loctician_id FROM calendar.loctician_versions v
        WHERE v.version > 0 AND v.published_until >= split_part(i, ' ', 2)::date)""",
    release="""UPDATE booking.open_windows SET version = -1 WHERE (loctician_id, day) IN (
        SELECT split_part(i, ' ', 1)::uuid, split_part(i, ' ', 2)::date FROM unnest(CAST(:ids AS text[])) i)""",
    remove="""DELETE FROM booking.open_windows WHERE (loctician_id, day) IN (
        SELECT split_part(i, ' ', 1)::uuid, split_part(i, ' ', 2)::date FROM unnest(CAST(:ids AS text[])) i)""",
)
CALENDAR_APPOINTMENTS = Projection(
    "calendar",
    "appointments",
    "booking",
    kept="""SELECT a.booking_id || ' ' || a.item_id AS id, jsonb_build_array(a.loctician_id, a.customer_id,
            a.treatment_id, extract(epoch FROM a.starts_at), extract(epoch FROM a.ends_at), a.status) AS state
        FROM calendar.appointments a
        WHERE a.ends_at > CAST(:now AS timestamptz) AND a.status <> 'cancelled'""",
    expected="""SELECT b.id || ' ' || i.id AS id, jsonb_build_array(i.loctician_id, b.customer_id, i.treatment_id,
            extract(epoch FROM lower(i.during)), extract(epoch FROM upper(i.during)), b.status) AS state
        FROM booking.bookings b JOIN booking.booking_items i ON i.booking_id = b.id
        WHERE upper(i.during) > CAST(:now AS timestamptz) AND b.status <> 'cancelled'""",
    known="""SELECT i FROM unnest(CAST(:ids AS text[])) i WHERE EXISTS (SELECT FROM booking.booking_items b
        WHERE b.booking_id = split_part(i, ' ', 1)::uuid AND b.id = split_part(i, ' ', 2)::uuid)""",
    release="""UPDATE calendar.booking_versions SET version = -1 WHERE booking_id IN (
        SELECT split_part(i, ' ', 1)::uuid FROM unnest(CAST(:ids AS text[])) i)""",
    remove="""DELETE FROM calendar.appointments WHERE item_id IN (
        SELECT split_part(i, ' ', 2)::uuid FROM unnest(CAST(:ids AS text[])) i)""",
)
LANGUAGES = _of_users(
    "calendar",
    "languages",
    "SELECT person_id::text AS id, to_jsonb(language) AS state FROM calendar.languages",
    "to_jsonb(u.language)",
    *_by_version("calendar", "languages", "person_id"),
)
CONTACTS = _of_users(
    "notifications",
    "contacts",
    f"""SELECT c.user_id::text AS id, jsonb_build_array(c.email, c.full_name, c.language, c.phone, c.role,
        c.email_verified, c.active) AS state FROM notifications.contacts c WHERE c.version < {LAST_VERSION}""",
    "jsonb_build_array(u.email, u.full_name, u.language, u.phone, u.role, u.email_verified, u.active)",
    *_by_version("notifications", "contacts", "user_id", "version", "role_version", "active_version"),
)
REMINDED_APPOINTMENTS = Projection(
    "notifications",
    "appointments",
    "booking",
    kept="""SELECT a.booking_id::text AS id, jsonb_build_array(a.customer_id, extract(epoch FROM a.starts_at),
            a.facts -> 'price_amount') AS state
        FROM notifications.appointments a WHERE a.active AND a.starts_at > CAST(:now AS timestamptz)""",
    expected="""SELECT b.id::text AS id, jsonb_build_array(b.customer_id, extract(epoch FROM b.starts_at),
            b.price_amount) AS state
        FROM booking.bookings b
        WHERE b.status = 'confirmed' AND NOT b.walk_in AND b.starts_at > CAST(:now AS timestamptz)""",
    known=_known("booking.bookings", "id"),
    release=_by_version("notifications", "appointments", "booking_id")[0],
    remove=_by_version("notifications", "appointments", "booking_id")[1],
)
CONSENTS = Projection(
    "notifications",
    "consents",
    "gdpr",
    kept="SELECT c.user_id || ' ' || c.purpose AS id, to_jsonb(c.granted) AS state FROM notifications.consents c",
    expected=f"""SELECT DISTINCT ON (c.user_id, c.purpose) c.user_id || ' ' || c.purpose AS id,
            to_jsonb(c.granted) AS state
        FROM gdpr.consents c WHERE c.purpose IN ({PURPOSES}) ORDER BY c.user_id, c.purpose, c.version DESC""",
    known=f"""SELECT i FROM unnest(CAST(:ids AS text[])) i WHERE EXISTS (SELECT FROM gdpr.consents c
        WHERE c.user_id = split_part(i, ' ', 1)::uuid AND c.purpose = split_part(i, ' ', 2)
        AND c.purpose IN ({PURPOSES}))""",
    release="""UPDATE notifications.consents SET version = -1 WHERE (user_id, purpose) IN (
        SELECT split_part(i, ' ', 1)::uuid, split_part(i, ' ', 2) FROM unnest(CAST(:ids AS text[])) i)""",
    remove="""DELETE FROM notifications.consents WHERE (user_id, purpose) IN (
        SELECT split_part(i, ' ', 1)::uuid, split_part(i, ' ', 2) FROM unnest(CAST(:ids AS text[])) i)""",
)
ROLES = _of_users(
    "gdpr",
    "people",
    """SELECT p.user_id::text AS id, jsonb_build_array(p.role, p.active) AS state FROM gdpr.people p
        WHERE p.erased_at IS NULL""",
    "jsonb_build_array(u.role, u.active)",
    _by_version("gdpr", "people", "user_id", "role_version", "active_version")[0],
    f"""UPDATE gdpr.people SET role = NULL, active = false, erased_at = now() WHERE {_ids("user_id")}""",
)
DUTIES = Projection(
    "gdpr",
    "duties",
    "booking",
    kept="""SELECT d.booking_id::text AS id, jsonb_build_array((SELECT jsonb_agg(DISTINCT l ORDER BY l)
            FROM unnest(d.loctician_ids) l), extract(epoch FROM d.ends_at)) AS state
        FROM gdpr.duties d WHERE d.open AND d.ends_at > CAST(:now AS timestamptz)""",
    expected="""SELECT b.id::text AS id, jsonb_build_array((SELECT jsonb_agg(DISTINCT l ORDER BY l)
            FROM unnest(b.loctician_ids) l), extract(epoch FROM b.ends_at)) AS state
        FROM booking.bookings b
        WHERE b.status IN ('pending', 'confirmed') AND b.ends_at > CAST(:now AS timestamptz)""",
    known=_known("booking.bookings", "id"),
    release=_by_version("gdpr", "duties", "booking_id")[0],
    remove=_by_version("gdpr", "duties", "booking_id")[1],
)
PROJECTIONS = (
    CUSTOMERS,
    PROFILES,
    OPEN_WINDOWS,
    CALENDAR_APPOINTMENTS,
    *_names("calendar"),
    LANGUAGES,
    _salon("calendar", "name", "address"),
    _salon("notifications", "name", "legal_name", "cvr_number", "address", "phone"),
    CONTACTS,
    REMINDED_APPOINTMENTS,
    *_names("notifications"),
    CONSENTS,
    ROLES,
    DUTIES,
)
