"""A user's password: changing it, proving it again, setting a new one by mail."""

from datetime import timedelta

from services.auth import queries
from services.auth.clients import Attempt, Client
from services.auth.errors import InvalidCredentials, InvalidOneTimeToken, ReauthenticationNeeded
from services.auth.events import UserVerified
from services.auth.one_time import RESET
from services.auth.sealing import digest
from services.auth.sessions import Desk, end, fail, require_open
from shared.database.session import transaction
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.messaging.events import emit
from shared.observability.context import act_as

FRESH = timedelta(minutes=10)


async def attempt_of(desk: Desk, who: Principal, client: Client) -> Attempt:
    """The keys of the caller's own account, under which the login page counts too."""
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        await require_open(session, who)
        found = await queries.user(session, who.id)
    return Attempt.of(desk.seal, found.email if found else "", client)


async def prove(desk: Desk, who: Principal, password: str, client: Client) -> object:
    """The caller knows their password: answers when it was set. Raises InvalidCredentials, and counts the failure."""
    attempt = await attempt_of(desk, who, client)
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        known = await queries.begin_change(session, who.id, who.session_id, attempt)
    if not await desk.passwords.matches(password, known.password_hash if known else None):
        async with transaction(desk.database, SERVICE_CLAIMS) as session:
            await fail(session, who.id, attempt, "credentials")
        raise InvalidCredentials
    assert known is not None  # noqa: S101 - nothing matches a hash that is not there
    return known.changed_at


async def require_fresh(desk: Desk, who: Principal, password: str | None, client: Client) -> None:
    """Whoever changes how one signs in has just signed in, or gives the password. Raises ReauthenticationNeeded."""
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        fresh = await require_open(session, who, FRESH)
    if password is not None:
        await prove(desk, who, password, client)
    elif not fresh:
        raise ReauthenticationNeeded


async def change(desk: Desk, who: Principal, old: str, new: str, client: Client) -> None:
    """Ends the other sessions. Raises InvalidCredentials when the old password is not the one."""
    changed_at = await prove(desk, who, old, client)
    values = {"user": who.id, "session": who.session_id, "changed_at": changed_at}
    hashed = await desk.passwords.hash(new)
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        if not await queries.change_password(session, **values, hash=hashed):
            raise InvalidCredentials
        await end(session, who.id, "password_changed", but=who.session_id)


async def reset(desk: Desk, token: str, new: str, client: Client) -> None:
    """Ends every session, and forgives what was tried on the account. Raises InvalidOneTimeToken."""
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        if not await queries.token_holds(session, digest(token), RESET):
            raise InvalidOneTimeToken
    hashed = await desk.passwords.hash(new)
    async with transaction(desk.database, SERVICE_CLAIMS) as session:
        address = Attempt.of(desk.seal, "", client).address
        found = await queries.reset_password(session, digest(token), hashed, address)
        if found is None:
            raise InvalidOneTimeToken
        act_as(str(found.user_id), None)
        await queries.forgive(session, Attempt.of(desk.seal, found.email, client))
        if found.newly:
            emit(session, UserVerified(version=found.version, user_id=found.user_id))
        await end(session, found.user_id, "password_reset")
