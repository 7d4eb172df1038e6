from shared.settings import Settings


class GdprSettings(Settings):
    pass
