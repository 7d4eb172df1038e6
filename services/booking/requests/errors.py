"""The errors of requests."""

from typing import ClassVar

from shared.errors import Conflict, Texts


class AlreadySignedIn(Conflict):
    code = "already_signed_in"
    title: ClassVar[Texts] = {"da": "Du er logget ind", "en": "You are signed in"}
    detail: ClassVar[Texts] = {
        "da": "Book eller skriv dig på ventelisten direkte. En forespørgsel er for den, der ikke er logget ind.",
        "en": "Book or join the waitlist directly. A request is for somebody who is not signed in.",
    }
