"""Settings of auth, beside those that all services share."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from domain.settings.production import DeployableSettings, missing
from services.auth.signing_keys.pem import load_private_key, matches_public_key
from shared.settings import Refusal


class AuthSettings(DeployableSettings):
    service: ClassVar[str] = "auth"
    refusals: ClassVar[Mapping[str, Refusal]] = {**DeployableSettings.refusals, "jwt_private_key": missing}

    access_token_expire_minutes: int = Field(default=30, ge=1, le=1440)
    refresh_token_expire_days: int = Field(default=30, ge=1, le=365)
    app_url: str | None = None  # where the website is; passkeys belong to its host
    staff_need_second_factor: bool = False  # or a passkey; admins too
    session_max_days: int = Field(default=90, ge=1, le=365)  # since the login, however often it is refreshed
    jwt_private_key: SecretStr | None = None
    jwt_public_key: str | None = None
    jwt_key_id: str | None = Field(default=None, max_length=128)
    key_rotation_days: int = Field(default=90, ge=0, le=3650)  # 0: rotated by `loctician keys rotate` only
    key_publish_ahead_seconds: int = Field(default=600, ge=0, le=86_400)  # verifiers cache the JWKS for 300 s
    mail_utf8: bool = False  # the mail server takes SMTPUTF8: addresses like søren@example.dk can be mailed
    argon2_memory_kib: int = Field(default=19_456, ge=8_192)
    argon2_time_cost: int = Field(default=2, ge=1)
    argon2_parallelism: int = Field(default=1, ge=1)
    argon2_threads: int = Field(default=0, ge=0, le=256)  # 0: one thread a core
    argon2_queue: int = Field(default=64, ge=0, le=10_000)

    @field_validator("jwt_private_key")
    @classmethod
    def check_private_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            load_private_key(key.get_secret_value())
        return key

    @field_validator("jwt_public_key")
    @classmethod
    def check_public_key(cls, key: str | None, info: ValidationInfo) -> str | None:
        private: SecretStr | None = info.data.get("jwt_private_key")
        if key and private and not matches_public_key(key, load_private_key(private.get_secret_value())):
            raise ValueError("must be the public half of JWT_PRIVATE_KEY")
        return key
