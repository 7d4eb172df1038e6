"""Users: creating and inviting, their details, roles, deactivation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Role
from domain.search.terms import search_terms
from services.auth.email_changes.queries import end as end_email_changes
from services.auth.errors import AddressTaken, CustomersOnly, Erased, LastAdmin
from services.auth.events import (
    UserDeactivated,
    UserEmailChanged,
    UserInvited,
    UserReactivated,
    UserRegistered,
    UserRoleChanged,
    UserUpdated,
)
from services.auth.one_time_tokens.service import INVITATION_LIFETIME, RESET, VERIFY, VERIFY_LIFETIME, mail_token
from services.auth.passwords.sealing import seal_hash
from services.auth.sessions.service import end_sessions
from services.auth.users import queries
from services.auth.users.signed_accounts import sign_change, sign_new
from shared.errors import NotFound
from shared.http.preconditions import check_match
from shared.identity.derived_keys import keys_of
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id
from shared.privacy.events import audit_read

ERASED_DOMAIN = "@erased.invalid"
STATE = ("version", "email", "full_name", "phone", "language", "role", "email_verified", "active")


def state_of(row: Any) -> dict[str, Any]:
    """The data of every event that carries the user's state."""
    return {"user_id": row.id, **{name: getattr(row, name) for name in STATE}}


def is_erased(row: Any) -> bool:
    return str(row.email).endswith(ERASED_DOMAIN)


async def create_user(session: AsyncSession, password_hash: str | None, **values: Any) -> UUID | None:
    """Returns the new user's id, or None when the address is known already. Needs the claim `service`.

    `values`: email, full_name, language, and id, phone, role, verified and browser where they differ from the defaults.
    """
    columns: dict[str, Any] = {
        "id": new_id(),
        "role": "customer",
        "verified": False,
        "hash": password_hash,
        "phone": None,
        "browser": None,
        **values,
    }
    columns["name"] = columns.pop("full_name")
    user_id: UUID = columns["id"]
    if password_hash is not None:
        columns["hash"] = seal_hash(keys_of(session), user_id, password_hash)
    if not await queries.insert_user(session, columns):
        return None
    await sign_new(session, user_id, columns["email"], columns["role"])
    emit(session, UserRegistered(**state_of(await require_user(session, user_id))))
    return user_id


async def add_user(session: AsyncSession, adder: Principal, *, invite: bool, **values: Any) -> Row[Any]:
    """Creates a user without a password, who is mailed a link to set one if `invite`. Staff add customers only.

    Raises CustomersOnly, AddressTaken.
    """
    if adder.role != Role.ADMIN and values["role"] != Role.CUSTOMER:
        raise CustomersOnly
    user_id = await create_user(session, None, **values)
    if user_id is None:
        raise AddressTaken
    if invite:
        await mail_token(session, values["email"], RESET, INVITATION_LIFETIME, UserInvited, role=values["role"])
    return await require_user(session, user_id)


async def correct_user(
    session: AsyncSession, corrector: Principal, user_id: UUID, if_match: str | None, **changes: Any
) -> Row[Any]:
    """Changes somebody else. Staff change customers, and not the address, with which one signs in.

    Raises CustomersOnly, beside what update_user raises.
    """
    if corrector.role != Role.ADMIN:
        before = await require_user(session, user_id)
        if before.role != Role.CUSTOMER or "email" in changes:
            raise CustomersOnly
    return await update_user(session, user_id, if_match, **changes)


async def require_user(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row[Any]:
    """Raises NotFound, also for a user whom the caller may not see."""
    row = await queries.get_user(session, user_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def read_user(session: AsyncSession, reader: Principal, user_id: UUID) -> Row[Any]:
    """Records the read in the audit log. Raises NotFound."""
    row = await require_user(session, user_id)
    audit_read(session, reader, "user", [user_id])
    return row


async def list_users(
    session: AsyncSession, reader: Principal, text: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """At most `limit + 1` users, of which `limit` are shown. Records in the audit log whom it shows."""
    rows = await queries.list_users(session, search_terms(text or ""), after, limit + 1)
    audit_read(session, reader, "user", [row.id for row in rows[:limit]])
    return rows


async def update_user(session: AsyncSession, user_id: UUID, if_match: str | None, **changes: Any) -> Row[Any]:
    """A new address has to be verified again.

    Raises NotFound, StaleVersion, Erased, AddressTaken, AccountAltered.
    """
    before = await require_user(session, user_id, lock=True)
    check_match(if_match, before.version)
    if is_erased(before):
        raise Erased
    changes = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if not changes:
        return before
    if "email" in changes:
        if await queries.is_email_taken(session, changes["email"], by_other_than=user_id):
            raise AddressTaken
        changes["email_verified"] = False
        await end_email_changes(session, user_id)
    row = await _change(session, before, **changes)
    emit(session, UserUpdated(**state_of(row)))
    if "email" in changes:
        emit(session, email_changed(row, before.email))
        await mail_token(session, row.email, VERIFY, VERIFY_LIFETIME)
    return row


def email_changed(row: Any, old_email: str) -> UserEmailChanged:
    names = ("version", "email", "full_name", "language")
    return UserEmailChanged(user_id=row.id, old_email=old_email, **{name: getattr(row, name) for name in names})


async def _change(session: AsyncSession, before: Row[Any], **changes: Any) -> Row[Any]:
    """Raises AccountAltered when the row was changed past this service."""
    mac = await sign_change(session, before, **changes)
    return await queries.update_user(session, before.id, **changes, mac=mac)


async def change_role(session: AsyncSession, user_id: UUID, role: str) -> Row[Any]:
    """Ends the user's sessions, whose access tokens carry the old role.

    Raises NotFound, Erased, LastAdmin, AccountAltered.
    """
    admins = await queries.lock_active_admins(session)
    before = await require_user(session, user_id, lock=True)
    if is_erased(before):
        raise Erased
    if before.role == role:
        return before
    if before.role == "admin" and before.active and admins <= 1:
        raise LastAdmin
    row = await _change(session, before, role=role)
    emit(session, UserRoleChanged(**state_of(row)))
    await end_sessions(session, user_id, "role_changed")
    return row


async def deactivate(session: AsyncSession, user_id: UUID) -> None:
    """Ends the user's sessions. Does nothing for a deactivated user. Raises NotFound, LastAdmin, AccountAltered."""
    admins = await queries.lock_active_admins(session)
    before = await require_user(session, user_id, lock=True)
    if not before.active:
        return
    if before.role == "admin" and admins <= 1:
        raise LastAdmin
    row = await _change(session, before, active=False)
    emit(session, UserDeactivated(**state_of(row)))
    await end_sessions(session, user_id, "deactivated")


async def reactivate(session: AsyncSession, user_id: UUID) -> Row[Any]:
    """Raises NotFound, Erased, AccountAltered."""
    before = await require_user(session, user_id, lock=True)
    if before.active:
        return before
    if is_erased(before):
        raise Erased
    row = await _change(session, before, active=True)
    emit(session, UserReactivated(**state_of(row)))
    return row
