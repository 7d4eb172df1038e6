"""Settings of the calendar service."""

from typing import ClassVar

from domain.settings.production import DeployableSettings
from services.calendar.imports.address_check import AddressPolicy


class CalendarSettings(DeployableSettings):
    service: ClassVar[str] = "calendar"
    app_url: str | None = None

    @property
    def link_base(self) -> str:
        """Where operators of imported calendars find who fetches them."""
        return self.app_url or self.public_url

    @property
    def address_policy(self) -> AddressPolicy:
        """Imported calendars are fetched over https; in development also over http."""
        return AddressPolicy(plain_http=self.environment == "development")
