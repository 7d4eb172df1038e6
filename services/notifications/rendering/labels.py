"""Words that all templates share. The text of each notification type is in templates/."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Labels:
    greeting: str
    treatment: str
    loctician: str
    customer: str
    time: str
    price: str
    price_of_all: str
    held_until: str
    closing: str
    unsubscribe: str
    unknown_treatment: str
    unknown_loctician: str
    unknown_customer: str
    earlier: dict[str, str]  # what a change replaced, by what changed
    page: str  # the link to the page of the booking
    calendar_file: str
    salon_wrote: str
    mailed_code: str


LABELS = {
    "da": Labels(
        greeting="Hej",
        treatment="Behandling",
        loctician="Loctician",
        customer="Kunde",
        time="Tid",
        price="Pris",
        price_of_all="Pris i alt",
        held_until="Holdes til dig indtil",
        closing="Venlig hilsen",
        unsubscribe="Afmeld mails som denne",
        unknown_treatment="Behandling",
        unknown_loctician="Salonen",
        unknown_customer="En kunde",
        earlier={
            "time": "Tidligere tid",
            "treatment": "Tidligere behandling",
            "loctician": "Tidligere loctician",
        },
        page="Se, flyt eller aflys din tid",
        calendar_file="Læg tiden i din kalender",
        salon_wrote="Besked fra salonen",
        mailed_code="Eller skriv denne kode i den browser, hvor du begyndte:",
    ),
    "en": Labels(
        greeting="Hello",
        treatment="Treatment",
        loctician="Loctician",
        customer="Customer",
        time="Time",
        price="Price",
        price_of_all="Price of all",
        held_until="Held for you until",
        closing="Kind regards",
        unsubscribe="Unsubscribe from mails like this",
        unknown_treatment="Treatment",
        unknown_loctician="The salon",
        unknown_customer="A customer",
        earlier={
            "time": "Earlier time",
            "treatment": "Earlier treatment",
            "loctician": "Earlier loctician",
        },
        page="See, move or cancel your appointment",
        calendar_file="Add it to your calendar",
        salon_wrote="Message from the salon",
        mailed_code="Or enter this code in the browser where you began:",
    ),
}
