"""Words that all templates share, and date formats. The text of each notification type is in templates/."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Labels:
    greeting: str
    treatment: str
    loctician: str
    customer: str
    time: str
    price: str
    held_until: str
    closing: str
    unsubscribe: str
    unknown_treatment: str
    unknown_loctician: str
    unknown_customer: str
    instant: str  # a Babel pattern, like `clock`
    clock: str
    summer_time: str
    winter_time: str


LABELS = {
    "da": Labels(
        greeting="Hej",
        treatment="Behandling",
        loctician="Loctician",
        customer="Kunde",
        time="Tid",
        price="Pris",
        held_until="Holdes til dig indtil",
        closing="Venlig hilsen",
        unsubscribe="Afmeld mails som denne",
        unknown_treatment="Behandling",
        unknown_loctician="Salonen",
        unknown_customer="En kunde",
        instant="EEEE 'den' d. MMMM y 'kl.' HH.mm",
        clock="HH.mm",
        summer_time="sommertid, UTC+2",
        winter_time="vintertid, UTC+1",
    ),
    "en": Labels(
        greeting="Hello",
        treatment="Treatment",
        loctician="Loctician",
        customer="Customer",
        time="Time",
        price="Price",
        held_until="Held for you until",
        closing="Kind regards",
        unsubscribe="Unsubscribe from mails like this",
        unknown_treatment="Treatment",
        unknown_loctician="The salon",
        unknown_customer="A customer",
        instant="EEEE d MMMM y 'at' HH:mm",
        clock="HH:mm",
        summer_time="summer time, UTC+2",
        winter_time="winter time, UTC+1",
    ),
}
