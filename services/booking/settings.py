from typing import Self

from pydantic import model_validator

from shared.settings import Settings


class BookingSettings(Settings):
    require_verified_email: bool | None = None

    @model_validator(mode="after")
    def verified_in_production(self) -> Self:
        if self.require_verified_email is None:
            self.require_verified_email = self.environment == "production"
        return self
