from typing import Any, ClassVar, Literal
from uuid import UUID

from shared.events import Event

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


class _User(Event):
    user_id: UUID


class _Person(_User):
    email: str
    full_name: str
    phone: str | None
    language: Literal["da", "en"]
    role: str
    email_verified: bool


class UserRegistered(_Person, type="user.registered.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = PERSON


class UserUpdated(_Person, type="user.updated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {**PERSON, "version": 2}


class UserRoleChanged(_User, type="user.role_changed.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 3, "user_id": USER, "role": "staff"}
    role: str


class UserDeactivated(_User, type="user.deactivated.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 4, "user_id": USER}


class UserVerified(_User, type="user.verified.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "user_id": USER}


class SessionStarted(Event, type="session.started.v1", subject="session_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "session_id": SESSION, "user_id": USER}
    session_id: UUID
    user_id: UUID


class SessionRevoked(Event, type="session.revoked.v1", subject="user_id"):
    """`session_id` is null when all sessions of the user ended."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 2, "session_id": SESSION, "user_id": USER, "reason": "logout"}
    session_id: UUID | None
    user_id: UUID
    reason: Literal["logout", "reused", "password_changed", "role_changed", "deactivated", "erased"]


class LoginFailed(Event, type="login.failed.v1", subject="user_id"):
    EXAMPLE: ClassVar[dict[str, Any]] = {"version": 1, "user_id": None, "reason": "credentials"}
    user_id: UUID | None
    reason: Literal["credentials"]
