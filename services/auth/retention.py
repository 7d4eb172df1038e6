"""How long auth keeps what it holds.

The tables are closed to the service's role, so each policy goes through two functions of its own. Signing keys stay:
their private halves are forgotten when they are withdrawn, and their ids must be known for good, lest JWT_PRIVATE_KEY
bring back a key that was withdrawn.
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
    counting, removing = f"SELECT auth.due_{name}(:before)", f"SELECT auth.remove_{name}(:before, :limit)"
    return Policy(name, table, purpose, keep, counting, removing, least, most)


POLICIES = (
    # Ended ones too: from what else a person has come in with is told that a device is new.
    _policy("sessions", "sessions", keep=30 * DAY, most=365 * DAY),
    _policy("refresh_tokens", "refresh_tokens"),
    _policy("one_time_tokens", "one_time_tokens"),
    _policy("login_attempts", "login_attempts"),
    _policy("known_addresses", "known_addresses", keep=90 * DAY, least=30 * DAY, most=90 * DAY),  # not trusted longer
    _policy("enrolments", "mfa"),
    # Has them erased in every service, and counts as removed when that is asked for.
    _policy("never_verified", "users", purpose="account", keep=30 * DAY, least=7 * DAY, most=90 * DAY),
    # The row of somebody who was erased, which says nothing of them any more.
    _policy("erased_users", "users", purpose="accountability", keep=365 * DAY, least=120 * DAY, most=LONGEST),
)
