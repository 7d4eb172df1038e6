"""Settings of the gdpr service."""

from shared.settings import Settings


class GdprSettings(Settings):
    controller_name: str = ""  # the controller (GDPR Art. 4(7)), named in the Art. 30 record and in exports
    controller_contact: str = ""
