"""What the API's description says of notifications, beside what its endpoints tell themselves."""

from services.notifications.errors import DeliveryBusy, DeliverySpent, NothingToChoose, NumberNeeded, Required
from shared.openapi.descriptions import ETAG, LOCATION, Description, told

OPERATIONS = {
    "list_notices": told("Read one's inbox"),
    "read_notice": told("Mark a notice as read"),
    "get_preferences": told("Read how one is told of what", sends=(ETAG,)),
    "put_preferences": told("Choose how one is told of what", NothingToChoose, NumberNeeded, Required, sends=(ETAG,)),
    "ask_to_unsubscribe": told("Ask whether to get no more mails of a kind"),
    "unsubscribe": told("Get no more mails of a kind"),
    "list_deliveries": told("List what was sent, and what came of it"),
    "resend_delivery": told("Send something again", DeliveryBusy, DeliverySpent),
    "create_broadcast": told("Tell many at once", sends=(LOCATION,)),
    "get_broadcast": told("Ask how far a broadcast has come"),
}

BOTH = {"da": "Lukket 24. december", "en": "Closed on 24 December"}
EXAMPLES = {
    "id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d01",
    "kind": "booking_created",
    "type": "booking_update",
    "title": "Din tid er booket",
    "Title": BOTH,
    "Bodies": {"da": "Salonen holder lukket. God jul!", "en": "The salon is closed. Merry Christmas!"},
    "Broadcast": {
        "id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d02",
        "kind": "service",
        "title": BOTH,
        "body": {"da": "Salonen holder lukket. God jul!", "en": "The salon is closed. Merry Christmas!"},
        "audience": "all",
        "mail": True,
        "told": 0,
        "created_at": "2026-09-14T10:00:00+02:00",
        "done_at": None,
    },
    "status": "confirmed",
    "channel": "email",
    "token": "AZa2oHweewKdCj9vDxwrBOP7xYt0hLJt0b1q3sVd0aA",
    "error": None,
    "kinds": {"reminder": {"email": True, "sms": False}},
    "PreferenceKind": {
        "kind": "reminder",
        "channels": {"email": {"enabled": True, "required": False}},
        "consent": None,
    },
    "Preferences": {
        "language": "da",
        "phone_known": True,
        "kinds": [{"kind": "reminder", "channels": {"email": {"enabled": True, "required": False}}, "consent": None}],
        "version": 1,
    },
    "Delivery": {
        "id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d03",
        "event_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2d04",
        "recipient_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04",
        "booking_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b02",
        "channel": "email",
        "kind": "booking_created",
        "status": "sent",
        "attempts": 1,
        "error": None,
        "due_at": "2026-09-14T10:00:00+02:00",
        "sent_at": "2026-09-14T10:00:01+02:00",
        "created_at": "2026-09-14T10:00:00+02:00",
        "version": 3,
    },
    "cursor": None,
    "next_cursor": None,
    "If-Match": '"1"',
    "Idempotency-Key": "5f1c8a52-broadcast",
}

DESCRIPTION = Description("Who is told what, and was it delivered: inbox, mail, SMS.", OPERATIONS, EXAMPLES)
