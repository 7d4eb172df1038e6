"""Settings of the booking service beside the shared ones."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from domain.settings.production import DeployableSettings, not_https
from shared.settings import Refusal


class BookingSettings(DeployableSettings):
    service: ClassVar[str] = "booking"
    refusals: ClassVar[Mapping[str, Refusal]] = {**DeployableSettings.refusals, "instagram_url": not_https}

    enable_instagram: bool = False
    instagram_access_token: SecretStr | None = None
    instagram_url: str = Field(default="https://graph.instagram.com", pattern="^https?://")

    @field_validator("instagram_access_token")
    @classmethod
    def require_token(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("enable_instagram") and token is None:
            raise ValueError("must be set when ENABLE_INSTAGRAM is")
        return token
