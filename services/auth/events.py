"""The events that auth publishes. docs/asyncapi.json and shared/contracts are generated from them."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel

from domain.roles import Role
from shared.messaging.events import Event

USER = "0197f0a0-0000-7000-8000-000000000001"
SESSION = "0197f0a0-0000-7000-8000-000000000002"
PERSON: dict[str, Any] = {
    "version": 1,
    "user_id": USER,
    "email": "kirsten@example.com",
    "full_name": "Kirsten Ærø",
    "phone": "+4520123456",
    "language": "da",
    "role": "customer",
    "email_verified": False,
    "active": True,
}
MAILED: dict[str, Any] = {
    "version": 1,
    "user_id": USER,
    "email": "kirsten@example.com",
    "full_name": "Kirsten Ærø",
    "language": "da",
    "token": "c2VhbGVk",
    "expires_at": "2026-03-02T09:00:00Z",
}
Reason = Literal[
    "logout",
    "reused",
    "password_changed",
    "password_reset",
    "role_changed",
    "deactivated",
    "erased",
    "revoked",
    "address_proven",
]
PasswordReason = Literal["first", "changed", "reset"]
FailureReason = Literal["credentials", "locked", "code", "mail_refused"]


class _User(Event):
    user_id: UUID


class _Person(_User):
    """The whole state of the user at `version`. The event's type says what was changed.

    Consumers store the state of the newest version, whatever the type.
    """

    signed: ClassVar[bool] = True
    email: str
    full_name: str
    phone: str | None
    language: Literal["da", "en"]
    role: Role
    email_verified: bool
    active: bool


class _Mailed(_User):
    """`token` is a secret for the mail, sealed for notifications alone. It works once, until `expires_at`."""

    email: str
    full_name: str
    language: Literal["da", "en"]
    token: str
    expires_at: datetime


class UserRegistered(_Person, type="user.registered.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = PERSON


class UserUpdated(_Person, type="user.updated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {**PERSON, "version": 2}


class UserRoleChanged(_Person, type="user.role_changed.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {**PERSON, "version": 3, "role": "staff"}


class UserDeactivated(_Person, type="user.deactivated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {**PERSON, "version": 4, "active": False}


class UserReactivated(_Person, type="user.reactivated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {**PERSON, "version": 5}


class UserVerified(_Person, type="user.verified.v1", subject="user_id"):
    """The user has proven to read the mail of the address.

    `reset`: for the first time, and in another browser than the one that registered it. What was set before may be a
    stranger's: auth has removed password, second factor, sessions and phone; each service removes what it has.
    `request_id`: what the user has confirmed with it. Then the event comes also for an address that was verified
    before, with an unchanged version.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **PERSON,
        "version": 2,
        "email_verified": True,
        "reset": False,
        "request_id": None,
    }
    reset: bool = False
    request_id: UUID | None = None


class UserNeverVerified(_User, type="user.never_verified.v1", subject="user_id"):
    """The user registered long ago and never verified the address. gdpr has the user erased."""

    signed: ClassVar[bool] = True
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "user_id": USER}


class UserVerificationRequested(_Mailed, type="user.verification_requested.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = MAILED


class UserPasswordResetRequested(_Mailed, type="user.password_reset_requested.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = MAILED


class UserInvited(_Mailed, type="user.invited.v1", subject="user_id"):
    """The salon has added the user, who sets the first password with the token."""

    EXAMPLE: ClassVar[dict[str, Any]] = {**MAILED, "role": "loctician"}
    role: Role


class RequestedTime(BaseModel):
    """What somebody without a session has asked booking for, as booking.requested.v1 says it."""

    kind: Literal["booking", "waitlist"]
    service_ids: list[UUID]
    loctician_id: UUID | None
    start: datetime | None
    end: datetime | None
    price_amount: int | None


class UserLinkRequested(_Mailed, type="user.link_requested.v1", subject="user_id"):
    """A link that signs in is to be mailed, with its six-digit `code`, sealed as the token is.

    `purpose` request: somebody has asked for what `request` says, and confirms it with the link.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **MAILED,
        "purpose": "request",
        "code": "c2VhbGVk",
        "request": {
            "kind": "booking",
            "service_ids": ["0197f0a0-0000-7000-8000-000000000003"],
            "loctician_id": "0197f0a0-0000-7000-8000-000000000004",
            "start": "2026-03-10T09:00:00Z",
            "end": "2026-03-10T10:30:00Z",
            "price_amount": 64900,
        },
    }
    purpose: Literal["login", "request"]
    code: str
    request: RequestedTime | None


class UserEmailChangeRequested(_User, type="user.email_change_requested.v1", subject="user_id"):
    """The user wants another address. `email` is the one until that is confirmed; it is to be told at once.

    `token` is a secret for the mail to `new_email`, sealed for notifications alone. Null: nothing is mailed there.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = {**MAILED, "new_email": "kirsten@example.dk"}
    email: str
    new_email: str
    full_name: str
    language: Literal["da", "en"]
    token: str | None
    expires_at: datetime


class UserEmailChanged(_User, type="user.email_changed.v1", subject="user_id"):
    """Beside user.updated.v1, which has the new state: `old_email` is to be told too."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "version": 2,
        "user_id": USER,
        "email": "kirsten@example.dk",
        "old_email": "kirsten@example.com",
        "full_name": "Kirsten Ærø",
        "language": "da",
    }
    email: str
    old_email: str
    full_name: str
    language: Literal["da", "en"]


class UserPasswordChanged(_User, type="user.password_changed.v1", subject="user_id"):
    """`first`: an invited user has set the first one. `reset`: by the mailed link for a forgotten password."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER, "reason": "changed"}
    reason: PasswordReason


class UserMfaEnabled(_User, type="user.mfa_enabled.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER}


class UserMfaDisabled(_User, type="user.mfa_disabled.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER}


class UserPasskeyAdded(_User, type="user.passkey_added.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER}


class UserPasskeyRemoved(_User, type="user.passkey_removed.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER}


class SessionStarted(Event, type="session.started.v1", subject="session_id"):
    """`new_device`: the user has logged in before, but never with this kind of user agent."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "session_id": SESSION, "user_id": USER, "new_device": True}
    session_id: UUID
    user_id: UUID
    new_device: bool = False


class SessionRefreshed(Event, type="session.refreshed.v1", subject="session_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "session_id": SESSION, "user_id": USER}
    session_id: UUID
    user_id: UUID


class SessionRevoked(Event, type="session.revoked.v1", subject="user_id"):
    """Published for each session that ended. A null `session_id` means all sessions of the user."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "session_id": SESSION, "user_id": USER, "reason": "logout"}
    signed: ClassVar[bool] = True
    session_id: UUID | None
    user_id: UUID
    reason: Reason


class LoginFailed(Event, type="login.failed.v1", subject="user_id"):
    """A null `user_id`: no active user has the address. `mail_refused`: no token was mailed to the address."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "user_id": None, "reason": "credentials"}
    user_id: UUID | None
    reason: FailureReason


class LoginLocked(Event, type="login.locked.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "user_id": USER, "expires_at": "2026-03-02T09:15:00Z"}
    user_id: UUID | None
    expires_at: datetime


class KeysRotated(Event, type="keys.rotated.v1", subject="kid"):
    """The new key is published from now on. It signs after KEY_PUBLISH_AHEAD_SECONDS."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}
    kid: str
