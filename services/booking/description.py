"""What the API's description says of booking, beside what its endpoints tell themselves."""

from services.booking import errors
from services.booking.errors import UNBOOKABLE
from services.booking.slots import errors as slots
from shared.errors import NotFound, PreconditionRequired, ProblemError
from shared.openapi.descriptions import ETAG, LOCATION, Description, told

Refusals = tuple[type[ProblemError], ...]
FOR_SOMEBODY: Refusals = (errors.NotForOthers, errors.UnknownCustomer, errors.EmailNotVerified)
BOOKS: Refusals = (*UNBOOKABLE, *FOR_SOMEBODY, errors.CustomerRequired, errors.TooManyOpen)
SETTLES: Refusals = (errors.WrongStatus, errors.NotForOthers)

OPERATIONS = {
    "list_treatments": told("Search the treatments", errors.SalonOnly),
    "create_treatment": told("Add a treatment", sends=(ETAG, LOCATION)),
    "get_treatment": told("Read a treatment", sends=(ETAG,)),
    "replace_treatment": told("Change a treatment", PreconditionRequired, sends=(ETAG,)),
    "archive_treatment": told("Take a treatment out of the catalog", PreconditionRequired),
    "list_locticians": told("List the locticians", errors.SalonOnly),
    "get_loctician": told("Read a loctician's profile", sends=(ETAG,)),
    "replace_loctician": told(
        "Change a loctician's profile",
        errors.NotYourProfile,
        slots.UnknownTreatment,
        PreconditionRequired,
        sends=(ETAG,),
    ),
    "search_slots": told(
        "Find free times",
        slots.RangeTooLong,
        slots.UnknownTreatment,
        slots.UnknownLoctician,
        slots.TreatmentNotOffered,
    ),
    "check_availability": told("Ask whether a time can be booked"),
    "get_rules": told("Read the salon's rules for bookings", sends=(ETAG,)),
    "choose_rules": told("Choose the salon's rules for bookings", PreconditionRequired, sends=(ETAG,)),
    "hold_time": told("Hold a time for five minutes", *UNBOOKABLE, *FOR_SOMEBODY, sends=(LOCATION,)),
    "release_hold": told("Let a held time go"),
    "join_waitlist": told(
        "Wait for a time",
        slots.UnknownTreatment,
        slots.UnknownLoctician,
        slots.TreatmentNotOffered,
        slots.InPast,
        slots.TooFarAhead,
        errors.TooManyWishes,
        *FOR_SOMEBODY,
        errors.CustomerRequired,
        sends=(ETAG, LOCATION),
    ),
    "list_wishes": told("List the wishes on the waitlist", errors.NotForOthers),
    "leave_waitlist": told("Stop waiting"),
    "create_booking": told(
        "Book a time",
        *BOOKS,
        errors.HoldLapsed,
        errors.HoldMismatch,
        errors.WalkInHasNoAccount,
        sends=(ETAG, LOCATION),
    ),
    "create_series": told("Book a series of times", *BOOKS, errors.NothingBooked),
    "list_bookings": told("List the bookings one may see"),
    "get_booking": told("Read a booking", sends=(ETAG,)),
    "change_booking": told(
        "Move or change a booking",
        *UNBOOKABLE,
        errors.NotForOthers,
        errors.WrongStatus,
        errors.AlreadyStarted,
        errors.WindowPassed,
        PreconditionRequired,
        sends=(ETAG,),
    ),
    "cancel_booking": told("Cancel a booking", *SETTLES, errors.AlreadyStarted, sends=(ETAG,)),
    "confirm_booking": told("Confirm a booking", *SETTLES, sends=(ETAG,)),
    "complete_booking": told("Mark a booking as completed", *SETTLES, errors.NotStarted, sends=(ETAG,)),
    "miss_booking": told("Mark a booking as a no-show", *SETTLES, errors.NotStarted, sends=(ETAG,)),
    "list_changes": told("List a booking's changes", NotFound),
}

TREATMENT_ID = "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b01"
DANISH = {"name": "Retwist", "description": "Vask, retwist og pleje af dine locs."}
ENGLISH = {"name": "Retwist", "description": "Wash, retwist and care of your locs."}
PRICE = {"amount": 64900, "currency": "DKK", "formatted": "649,00 kr."}

EXAMPLES = {
    "id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b02",
    "service_id": TREATMENT_ID,
    "service_ids": [TREATMENT_ID],
    "loctician_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b03",
    "customer_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04",
    "hold_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b05",
    "end": "2026-09-14T11:30:00+02:00",
    "to": "2026-09-21T10:00:00+02:00",
    "MoneyWithVat": PRICE | {"vat": {"rate": 25, "amount": 12980}},
    "PriceInput": {"amount": 64900, "currency": "DKK"},
    "notes": "Jeg kommer fra arbejde og kan være fem minutter forsinket.",
    "internal_notes": "Sart hovedbund.",
    "reason": "slot_taken",
    "CancelRequest": {"reason": "Jeg er blevet syg."},
    "cancel_reason": "Jeg er blevet syg.",
    "name": "Retwist",
    "display_name": "Amina",
    "bio": "Locs siden 2012.",
    "description": "Vask, retwist og pleje af dine locs.",
    "phone": "+4520123456",
    "WalkIn": {"name": "Jonas", "phone": "+4520123456"},
    "BookedWalkIn": None,
    "BookingRequest": {
        "service_ids": [TREATMENT_ID],
        "loctician_id": None,
        "start": "2026-09-14T10:00:00+02:00",
        "notes": "Jeg kommer fra arbejde og kan være fem minutter forsinket.",
    },
    "SeriesRequest": {
        "service_ids": [TREATMENT_ID],
        "loctician_id": "0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b03",
        "start": "2026-09-14T10:00:00+02:00",
        "every_weeks": 6,
        "times": 4,
    },
    "ChangeRequest": {"start": "2026-09-15T12:00:00+02:00"},
    "TranslationsInput": {"da": DANISH, "en": ENGLISH},
    "translations": {"da": DANISH, "en": ENGLISH},
    "duration_minutes": 90,
    "ProcessingInput": {"start_minutes": 30, "minutes": 20},
    "Processing": {"start_minutes": 30, "minutes": 20},
    "category": "maintenance",
    "category_name": "Vedligeholdelse",
    "Highlight": {"name": "<mark>Retwist</mark>", "description": "Vask, <mark>retwist</mark> og pleje af dine locs."},
    "q": "retwist",
    "lang": "da",
    "instagram_user_id": "17841400000000000",
    "portfolio_links": ["https://example.com/amina"],
    "kind": "IMAGE",
    "caption": "Nye locs",
    "media_url": "https://example.com/media/1.jpg",
    "permalink": "https://example.com/p/1",
    "thumbnail_url": None,
    "first_day": "2026-09-14",
    "last_day": "2026-09-21",
    "earliest": "15:00",
    "latest": "20:00",
    "minimum_notice_minutes": 120,
    "horizon_days": 180,
    "cancellation_window_hours": 24,
    "open_bookings_per_customer": 20,
    "offer_minutes": 30,
    "change": "created",
    "actor_role": "customer",
    "cursor": None,
    "next_cursor": None,
    "If-Match": '"1"',
    "Idempotency-Key": "5f1c8a52-booking",
}

DESCRIPTION = Description(
    "What can be booked and what is booked: treatments, locticians, free times, bookings, waitlist.",
    OPERATIONS,
    EXAMPLES,
)
