"""What the API's description says of auth, beside what its endpoints tell themselves."""

from services.auth.errors import (
    AddressTaken,
    CodeNeeded,
    Erased,
    InvalidCode,
    InvalidCredentials,
    InvalidCsrfToken,
    InvalidOneTimeToken,
    InvalidPhone,
    InvalidRefreshToken,
    LastAdmin,
    MfaOff,
    MfaOn,
    OwnMfa,
    ReauthenticationNeeded,
    VersionNeeded,
)
from shared.errors import NotFound
from shared.openapi.descriptions import CACHE_CONTROL, ETAG, LOCATION, SET_COOKIE, Description, told

KEPT_NOWHERE = (CACHE_CONTROL,)
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjIwMjYifQ.eyJzdWIiOiIwMTk2YjZhMCJ9.c2lnbmF0dXJl"  # noqa: S105 - none that holds
ISSUER = "https://loctician.example"
OPAQUE = "Q2hlY2tzIG5vdGhpbmcsIGp1c3QgYW4gZXhhbXBsZQ"
PASSWORD = "fem-gule-citroner"  # noqa: S105 - an example

OPERATIONS = {
    "register": told("Register as a customer", InvalidPhone),
    "resend_verification": told("Ask for the verification mail once more"),
    "verify_email": told("Verify an e-mail address", InvalidOneTimeToken),
    "forgot_password": told("Ask for a mail to set a new password"),
    "reset_password": told("Set a new password by mailed token", InvalidOneTimeToken),
    "change_password": told("Change one's password", InvalidCredentials),
    "login": told("Sign in", InvalidCredentials, CodeNeeded, InvalidCode, sends=(*KEPT_NOWHERE, SET_COOKIE)),
    "refresh": told(
        "Exchange a refresh token", InvalidRefreshToken, InvalidCsrfToken, sends=(*KEPT_NOWHERE, SET_COOKIE)
    ),
    "logout": told("Sign out", InvalidRefreshToken, InvalidCsrfToken, sends=(*KEPT_NOWHERE, SET_COOKIE)),
    "list_sessions": told("List one's sessions", sends=KEPT_NOWHERE),
    "end_session": told("End one of one's sessions", sends=KEPT_NOWHERE),
    "create_ws_ticket": told("Get a ticket for a WebSocket", sends=KEPT_NOWHERE),
    "enroll_mfa": told("Begin with a second factor", MfaOn, ReauthenticationNeeded, InvalidCredentials),
    "confirm_mfa": told("Switch the second factor on", MfaOff, InvalidCode),
    "disable_mfa": told("Switch the second factor off", MfaOff, InvalidCode),
    "jwks": told("Read the public keys", sends=(CACHE_CONTROL,)),
    "openid_configuration": told("Read where keys and tokens are had"),
    "get_me": told("Read one's account", NotFound, sends=(ETAG,)),
    "change_me": told("Change one's account", InvalidPhone, NotFound, sends=(ETAG,)),
    "list_users": told("Search users"),
    "create_user": told("Invite a user", AddressTaken, InvalidPhone, sends=(ETAG, LOCATION)),
    "get_user": told("Read a user", sends=(ETAG,)),
    "change_user": told("Change a user", VersionNeeded, AddressTaken, InvalidPhone, sends=(ETAG,)),
    "change_role": told("Give a user another role", LastAdmin, sends=(ETAG,)),
    "deactivate_user": told("Deactivate a user", LastAdmin),
    "reactivate_user": told("Reactivate a user", Erased, sends=(ETAG,)),
    "remove_mfa": told("Take a user's second factor away", OwnMfa, MfaOff),
    "verify_email_page": told("The page behind the link in a verification mail", sends=KEPT_NOWHERE),
    "reset_password_page": told("The page behind the link in a password mail", sends=KEPT_NOWHERE),
}

EXAMPLES = {
    "email": "sofie@example.dk",
    "password": PASSWORD,
    "old_password": PASSWORD,
    "new_password": "seks-blå-citroner",
    "full_name": "Sofie Ærø",
    "phone": "+4520123456",
    "code": "492039",
    "token": OPAQUE,
    "refresh_token": OPAQUE,
    "csrf_token": OPAQUE,
    "access_token": TOKEN,
    "ticket": TOKEN,
    "expires_in": 1800,
    "user_agent": "Firefox on Fedora",
    "address": "192.0.2.17",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_uri": "otpauth://totp/Loctician:sofie%40example.dk?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "recovery_codes": ["4FQ7-9KXM-2VTR", "8HWD-3PLC-6NYB"],
    "PublicKey": {"kty": "RSA", "kid": "2026", "use": "sig", "alg": "RS256", "n": "u1SU1LfVLPHC", "e": "AQAB"},
    "Configuration": {
        "issuer": ISSUER,
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "token_endpoint": f"{ISSUER}/api/v1/auth/login",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    },
    "q": "sofie",
    "cursor": None,
    "next_cursor": None,
    "if-match": '"1"',
    "Idempotency-Key": "5f1c8a52-invite",
    "X-CSRF-Token": OPAQUE,
    "__Host-loctician-refresh": OPAQUE,
}

DESCRIPTION = Description("Who is this, and may they come in: accounts, sessions, keys.", OPERATIONS, EXAMPLES)
