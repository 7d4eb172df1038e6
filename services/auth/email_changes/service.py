"""A person changes their own address: it counts once the link that was mailed to the new one is used."""

import secrets
from datetime import UTC, datetime, timedelta

from domain.messages import seal_message
from services.auth.context import AuthContext
from services.auth.email_changes import queries
from services.auth.encryption import token_digest
from services.auth.errors import AddressUnchanged, InvalidOneTimeToken, OtherBrowser
from services.auth.events import UserEmailChangeRequested, UserUpdated
from services.auth.logins.client import Client
from services.auth.one_time_tokens.macs import has_mac, token_mac
from services.auth.passwords.service import require_recent_login
from services.auth.users.service import email_changed, require_user, state_of
from services.auth.users.signed_accounts import sign_new_address
from shared.database.session import transaction
from shared.identity.derived_keys import keys_of
from shared.identity.principals import SERVICE_CLAIMS, Principal
from shared.messaging.events import emit
from shared.observability.context import act_as

LIFETIME = timedelta(hours=24)
CHANGE = "change of address"


async def request(
    context: AuthContext, principal: Principal, email: str, password: str | None, client: Client, browser: bytes
) -> None:
    """Has a link mailed to the new address, and tells the old one. `browser`: the digest of its cookie.

    An address that another user has is mailed nothing; neither the answer nor its time tells. Raises Unauthorized,
    ReauthenticationNeeded, WrongPassword, AddressUnchanged.
    """
    await require_recent_login(context, principal, password, client)
    token, expires = secrets.token_urlsafe(32), datetime.now(UTC) + LIFETIME
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        if (await require_user(session, principal.id)).email == email:
            raise AddressUnchanged
        token_hash = token_digest(token)
        mac = token_mac(keys_of(session), CHANGE, token_hash, principal.id, email, expires, browser)
        user = await queries.request(session, principal.id, email, token_hash, expires)
        await queries.sign(session, token_hash, mac)
        if user is None:
            return
        person = {name: getattr(user, name) for name in ("version", "user_id", "email", "full_name", "language")}
        sealed = seal_message(keys_of(session), user.user_id, token) if user.free else None
        to_mail = {"new_email": email, "token": sealed, "expires_at": expires}
        emit(session, UserEmailChangeRequested(**person, **to_mail))


async def confirm(context: AuthContext, token: str, browser: bytes) -> None:
    """The sessions stay; links that were mailed to the old address end.

    The MAC covers the browser that asked, so with another `browser` the row does not count: OtherBrowser. Raises
    InvalidOneTimeToken and AccountAltered too.
    """
    async with transaction(context.database, SERVICE_CLAIMS) as session:
        token_hash = token_digest(token)
        row = await queries.read(session, token_hash)
        if row is None or row.mac is None:
            raise InvalidOneTimeToken
        parts = (CHANGE, token_hash, row.user_id, row.email, row.expires_at, browser)
        if not has_mac(keys_of(session), row.mac, *parts):
            raise OtherBrowser
        changed = await queries.confirm(session, token_hash)
        if changed is None:
            raise InvalidOneTimeToken
        act_as(str(changed.user_id), None)
        user = await require_user(session, changed.user_id)
        await sign_new_address(session, user, changed.old_email)
        emit(session, UserUpdated(**state_of(user)))
        emit(session, email_changed(user, changed.old_email))
