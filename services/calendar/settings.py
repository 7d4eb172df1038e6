from shared.settings import Settings


class CalendarSettings(Settings):
    pass
