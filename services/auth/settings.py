"""Settings of auth, beside those that all services share."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from services.auth.signing_keys.pem import load_private_key, matches_public_key
from shared.settings import Settings


class AuthSettings(Settings):
    access_token_expire_minutes: int = Field(default=30, ge=1, le=1440)
    refresh_token_expire_days: int = Field(default=30, ge=1, le=365)
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

    @model_validator(mode="after")
    def require_key_in_production(self) -> Self:
        if self.like_production and self.jwt_private_key is None:
            raise ValueError(f"JWT_PRIVATE_KEY must be set in {self.environment}")
        return self

    @model_validator(mode="after")
    def check_keys(self) -> Self:
        if self.jwt_private_key is None:
            return self
        try:
            private = load_private_key(self.jwt_private_key.get_secret_value())
        except ValueError as error:
            raise ValueError(f"JWT_PRIVATE_KEY {error}") from error
        if self.jwt_public_key is not None and not matches_public_key(self.jwt_public_key, private):
            raise ValueError("JWT_PUBLIC_KEY must be the public half of JWT_PRIVATE_KEY")
        return self
