"""Who may call what: every endpoint behind the gateway, and the roles it admits at the door.

What a role sees behind the door (its own bookings, its own chair) is the services' Row Level Security and their tests.
"""

from typing import Final

from domain.roles import Role

Who = frozenset[str] | None

ANYONE: Final[Who] = None
SIGNED_IN: Final[Who] = frozenset(Role)
CHAIR: Final[Who] = frozenset({Role.LOCTICIAN, Role.STAFF, Role.ADMIN})
SALON: Final[Who] = frozenset({Role.STAFF, Role.ADMIN})
ADMIN: Final[Who] = frozenset({Role.ADMIN})

AUTH: Final[dict[str, Who]] = {
    "POST /api/v1/auth/register": ANYONE,
    "POST /api/v1/auth/resend-verification": ANYONE,
    "POST /api/v1/auth/verify-email": ANYONE,
    "POST /api/v1/auth/confirm-email": ANYONE,
    "POST /api/v1/auth/login": ANYONE,
    "POST /api/v1/auth/refresh": ANYONE,
    "POST /api/v1/auth/forgot-password": ANYONE,
    "POST /api/v1/auth/reset-password": ANYONE,
    "POST /api/v1/auth/logout": SIGNED_IN,
    "POST /api/v1/auth/change-password": SIGNED_IN,
    "GET /api/v1/auth/session": ANYONE,
    "GET /api/v1/auth/sessions": SIGNED_IN,
    "DELETE /api/v1/auth/sessions": SIGNED_IN,
    "DELETE /api/v1/auth/sessions/{session_id}": SIGNED_IN,
    "POST /api/v1/auth/passkeys/options": SIGNED_IN,
    "POST /api/v1/auth/passkeys": SIGNED_IN,
    "GET /api/v1/auth/passkeys": SIGNED_IN,
    "PATCH /api/v1/auth/passkeys/{passkey_id}": SIGNED_IN,
    "DELETE /api/v1/auth/passkeys/{passkey_id}": SIGNED_IN,
    "POST /api/v1/auth/passkeys/login-options": ANYONE,
    "POST /api/v1/auth/passkeys/login": ANYONE,
    "POST /api/v1/auth/mfa/enroll": SIGNED_IN,
    "POST /api/v1/auth/mfa/confirm": SIGNED_IN,
    "POST /api/v1/auth/mfa/disable": SIGNED_IN,
    "POST /api/v1/auth/ws-ticket": SIGNED_IN,
    "GET /api/v1/auth/jwks": ANYONE,
    "GET /.well-known/jwks.json": ANYONE,
    "GET /.well-known/openid-configuration": ANYONE,
    "GET /account/verify-email": ANYONE,
    "GET /sign-in/{token}": ANYONE,
    "POST /sign-in/{token}": ANYONE,
    "POST /api/v1/auth/login-link": ANYONE,
    "POST /api/v1/auth/login-code": ANYONE,
    "GET /account/reset-password": ANYONE,
    "GET /account/confirm-email": ANYONE,
    "GET /api/v1/users/me": SIGNED_IN,
    "PATCH /api/v1/users/me": SIGNED_IN,
    "POST /api/v1/users/me/email": SIGNED_IN,
    "GET /api/v1/users": SALON,
    "POST /api/v1/users": SALON,
    "GET /api/v1/users/{user_id}": SALON,
    "PATCH /api/v1/users/{user_id}": SALON,
    "DELETE /api/v1/users/{user_id}": ADMIN,
    "PUT /api/v1/users/{user_id}/role": ADMIN,
    "POST /api/v1/users/{user_id}/reactivate": ADMIN,
    "DELETE /api/v1/users/{user_id}/mfa": ADMIN,
}
BOOKING: Final[dict[str, Who]] = {
    "GET /api/v1/services": ANYONE,
    "GET /api/v1/services/{service_id}": ANYONE,
    "POST /api/v1/services": SALON,
    "PUT /api/v1/services/{service_id}": SALON,
    "DELETE /api/v1/services/{service_id}": SALON,
    "GET /api/v1/locticians": ANYONE,
    "GET /api/v1/locticians/{loctician_id}": ANYONE,
    "PUT /api/v1/locticians/{loctician_id}": CHAIR,
    "GET /api/v1/slots": ANYONE,
    "GET /api/v1/slots/days": ANYONE,
    "POST /api/v1/bookings/check-availability": ANYONE,
    "GET /api/v1/salon": ANYONE,
    "PUT /api/v1/salon": SALON,
    "POST /api/v1/media": CHAIR,
    "GET /api/v1/media/{media_id}/{size}": ANYONE,
    "DELETE /api/v1/media/{media_id}": CHAIR,
    "GET /api/v1/bookings/rules": ANYONE,
    "PUT /api/v1/bookings/rules": SALON,
    "POST /api/v1/bookings": SIGNED_IN,
    "POST /api/v1/bookings/series/{series_id}/cancel": SIGNED_IN,
    "POST /api/v1/bookings/series": SIGNED_IN,
    "GET /api/v1/bookings": SIGNED_IN,
    "GET /api/v1/bookings/{booking_id}": SIGNED_IN,
    "PUT /api/v1/bookings/{booking_id}": SIGNED_IN,
    "GET /api/v1/bookings/{booking_id}/history": SIGNED_IN,
    "POST /api/v1/bookings/{booking_id}/cancel": SIGNED_IN,
    "POST /api/v1/bookings/{booking_id}/confirm": CHAIR,
    "POST /api/v1/bookings/{booking_id}/complete": CHAIR,
    "DELETE /api/v1/bookings/{booking_id}/no-show": SALON,
    "POST /api/v1/bookings/{booking_id}/keep": SALON,
    "POST /api/v1/bookings/{booking_id}/no-show": CHAIR,
    "POST /api/v1/bookings/holds": ANYONE,  # these three: the person or the browser
    "POST /api/v1/bookings/holds/{hold_id}/prolong": ANYONE,
    "DELETE /api/v1/bookings/holds/{hold_id}": ANYONE,
    "POST /api/v1/bookings/requests": ANYONE,
    "GET /api/v1/bookings/requests/{request_id}": ANYONE,  # whoever has its secret
    "POST /api/v1/waitlist/requests": ANYONE,
    "POST /api/v1/waitlist": SIGNED_IN,
    "GET /api/v1/waitlist": SIGNED_IN,
    "DELETE /api/v1/waitlist/{waitlist_id}": SIGNED_IN,
    "GET /offers/{token}": ANYONE,  # whoever has the token
    "POST /offers/{token}": ANYONE,
    "POST /offers/{token}/decline": ANYONE,
    "GET /bookings/{booking_id}": ANYONE,  # these four: whoever has the token of a mail
    "GET /bookings/{booking_id}.ics": ANYONE,
    "POST /bookings/{booking_id}/cancel": ANYONE,
    "POST /bookings/{booking_id}/move": ANYONE,
}
CALENDAR: Final[dict[str, Who]] = {
    "GET /api/v1/calendar/holidays": ANYONE,
    "GET /api/v1/calendar/{loctician_id}": CHAIR,
    "GET /api/v1/calendar/{loctician_id}/working-hours": CHAIR,
    "PUT /api/v1/calendar/{loctician_id}/working-hours": CHAIR,
    "GET /api/v1/calendar/{loctician_id}/overrides": CHAIR,
    "PUT /api/v1/calendar/{loctician_id}/overrides/{day}": CHAIR,
    "DELETE /api/v1/calendar/{loctician_id}/overrides/{day}": CHAIR,
    "GET /api/v1/calendar/{loctician_id}/time-off": CHAIR,
    "POST /api/v1/calendar/{loctician_id}/time-off": CHAIR,
    "DELETE /api/v1/calendar/{loctician_id}/time-off/{time_off_id}": CHAIR,
    "GET /api/v1/calendar/{loctician_id}/imports": CHAIR,
    "POST /api/v1/calendar/{loctician_id}/imports": CHAIR,
    "PATCH /api/v1/calendar/{loctician_id}/imports/{import_id}": CHAIR,
    "DELETE /api/v1/calendar/{loctician_id}/imports/{import_id}": CHAIR,
    "GET /api/v1/calendar/{owner_id}/feed": SIGNED_IN,
    "POST /api/v1/calendar/{owner_id}/feed": SIGNED_IN,
    "DELETE /api/v1/calendar/{owner_id}/feed": SIGNED_IN,
    "GET /api/v1/calendar/feeds/{token}.ics": ANYONE,  # whoever has the token
}
NOTIFICATIONS: Final[dict[str, Who]] = {
    "GET /api/v1/notifications": SIGNED_IN,
    "POST /api/v1/notifications/{notice_id}/read": SIGNED_IN,
    "GET /api/v1/notifications/preferences": SIGNED_IN,
    "PUT /api/v1/notifications/preferences": SIGNED_IN,
    "GET /api/v1/notifications/unsubscribe/{topic}/{token}": ANYONE,
    "POST /api/v1/notifications/unsubscribe/{topic}/{token}": ANYONE,
    "GET /api/v1/notifications/deliveries": SALON,
    "POST /api/v1/notifications/deliveries/{delivery_id}/resend": SALON,
    "POST /api/v1/notifications/broadcast": ADMIN,
    "GET /api/v1/notifications/broadcast/{broadcast_id}": ADMIN,
}
GDPR: Final[dict[str, Who]] = {
    "GET /api/v1/users/{id}/export-data": SIGNED_IN,  # the person, or admin
    "POST /api/v1/users/{id}/anonymize": ADMIN,
    "POST /api/v1/users/me/erasure": SIGNED_IN,
    "GET /api/v1/users/me/erasure": SIGNED_IN,
    "DELETE /api/v1/users/me/erasure": SIGNED_IN,
    "GET /api/v1/gdpr/requests": ADMIN,
    "GET /api/v1/gdpr/requests/{id}": ADMIN,
    "GET /api/v1/gdpr/consents/me": SIGNED_IN,
    "PUT /api/v1/gdpr/consents/me": SIGNED_IN,
    "GET /api/v1/gdpr/retention-policies": ADMIN,
    "PUT /api/v1/gdpr/retention-policies": ADMIN,
    "POST /api/v1/gdpr/retention-runs": ADMIN,
    "GET /api/v1/gdpr/processing-records": ADMIN,
    "GET /api/v1/audit": ADMIN,
    "GET /api/v1/audit/verify": ADMIN,
}
MATRIX: Final[dict[str, dict[str, Who]]] = {
    "auth": AUTH,
    "booking": BOOKING,
    "calendar": CALENDAR,
    "notifications": NOTIFICATIONS,
    "gdpr": GDPR,
}
