from shared.settings import Settings


class GdprSettings(Settings):
    controller_name: str = ""  # who answers for the data: named in the Art. 30 record and in exports
    controller_contact: str = ""
