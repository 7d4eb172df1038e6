"""The events that auth publishes. docs/asyncapi.json and shared/contracts are generated from them."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

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
}
MAILED: dict[str, Any] = {
    "version": 1,
    "user_id": USER,
    "email": "kirsten@example.com",
    "full_name": "Kirsten Ærø",
    "language": "da",
    "token": "wN6nYgPcBq3oSX0bZ2y8m5LrKd1vEJh7TfUaGxQiC4k",
    "expires_at": "2026-03-02T09:00:00Z",
}
Reason = Literal[
    "logout", "reused", "password_changed", "password_reset", "role_changed", "deactivated", "erased", "revoked"
]
FailureReason = Literal["credentials", "locked", "code", "mail_refused"]


class _User(Event):
    user_id: UUID


class _Person(_User):
    email: str
    full_name: str
    phone: str | None
    language: Literal["da", "en"]
    role: str
    email_verified: bool


class _Mailed(_User):
    """`token` is a secret for the mail. It works once, until `expires_at`."""

    email: str
    full_name: str
    language: Literal["da", "en"]
    token: str
    expires_at: datetime


class UserRegistered(_Person, type="user.registered.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = PERSON


class UserUpdated(_Person, type="user.updated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {**PERSON, "version": 2}


class UserRoleChanged(_User, type="user.role_changed.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 3, "user_id": USER, "role": "staff"}
    role: str


class UserDeactivated(_User, type="user.deactivated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 4, "user_id": USER}


class UserReactivated(_Person, type="user.reactivated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {**PERSON, "version": 5}


class UserVerified(_User, type="user.verified.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER}


class UserNeverVerified(_User, type="user.never_verified.v1", subject="user_id"):
    """The user registered long ago and never verified the address. gdpr has the user erased."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "user_id": USER}


class UserVerificationRequested(_Mailed, type="user.verification_requested.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = MAILED


class UserPasswordResetRequested(_Mailed, type="user.password_reset_requested.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = MAILED


class UserMfaEnabled(_User, type="user.mfa_enabled.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER}


class UserMfaDisabled(_User, type="user.mfa_disabled.v1", subject="user_id"):
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
    session_id: UUID | None
    user_id: UUID
    reason: Reason


class LoginFailed(Event, type="login.failed.v1", subject="user_id"):
    """A null `user_id`: no active user has the address. `mail_refused`: no token was mailed to the address."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "user_id": None, "reason": "credentials"}
    user_id: UUID | None
    reason: FailureReason


class LoginLocked(Event, type="login.locked.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "user_id": USER, "until": "2026-03-02T09:15:00Z"}
    user_id: UUID | None
    until: datetime


class KeysRotated(Event, type="keys.rotated.v1", subject="kid"):
    """The new key is published from now on. It signs after KEY_PUBLISH_AHEAD_SECONDS."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}
    kid: str
