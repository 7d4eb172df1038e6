"""Settings of the booking service beside the shared ones."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from domain.settings.production import DeployableSettings, not_https
from shared.settings import Refusal


class BookingSettings(DeployableSettings):
    refusals: ClassVar[Mapping[str, Refusal]] = {**DeployableSettings.refusals, "instagram_url": not_https}

    require_verified_email: bool | None = None
    enable_instagram: bool = False
    instagram_access_token: SecretStr | None = None
    instagram_url: str = Field(default="https://graph.instagram.com", pattern="^https?://")

    @model_validator(mode="after")
    def require_verified_email_in_production(self) -> Self:
        if self.require_verified_email is None:
            self.require_verified_email = self.like_production
        return self

    @field_validator("instagram_access_token")
    @classmethod
    def require_token(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("enable_instagram") and token is None:
            raise ValueError("must be set when ENABLE_INSTAGRAM is")
        return token
