from typing import ClassVar

from shared.errors import Conflict, RuleBroken, Texts


class AppointmentsInTheWay(Conflict):
    code = "appointments_in_the_way"
    title: ClassVar[Texts] = {"da": "Der er aftaler i perioden", "en": "There are appointments in the period"}
    detail: ClassVar[Texts] = {
        "da": "Flyt eller aflys aftalerne i appointments, eller send force: true.",
        "en": "Move or cancel the ones in appointments, or send force: true.",
    }


class RangeTooLong(RuleBroken):
    code = "range_too_long"
    title: ClassVar[Texts] = {"da": "Ugyldigt tidsrum", "en": "Invalid range"}
    detail: ClassVar[Texts] = {
        "da": "to må ikke ligge før from, og der gives højst {days} dage ad gangen.",
        "en": "to must not lie before from, and at most {days} days are given at a time.",
    }
