"""The texts of the page of an offer, in Danish and English."""

from typing import Any

WORDS: dict[str, dict[str, Any]] = {
    "da": {
        "treatment": "Behandling",
        "loctician": "Loctician",
        "time": "Tid",
        "price": "Pris",
        "accept": "Ja tak, book tiden",
        "decline": "Nej tak, giv tiden videre",
        "states": {
            "open": ("Vi har en tid til dig", "Vi holder tiden til dig. Svar senest {deadline}."),
            "booked": ("Tiden er din", "Din tid er booket. Vi glæder os til at se dig."),
            "requested": ("Vi har modtaget din booking", "Tiden er din, så snart salonen har bekræftet den."),
            "cancelled": (
                "Tiden er aflyst",
                "Du bookede tiden, men den er aflyst siden. Du er velkommen til at booke igen.",
            ),
            "lapsed": (
                "Tilbuddet er udløbet",
                "Vi holdt tiden til dig indtil {deadline}. Du står stadig på ventelisten og hører fra os, næste gang "
                "der bliver en tid ledig.",
            ),
            "ended": (
                "Tiden er givet videre",
                "Vi holder den ikke længere til dig. Du står stadig på ventelisten og hører fra os, næste gang der "
                "bliver en tid ledig.",
            ),
            "gone": (
                "Tilbuddet gælder ikke længere",
                "Har du fået en nyere mail om en ledig tid, så brug linket i den. Ellers er du velkommen til at "
                "booke en tid eller skrive dig på ventelisten.",
            ),
        },
        "booking": "Se, flyt eller aflys din tid",
        "by_hand": "Salonen bekræfter tiden bagefter.",
    },
    "en": {
        "treatment": "Treatment",
        "loctician": "Loctician",
        "time": "Time",
        "price": "Price",
        "accept": "Yes please, book it",
        "decline": "No thanks, offer it to somebody else",
        "states": {
            "open": ("We have a time for you", "We are holding it for you. Please answer by {deadline}."),
            "booked": ("The time is yours", "Your appointment is booked. We look forward to seeing you."),
            "requested": ("We have received your booking", "The time is yours once the salon has confirmed it."),
            "cancelled": (
                "The appointment is cancelled",
                "You booked the time, but it has since been cancelled. You are welcome to book again.",
            ),
            "lapsed": (
                "The offer has expired",
                "We held the time for you until {deadline}. You are still on the waitlist, and we will write to you "
                "the next time one becomes free.",
            ),
            "ended": (
                "The time has been passed on",
                "We are no longer holding it for you. You are still on the waitlist, and we will write to you the next "
                "time one becomes free.",
            ),
            "gone": (
                "The offer is no longer valid",
                "If you have a newer mail about a free time, use the link in that. Otherwise you are welcome to book "
                "a time or to join the waitlist.",
            ),
        },
        "booking": "See, move or cancel your appointment",
        "by_hand": "The salon will confirm it afterwards.",
    },
}
# Shown above an open offer that could not be booked, by the code of the error.
REFUSALS = {
    "da": {
        "too_many_open": "Du kan ikke have flere kommende tider. Aflys en af dem først, eller ring til os.",
        "other": "Tiden kan ikke bookes her. Ring til os.",
    },
    "en": {
        "too_many_open": "You have as many upcoming appointments as you can have. Cancel one first, or call us.",
        "other": "The time cannot be booked here. Please call us.",
    },
}
INVALID = {
    "da": ("Linket virker ikke", "Se, om hele adressen er kommet med, eller åbn linket i mailen igen."),
    "en": ("The link does not work", "Check that the address is complete, or open the link in the mail again."),
}
