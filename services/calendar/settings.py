from services.calendar.imports.address_check import Guard
from shared.settings import Settings


class CalendarSettings(Settings):
    @property
    def guard(self) -> Guard:
        """Imported calendars come over https; while developing, over http too."""
        return Guard(plain_http=self.environment == "development")
