"""The errors of notifications."""

from typing import Any, ClassVar

from shared.errors import Conflict, RuleBroken, Texts


class DeliveryBusy(Conflict):
    code = "delivery_busy"
    title: ClassVar[Texts] = {"da": "Er ved at blive sendt", "en": "Being sent"}
    detail: ClassVar[Texts] = {
        "da": "Beskeden er ved at blive sendt. Prøv igen om et par minutter.",
        "en": "The message is being sent right now. Try again in a few minutes.",
    }


class DeliveryContentDeleted(Conflict):
    code = "delivery_spent"
    title: ClassVar[Texts] = {"da": "Indholdet er slettet", "en": "The content was deleted"}
    detail: ClassVar[Texts] = {
        "da": "Et engangslink slettes, når mailen er sendt eller opgivet, og andet indhold efter 30 dage.",
        "en": "A one-time link is deleted when its mail is sent or given up, other content after 30 days.",
    }


class ChannelRequired(RuleBroken):
    code = "channel_required"
    fields: ClassVar[dict[str, Any]] = {
        "kind": {"type": "string", "examples": ["booking"]},
        "channel": {"type": "string", "examples": ["mail"]},
    }
    title: ClassVar[Texts] = {"da": "Kan ikke slås fra", "en": "Cannot be switched off"}
    detail: ClassVar[Texts] = {
        "da": "{kind} via {channel} kan ikke slås fra, for beskederne handler om din konto og dine tider.",
        "en": "{kind} by {channel} cannot be switched off: these messages are about your account and appointments.",
    }


class UnknownChoice(RuleBroken):
    code = "unknown_choice"
    fields: ClassVar[dict[str, Any]] = {
        "kind": {"type": "string", "examples": ["booking"]},
        "channel": {"type": "string", "examples": ["mail"]},
    }
    title: ClassVar[Texts] = {"da": "Kan ikke vælges", "en": "Cannot be chosen"}
    detail: ClassVar[Texts] = {
        "da": "{kind} via {channel} kan ikke vælges.",
        "en": "{kind} by {channel} cannot be chosen.",
    }


class PhoneRequired(RuleBroken):
    code = "phone_required"
    fields: ClassVar[dict[str, Any]] = {"channel": {"type": "string", "examples": ["sms"]}}
    title: ClassVar[Texts] = {"da": "Telefonnummer mangler", "en": "Phone number missing"}
    detail: ClassVar[Texts] = {
        "da": "Tilføj et telefonnummer til din konto, før du vælger {channel}.",
        "en": "Add a phone number to your account before you choose {channel}.",
    }
