"""Settings of the calendar service."""

from services.calendar.imports.address_check import AddressPolicy
from shared.settings import Settings


class CalendarSettings(Settings):
    @property
    def address_policy(self) -> AddressPolicy:
        """Imported calendars are fetched over https; in development also over http."""
        return AddressPolicy(plain_http=self.environment == "development")
