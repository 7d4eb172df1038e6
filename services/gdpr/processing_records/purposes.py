"""Purposes, legal bases and periods in words, for the Art. 30 record and for exports."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Texts


@dataclass(frozen=True)
class Purpose:
    text: Texts
    legal_basis: str  # of GDPR Art. 6(1)


PURPOSES: Mapping[str, Purpose] = {
    "account": Purpose({"da": "Din konto og login", "en": "Your account and login"}, "6(1)(b)"),
    "appointments": Purpose({"da": "Aftaler om behandling", "en": "Appointments for treatment"}, "6(1)(b)"),
    "bookkeeping": Purpose(
        {"da": "Bogføring (bogføringsloven § 12)", "en": "Bookkeeping (Danish Bookkeeping Act § 12)"}, "6(1)(c)"
    ),
    "calendar": Purpose({"da": "Medarbejdernes arbejdstid", "en": "Working hours of the staff"}, "6(1)(b)"),
    "messages": Purpose({"da": "Beskeder om aftaler", "en": "Messages about appointments"}, "6(1)(b)"),
    "security": Purpose({"da": "Sikkerhed mod misbrug", "en": "Protection against abuse"}, "6(1)(f)"),
    "operation": Purpose({"da": "Drift af systemet", "en": "Running the system"}, "6(1)(f)"),
    "accountability": Purpose(
        {
            "da": "Dokumentation for lovlig behandling (art. 5, stk. 2)",
            "en": "Evidence of lawful processing (Art. 5(2))",
        },
        "6(1)(c)",
    ),
    "rights": Purpose({"da": "Opfyldelse af dine rettigheder", "en": "Fulfilling your rights"}, "6(1)(c)"),
    "consent": Purpose({"da": "Det, du har sagt ja til", "en": "What you have agreed to"}, "6(1)(a)"),
}

PERIODS: Mapping[str, Texts] = {
    "published": {
        "da": "Til beskeden er sendt, normalt under et sekund",
        "en": "Until it is sent, usually within a second",
    },
    "erased": {"da": "Til du bliver slettet", "en": "Until you are erased"},
    "account_closed": {"da": "Så længe kontoen findes", "en": "As long as the account exists"},
    "exports": {"da": "7 dage", "en": "7 days"},
    "five_years": {"da": "5 år", "en": "5 years"},
    "always": {"da": "Uden tidsgrænse", "en": "Without a limit"},
}


def period_text(keep: str, policies: Mapping[str, int], language: str) -> str:
    """`keep` is a period of PERIODS, or the name of one of the service's policies, whose days are in `policies`."""
    if keep in PERIODS:
        return PERIODS[keep][language]
    if keep not in policies:
        return ""
    return f"{policies[keep]} dage" if language == "da" else f"{policies[keep]} days"
