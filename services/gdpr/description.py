"""What the API's description says of gdpr, beside what its endpoints tell themselves."""

from services.gdpr.errors import (
    ConsentTextChanged,
    KeepOutOfBounds,
    LastAdmin,
    UnknownPolicy,
    UnknownPurpose,
    UpcomingDuty,
)
from shared.errors import NotFound
from shared.openapi.descriptions import LOCATION, RETRY_AFTER, Description, Operation, told

OPERATIONS = {
    "list_audit": told("Search the audit log"),
    "verify_audit": told("Check the audit log's chain"),
    "export_data": told("Export what is held on a person", sends=(RETRY_AFTER,)),
    "anonymize_user": told("Erase a person", LastAdmin, UpcomingDuty, sends=(LOCATION, RETRY_AFTER)),
    "list_requests": told("List exports and erasures"),
    "get_request": told("Ask how far an export or erasure has come"),
    "list_consents": told("Read one's consents"),
    "answer_consents": told("Give or withdraw consent", ConsentTextChanged, UnknownPurpose),
    "list_policies": told("List for how long what is kept"),
    "choose_policies": told("Choose for how long what is kept", UnknownPolicy, KeepOutOfBounds),
    "start_retention_run": told("Count or remove what is past its time"),
    "get_processing_record": told("Read the record of processing activities (Art. 30)"),
}
# Without ENABLE_GDPR_FEATURES none of them exists.
OPERATIONS = {name: Operation(one.summary, (*one.raises, NotFound), one.sends) for name, one in OPERATIONS.items()}

EXAMPLES = {
    "action": "booking.created.v1",
    "entity": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b02",
    "actor": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04",
    "person": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04",
    "actor_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04",
    "actor_role": "customer",
    "people": ["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04"],
    "request_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2e01",
    "source": "/services/booking",
    "data": {"status": "confirmed"},
    "to": "2026-09-21T10:00:00+02:00",
    "head": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "broken": None,
    "next_id": None,
    "service": "booking",
    "rows": 1024,
    "Answered": {
        "service": "booking",
        "answered_at": "2026-09-14T10:00:02+02:00",
        "rows": {"bookings": 4},
        "dead_letters": 0,
    },
    "finished_at": None,
    "expires_at": None,
    "waiting_for": ["notifications"],
    "purpose": "marketing",
    "text": "Jeg vil gerne have nyheder og tilbud fra salonen.",
    "policy": "bookings",
    "table": "bookings",
    "keep_days": 1825,
    "default_days": 1825,
    "least_days": 365,
    "most_days": 3650,
    "name": "Loctician ApS",
    "contact": "privacy@loctician.example",
    "recipients": "Ingen uden for salonen.",
    "measures": "Kryptering, adgangskontrol, revisionslog.",
    "Activity": {
        "service": "booking",
        "table": "bookings",
        "purpose": "bookkeeping",
        "purpose_text": "Bogføring (bogføringsloven § 12)",
        "legal_basis": "6(1)(c)",
        "keep": "five_years",
        "keep_text": "5 år",
        "personal": ["notes"],
        "pseudonymous": ["customer_id"],
    },
    "ProcessingRecord": {
        "controller": {"name": "Loctician ApS", "contact": "privacy@loctician.example"},
        "people": "Kunder og medarbejdere.",
        "recipients": "Ingen uden for salonen.",
        "measures": "Kryptering, adgangskontrol, revisionslog.",
        "activities": [],
    },
    "accept": "application/json",
    "cursor": None,
    "next_cursor": None,
}

DESCRIPTION = Description("What is held on a person, and who did what: rights, consents, audit.", OPERATIONS, EXAMPLES)
