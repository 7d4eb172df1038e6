"""Settings of the gdpr service."""

from domain.settings.production import DeployableSettings


class GdprSettings(DeployableSettings):
    controller_name: str = ""  # the controller (GDPR Art. 4(7)), named in the Art. 30 record and in exports
    controller_contact: str = ""
