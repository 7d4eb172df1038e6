from typing import ClassVar

from shared.errors import Conflict, Forbidden, RuleBroken, Texts


class CustomerOverlap(Conflict):
    code = "customer_overlap"
    title: ClassVar[Texts] = {"da": "Kunden har en anden tid", "en": "The customer has another appointment"}
    detail: ClassVar[Texts] = {
        "da": "Kunden har allerede en tid, der overlapper. Se de nærmeste ledige tider i alternatives.",
        "en": "The customer already has a booking that overlaps. The nearest free times are in alternatives.",
    }


class UnknownCustomer(RuleBroken):
    code = "unknown_customer"
    title: ClassVar[Texts] = {"da": "Ukendt kunde", "en": "Unknown customer"}
    detail: ClassVar[Texts] = {"da": "customer_id er ikke en aktiv kunde.", "en": "customer_id is no active customer."}


class CustomerRequired(RuleBroken):
    code = "customer_required"
    title: ClassVar[Texts] = {"da": "Kunde mangler", "en": "Customer missing"}
    detail: ClassVar[Texts] = {
        "da": "Angiv customer_id, når personalet booker.",
        "en": "Name customer_id when staff book.",
    }


class IdempotencyKeyReused(RuleBroken):
    code = "idempotency_key_reused"
    title: ClassVar[Texts] = {"da": "Idempotency-Key er brugt", "en": "Idempotency-Key was used"}
    detail: ClassVar[Texts] = {
        "da": "Samme Idempotency-Key er sendt med et andet indhold.",
        "en": "The same Idempotency-Key came with another body before.",
    }


class EmailNotVerified(Forbidden):
    code = "email_not_verified"
    title: ClassVar[Texts] = {"da": "Bekræft din e-mail", "en": "Verify your e-mail"}
    detail: ClassVar[Texts] = {
        "da": "Bekræft din e-mailadresse, før du booker.",
        "en": "Verify your e-mail address before you book.",
    }


class NotForOthers(Forbidden):
    code = "not_for_others"
    detail: ClassVar[Texts] = {
        "da": "Kun personalet booker for andre, og en loctician kun i egen stol.",
        "en": "Only staff book for others, and a loctician for the own chair only.",
    }


class WrongStatus(Conflict):
    code = "wrong_status"
    title: ClassVar[Texts] = {"da": "Forkert status", "en": "Wrong status"}
    detail: ClassVar[Texts] = {
        "da": "Bookingen er {status} og kan ikke aflyses.",
        "en": "The booking is {status} and cannot be cancelled.",
    }


class AlreadyStarted(Conflict):
    code = "already_started"
    title: ClassVar[Texts] = {"da": "Allerede begyndt", "en": "Already started"}
    detail: ClassVar[Texts] = {
        "da": "Tiden er begyndt; ring til salonen.",
        "en": "The appointment has started; please call the salon.",
    }
