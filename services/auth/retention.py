"""How long auth keeps the rows of its tables.

The tables are closed to the service's role, so each policy calls two SQL functions: one counts, one removes. Signing
keys stay forever. Their private halves are deleted when they are withdrawn; their ids are kept, so that JWT_PRIVATE_KEY
cannot bring a withdrawn key back.
"""

from datetime import timedelta

from shared.classification import LONGEST, Policy

DAY = timedelta(days=1)


def _policy(
    name: str,
    table: str,
    *,
    purpose: str = "security",
    keep: timedelta = DAY,
    least: timedelta = DAY,
    most: timedelta = 30 * DAY,
) -> Policy:
    count, remove = f"SELECT auth.due_{name}(:before)", f"SELECT auth.remove_{name}(:before, :limit)"
    return Policy(name, table, purpose, keep, count, remove, least, most)


POLICIES = (
    # Ended sessions are kept too: the user agents of earlier sessions tell whether a device is new.
    _policy("sessions", "sessions", keep=30 * DAY, most=365 * DAY),
    _policy("refresh_tokens", "refresh_tokens"),
    _policy("one_time_tokens", "one_time_tokens"),
    _policy("email_changes", "email_changes"),
    _policy("used_challenges", "used_challenges"),
    _policy("login_attempts", "login_attempts"),
    # A known address is trusted for 90 days.
    _policy("known_addresses", "known_addresses", keep=90 * DAY, least=30 * DAY, most=90 * DAY),
    _policy("enrolments", "mfa"),
    # Emits user.never_verified.v1, after which gdpr has the user erased in every service. Counts as removed then.
    _policy("never_verified", "users", purpose="account", keep=30 * DAY, least=7 * DAY, most=90 * DAY),
    # The rows of erased users, which hold no personal data.
    _policy("erased_users", "users", purpose="accountability", keep=365 * DAY, least=120 * DAY, most=LONGEST),
)
