"""How rows of each projection are broken by hand: SQL by the kind of difference that `loctician drift` reports.

Each statement breaks one row and returns its id as `loctician drift` writes it. Of surplus rows there is one that the
source does not know (`:nobody`), and one that it knows in another state: it published the end of a cancelled booking,
but says nothing more of erased people, of locticians without a name, or of days past the horizon.
"""

Statements = tuple[str, ...]
Damage = dict[str, Statements]

DAY = "loctician_id || ' ' || day"
OPEN_DAY = """(loctician_id, day) = (SELECT loctician_id, day FROM booking.open_windows
    WHERE loctician_id = :loctician AND day > now() + interval '20 days' AND NOT isempty(windows) LIMIT 1)"""
CLOSED_DAY = """
    SELECT CAST(:loctician AS uuid), CAST(d AS date)
    FROM generate_series(CURRENT_DATE + 20, CURRENT_DATE + 50, '1 day') d
    WHERE NOT EXISTS (SELECT FROM booking.open_windows w WHERE w.loctician_id = :loctician AND w.day = CAST(d AS date)
        AND NOT (isempty(w.windows) AND w.closed_for IS NULL)) LIMIT 1"""
HOUR = "tstzmultirange(tstzrange('2030-01-01 09:00+00', '2030-01-01 10:00+00'))"


def _names(service: str) -> dict[str, Damage]:
    treatments, locticians = f"{service}.treatment_names", f"{service}.loctician_names"
    return {
        treatments: {
            "missing": (f"DELETE FROM {treatments} WHERE treatment_id = :treatment RETURNING treatment_id",),
            "different": (
                f"""UPDATE {treatments} SET names = '{{"da": "Forkert"}}', version = 999
                WHERE treatment_id = :other_treatment RETURNING treatment_id""",
            ),
            "extra": (f"INSERT INTO {treatments} VALUES (:nobody, '{{}}', 3) RETURNING treatment_id",),
        },
        locticians: {
            "missing": (f"DELETE FROM {locticians} WHERE loctician_id = :loctician RETURNING loctician_id",),
            "different": (
                f"""UPDATE {locticians} SET display_name = 'X', version = 999 WHERE loctician_id = :other_loctician
                RETURNING loctician_id""",
            ),
            "extra": (
                f"INSERT INTO {locticians} VALUES (:nobody, 'X', 3) RETURNING loctician_id",
                f"INSERT INTO {locticians} VALUES (:nameless, 'X', 3) RETURNING loctician_id",
            ),
        },
    }


def _salon(service: str, orphan: str) -> dict[str, Damage]:
    return {
        f"{service}.salon": {
            "missing": (f"DELETE FROM {service}.salon RETURNING 'salon'",),
            "different": (f"UPDATE {service}.salon SET address = 'X', version = 999 RETURNING 'salon'",),
            "extra": (orphan,),
        }
    }


DAMAGE: dict[str, Damage] = {
    "booking.customers": {
        "missing": ("DELETE FROM booking.customers WHERE id = :customer RETURNING id",),
        "different": (
            """UPDATE booking.customers SET name = 'X', active_version = 999
            WHERE id = :other_customer RETURNING id""",
        ),
        "extra": (
            "INSERT INTO booking.customers (id) VALUES (:nobody) RETURNING id",
            "INSERT INTO booking.customers (id) VALUES (:erased) RETURNING id",
        ),
    },
    "booking.profiles": {
        "missing": (
            "UPDATE booking.locticians SET active = false WHERE loctician_id = :loctician RETURNING loctician_id",
        ),
        "different": (),  # a profile is there or not
        "extra": (
            "INSERT INTO booking.locticians (loctician_id, display_name) VALUES (:nobody, '') RETURNING loctician_id",
            "INSERT INTO booking.locticians (loctician_id, display_name) VALUES (:erased, '') RETURNING loctician_id",
            "INSERT INTO booking.locticians (loctician_id, display_name) VALUES (:customer, '') RETURNING loctician_id",
        ),
    },
    "booking.open_windows": {
        "missing": (f"DELETE FROM booking.open_windows WHERE {OPEN_DAY} RETURNING {DAY}",),
        "different": (
            f"UPDATE booking.open_windows SET windows = {HOUR}, version = 999999 WHERE {OPEN_DAY} RETURNING {DAY}",
        ),
        "extra": (
            f"""INSERT INTO booking.open_windows SELECT closed.*, 999999, {HOUR} FROM ({CLOSED_DAY}) closed
            ON CONFLICT (loctician_id, day) DO UPDATE SET windows = excluded.windows, version = excluded.version
            RETURNING open_windows.loctician_id || ' ' || open_windows.day""",
            f"INSERT INTO booking.open_windows VALUES (:nobody, CURRENT_DATE + 30, 3, {HOUR}) RETURNING {DAY}",
            f"INSERT INTO booking.open_windows VALUES (:loctician, CURRENT_DATE + 500, 3, {HOUR}) RETURNING {DAY}",
        ),
    },
    "calendar.appointments": {
        "missing": (
            "DELETE FROM calendar.appointments WHERE booking_id = :booking RETURNING booking_id || ' ' || item_id",
        ),
        "different": (
            """UPDATE calendar.appointments SET starts_at = starts_at - interval '1 hour'
            WHERE booking_id = :other_booking RETURNING booking_id || ' ' || item_id""",
        ),
        "extra": (
            """INSERT INTO calendar.appointments (item_id, booking_id, loctician_id, customer_id, treatment_id,
                starts_at, ends_at, status, version, changed_at)
            VALUES (:nobody, :nobody, :nobody, :nobody, :nobody,
                now() + interval '9 days', now() + interval '10 days', 'confirmed', 3, now())
            RETURNING booking_id || ' ' || item_id""",
            """UPDATE calendar.appointments SET status = 'confirmed' WHERE booking_id = :cancelled_booking
            RETURNING booking_id || ' ' || item_id""",
        ),
    },
    **_names("calendar"),
    "calendar.languages": {
        "missing": ("DELETE FROM calendar.languages WHERE person_id = :customer RETURNING person_id",),
        "different": (
            """UPDATE calendar.languages SET language = 'en', version = 999 WHERE person_id = :other_customer
            RETURNING person_id""",
        ),
        "extra": (
            "INSERT INTO calendar.languages VALUES (:nobody, 'da', 3) RETURNING person_id",
            "INSERT INTO calendar.languages VALUES (:erased, 'da', 3) RETURNING person_id",
        ),
    },
    **_salon("calendar", "DELETE FROM booking.salon_record RETURNING 'salon'"),
    **_salon(
        "notifications", "SELECT 'salon' WHERE NOT EXISTS (SELECT FROM booking.salon_record)"
    ),  # deleted by the one above
    "notifications.contacts": {
        "missing": ("DELETE FROM notifications.contacts WHERE user_id = :customer RETURNING user_id",),
        "different": (
            """UPDATE notifications.contacts SET email = 'x@example.com', version = 999
            WHERE user_id = :other_customer RETURNING user_id""",
        ),
        "extra": (
            "INSERT INTO notifications.contacts (user_id, role) VALUES (:nobody, 'staff') RETURNING user_id",
            "INSERT INTO notifications.contacts (user_id, role) VALUES (:erased, 'staff') RETURNING user_id",
        ),
    },
    "notifications.appointments": {
        "missing": ("DELETE FROM notifications.appointments WHERE booking_id = :booking RETURNING booking_id",),
        "different": (
            """UPDATE notifications.appointments SET starts_at = starts_at + interval '1 hour', version = 999
            WHERE booking_id = :other_booking RETURNING booking_id""",
        ),
        "extra": (
            """INSERT INTO notifications.appointments
                (booking_id, customer_id, starts_at, active, agreed_at, facts, version)
            VALUES (:nobody, :nobody, now() + interval '9 days', true, now(), '{}', 3) RETURNING booking_id""",
            """UPDATE notifications.appointments SET active = true WHERE booking_id = :cancelled_booking
            RETURNING booking_id""",
        ),
    },
    **_names("notifications"),
    "notifications.consents": {
        "missing": (
            """DELETE FROM notifications.consents WHERE user_id = :customer AND purpose = 'marketing'
            RETURNING user_id || ' ' || purpose""",
        ),
        "different": (
            """UPDATE notifications.consents SET granted = false, version = 999
            WHERE user_id = :other_customer AND purpose = 'marketing' RETURNING user_id || ' ' || purpose""",
        ),
        "extra": (
            """INSERT INTO notifications.consents VALUES (:nobody, 'marketing', true, 3)
            RETURNING user_id || ' ' || purpose""",
            """INSERT INTO notifications.consents VALUES (:customer, 'portfolio', true, 3)
            RETURNING user_id || ' ' || purpose""",
        ),
    },
    "gdpr.people": {
        "missing": ("DELETE FROM gdpr.people WHERE user_id = :customer RETURNING user_id",),
        "different": (
            """UPDATE gdpr.people SET role = 'admin', role_version = 999 WHERE user_id = :other_customer
            RETURNING user_id""",
        ),
        "extra": (
            "INSERT INTO gdpr.people (user_id, role) VALUES (:nobody, 'staff') RETURNING user_id",
            "INSERT INTO gdpr.people (user_id, role) VALUES (:erased, 'staff') RETURNING user_id",
        ),
    },
    "gdpr.duties": {
        "missing": ("DELETE FROM gdpr.duties WHERE booking_id = :booking RETURNING booking_id",),
        "different": (
            """UPDATE gdpr.duties SET ends_at = ends_at + interval '1 hour', version = 999
            WHERE booking_id = :other_booking RETURNING booking_id""",
        ),
        "extra": (
            """INSERT INTO gdpr.duties (booking_id, version, loctician_ids, ends_at, open)
            VALUES (:nobody, 3, ARRAY[:nobody]::uuid[], now() + interval '9 days', true) RETURNING booking_id""",
            "UPDATE gdpr.duties SET open = true WHERE booking_id = :cancelled_booking RETURNING booking_id",
        ),
    },
}
