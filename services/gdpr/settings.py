from shared.settings import Settings


class GdprSettings(Settings):
    """Nothing beside the common settings; ENABLE_GDPR_FEATURES is one of them."""
