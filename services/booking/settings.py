"""Settings of the booking service beside the shared ones."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import Settings


class BookingSettings(Settings):
    require_verified_email: bool | None = None
    enable_instagram: bool = False
    instagram_access_token: SecretStr | None = None
    instagram_url: str = Field(default="https://graph.instagram.com", pattern="^https?://")

    @model_validator(mode="after")
    def require_verified_email_in_production(self) -> Self:
        if self.require_verified_email is None:
            self.require_verified_email = self.like_production
        return self

    @model_validator(mode="after")
    def check_instagram(self) -> Self:
        if self.enable_instagram and self.instagram_access_token is None:
            raise ValueError("ENABLE_INSTAGRAM requires INSTAGRAM_ACCESS_TOKEN")
        if self.like_production and not self.instagram_url.startswith("https://"):
            raise ValueError(f"INSTAGRAM_URL must be https in {self.environment}")
        return self
