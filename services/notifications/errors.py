from typing import ClassVar

from shared.errors import Conflict, Texts


class DeliveryBusy(Conflict):
    code = "delivery_busy"
    title: ClassVar[Texts] = {"da": "Er ved at blive sendt", "en": "Being sent"}
    detail: ClassVar[Texts] = {
        "da": "Beskeden er ved at blive sendt. Prøv igen om et par minutter.",
        "en": "The message is being sent right now. Try again in a few minutes.",
    }
