"""What is said, by language, kind and part. `{when}` is filled in; names never stand in a subject."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    subject: str
    intro: str


@dataclass(frozen=True)
class Labels:
    greeting: str
    treatment: str
    loctician: str
    customer: str
    time: str
    price: str
    closing: str
    unknown_treatment: str
    unknown_loctician: str
    unknown_customer: str
    instant: str  # a pattern of Babel's, as the next
    clock: str


LABELS = {
    "da": Labels(
        greeting="Hej",
        treatment="Behandling",
        loctician="Loctician",
        customer="Kunde",
        time="Tid",
        price="Pris",
        closing="Venlig hilsen",
        unknown_treatment="Behandling",
        unknown_loctician="Salonen",
        unknown_customer="En kunde",
        instant="EEEE d. MMMM y 'kl.' HH.mm",
        clock="HH.mm",
    ),
    "en": Labels(
        greeting="Hello",
        treatment="Treatment",
        loctician="Loctician",
        customer="Customer",
        time="Time",
        price="Price",
        closing="Kind regards",
        unknown_treatment="Treatment",
        unknown_loctician="The salon",
        unknown_customer="A customer",
        instant="EEEE d MMMM y 'at' HH:mm",
        clock="HH:mm",
    ),
}

WORDINGS = {
    "da": {
        ("booking_requested", "customer"): Wording(
            "Vi har modtaget din bestilling af tid {when}",
            "Vi har modtaget din bestilling. Salonen bekræfter den snart.",
        ),
        ("booking_created", "customer"): Wording(
            "Din tid {when} er reserveret", "Din tid er reserveret. Vi glæder os."
        ),
        ("booking_confirmed", "customer"): Wording("Din tid {when} er bekræftet", "Salonen har bekræftet din tid."),
        ("booking_rescheduled", "customer"): Wording("Din tid er flyttet til {when}", "Din tid er flyttet."),
        ("booking_cancelled", "customer"): Wording("Din tid {when} er aflyst", "Din tid er aflyst."),
        ("booking_requested", "loctician"): Wording(
            "Ny bestilling {when} venter på bekræftelse",
            "En kunde har bestilt tid hos dig. Bestillingen skal bekræftes.",
        ),
        ("booking_created", "loctician"): Wording("Ny booking {when}", "Du har fået en ny booking."),
        ("booking_confirmed", "loctician"): Wording("Booking {when} er bekræftet", "En booking hos dig er bekræftet."),
        ("booking_rescheduled", "loctician"): Wording("Booking flyttet til {when}", "En booking hos dig er flyttet."),
        ("booking_cancelled", "loctician"): Wording("Booking {when} er aflyst", "En booking hos dig er aflyst."),
    },
    "en": {
        ("booking_requested", "customer"): Wording(
            "We have received your request for {when}", "We have received your request. The salon will confirm it soon."
        ),
        ("booking_created", "customer"): Wording(
            "Your appointment {when} is booked", "Your appointment is booked. We look forward to seeing you."
        ),
        ("booking_confirmed", "customer"): Wording(
            "Your appointment {when} is confirmed", "The salon has confirmed your appointment."
        ),
        ("booking_rescheduled", "customer"): Wording(
            "Your appointment has moved to {when}", "Your appointment has been moved."
        ),
        ("booking_cancelled", "customer"): Wording(
            "Your appointment {when} is cancelled", "Your appointment has been cancelled."
        ),
        ("booking_requested", "loctician"): Wording(
            "New request {when} awaits confirmation",
            "A customer has asked for a time with you. It awaits confirmation.",
        ),
        ("booking_created", "loctician"): Wording("New booking {when}", "You have a new booking."),
        ("booking_confirmed", "loctician"): Wording("Booking {when} is confirmed", "A booking with you is confirmed."),
        ("booking_rescheduled", "loctician"): Wording("Booking moved to {when}", "A booking with you has been moved."),
        ("booking_cancelled", "loctician"): Wording("Booking {when} is cancelled", "A booking with you is cancelled."),
    },
}
