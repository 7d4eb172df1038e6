"""People: registering, their details, their roles."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import one_time, queries
from services.auth.errors import AddressTaken, Erased, InvalidPhone, LastAdmin
from services.auth.events import UserDeactivated, UserReactivated, UserRegistered, UserRoleChanged, UserUpdated
from services.auth.sessions import end
from shared.errors import NotFound, StaleVersion
from shared.http.validation_messages import refusal
from shared.identity.principals import Principal
from shared.messaging.events import emit, new_id
from shared.privacy.events import audited_read

REGION = "DK"
ERASED = "@erased.invalid"


def normal_address(email: str) -> str:
    """The one spelling under which an address is known (RFC 5321, lower case). Raises ValueError."""
    try:
        checked = validate_email(email, check_deliverability=False)
    except EmailNotValidError as error:
        raise refusal("email", en="is not a valid e-mail address", da="Er ikke en gyldig e-mailadresse.") from error
    return str(checked.normalized).lower()


def normal_phone(phone: str | None) -> str | None:
    """E.164; a number without country code is Danish. Raises InvalidPhone."""
    if not phone:
        return None
    try:
        number = phonenumbers.parse(phone, REGION)
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _facts(row: Any) -> dict[str, Any]:
    names = ("email", "full_name", "phone", "language", "role", "email_verified", "version")
    return {"user_id": row.id, **{name: getattr(row, name) for name in names}}


async def register(session: AsyncSession, hashed: str | None, **values: Any) -> UUID | None:
    """The new user's id, or None when the address is known already. Runs under the claim `service`."""
    known: dict[str, Any] = {
        "id": new_id(),
        "role": "customer",
        "verified": False,
        "hash": hashed,
        "phone": None,
        **values,
    }
    known["name"] = known.pop("full_name")
    if not await queries.register(session, known):
        return None
    user_id: UUID = known["id"]
    emit(session, UserRegistered(**_facts(await existing(session, user_id))))
    return user_id


async def sign_up(session: AsyncSession, hashed: str, **values: Any) -> None:
    """A customer by themselves, who is mailed a link to verify the address. A known one stays as it is; its owner is
    mailed another link unless it is verified."""
    await register(session, hashed, **values)
    await one_time.send(session, values["email"], one_time.VERIFY, one_time.VERIFY_FOR)


async def invite(session: AsyncSession, **values: Any) -> Row[Any]:
    """A user without a password, who is mailed a link to set one. Raises AddressTaken."""
    user_id = await register(session, None, **values)
    if user_id is None:
        raise AddressTaken
    await one_time.send(session, values["email"], one_time.RESET, one_time.INVITED_FOR)
    return await existing(session, user_id)


async def existing(session: AsyncSession, user_id: UUID, *, lock: bool = False) -> Row[Any]:
    """Raises NotFound also for a user whom the caller may not see."""
    row = await queries.user(session, user_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def read(session: AsyncSession, reader: Principal, user_id: UUID) -> Row[Any]:
    """What is shown of somebody; that it was is audited. Raises NotFound."""
    row = await existing(session, user_id)
    audited_read(session, reader, "user", [user_id])
    return row


async def listed(
    session: AsyncSession, reader: Principal, words: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[Sequence[Row[Any]], bool]:
    """A page, of which it is audited whom it showed; and whether there are more."""
    rows = await queries.page(session, words, after, limit + 1)
    audited_read(session, reader, "user", [row.id for row in rows[:limit]])
    return rows[:limit], len(rows) > limit


async def update(session: AsyncSession, user_id: UUID, if_match: str | None, **changes: Any) -> Row[Any]:
    """Raises NotFound, StaleVersion, AddressTaken, InvalidPhone. A new address has to be verified anew."""
    before = await existing(session, user_id, lock=True)
    if if_match is not None and if_match not in {"*", f'"{before.version}"'}:
        raise StaleVersion
    if "phone" in changes:
        changes["phone"] = normal_phone(changes["phone"])
    changes = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if not changes:
        return before
    if "email" in changes:
        if await queries.address_taken(session, changes["email"], user_id):
            raise AddressTaken
        changes["email_verified"] = False
    row = await queries.change(session, user_id, **changes)
    emit(session, UserUpdated(**_facts(row)))
    if "email" in changes:
        await one_time.send(session, row.email, one_time.VERIFY, one_time.VERIFY_FOR)
    return row


async def set_role(session: AsyncSession, user_id: UUID, role: str) -> Row[Any]:
    """Ends the user's sessions, whose tokens carry the old role. Raises NotFound, LastAdmin."""
    admins = await queries.active_admins(session)
    before = await existing(session, user_id, lock=True)
    if before.role == role:
        return before
    if before.role == "admin" and before.active and admins <= 1:
        raise LastAdmin
    row = await queries.change(session, user_id, role=role)
    emit(session, UserRoleChanged(version=row.version, user_id=user_id, role=role))
    await end(session, user_id, "role_changed")
    return row


async def deactivate(session: AsyncSession, user_id: UUID) -> None:
    """Raises NotFound, LastAdmin."""
    admins = await queries.active_admins(session)
    before = await existing(session, user_id, lock=True)
    if not before.active:
        return
    if before.role == "admin" and admins <= 1:
        raise LastAdmin
    row = await queries.change(session, user_id, active=False)
    emit(session, UserDeactivated(version=row.version, user_id=user_id))
    await end(session, user_id, "deactivated")


async def reactivate(session: AsyncSession, user_id: UUID) -> Row[Any]:
    """Raises NotFound, Erased."""
    before = await existing(session, user_id, lock=True)
    if before.active:
        return before
    if before.email.endswith(ERASED):
        raise Erased
    row = await queries.change(session, user_id, active=True)
    emit(session, UserReactivated(**_facts(row)))
    return row
