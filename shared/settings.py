"""Settings that every process reads from its environment or from `.env`."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from keys.logins import broker_login, has_login, role_password, with_login

LIKE_PRODUCTION = ("staging", "production")
Refusal = Callable[[Any], str | None]


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]


class Refused(str):
    """In place of a value that cannot be used: why. Validation reports it together with all other errors."""


class FromFiles(PydanticBaseSettingsSource):
    """Reads a value from the file at the path in `<NAME>_FILE`: container engines pass secrets like this."""

    def __call__(self) -> dict[str, Any]:
        path = self.settings_cls.model_config.get("env_file")
        variables = DotEnvSettingsSource(self.settings_cls, path, env_ignore_empty=False).env_vars | os.environ
        empty = not {name.upper(): value for name, value in variables.items()}.get("ENVIRONMENT", "unset")
        fields = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        values = {name: value for value, name, _ in fields if value or (name == "environment" and value is not None)}
        return values | ({"environment": Refused("must not be empty")} if empty else {})

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = str(field.validation_alias or field_name)
        path = os.environ.get(f"{name.upper()}_FILE")
        if not path:
            return None, name, False
        try:
            content = Path(path).read_text().strip()
        except (OSError, ValueError):  # without the path: it may be the secret itself
            content = Refused(f"{name.upper()}_FILE names a file that cannot be read")
        both = content and os.environ.get(name.upper())
        return Refused(f"{name.upper()}_FILE is set too") if both else content, name, False


class Readable(BaseSettings):
    """Reads from the environment, from files named there, from that in SECRETS_FILE (one NAME=value a line), then from
    `.env`. An empty value counts as not set."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *_: Any, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        init, environment, dotenv = (sources[f"{name}_settings"] for name in ("init", "env", "dotenv"))
        own = DotEnvSettingsSource(settings_cls, os.environ.get("SECRETS_FILE") or None)
        return init, FromFiles(settings_cls), environment, own, dotenv

    @field_validator("*", mode="before")
    @classmethod
    def report_refused(cls, value: Any) -> Any:
        if isinstance(value, Refused):
            raise ValueError(value)  # noqa: TRY004 - pydantic reports ValueError alone
        if isinstance(value, str) and value.startswith("# "):  # as Compose reads `NAME=  # words`
            raise ValueError("is a comment, which needs a line of its own")
        return value


class Roles(Readable):
    database_role_prefix: str = Field(default="loctician", pattern=r"^[a-z][a-z0-9_]{0,39}$")


class Settings(Roles):
    model_config = SettingsConfigDict(validate_default=True)
    # What production and staging refuse: by field, a function of its value that returns the reason.
    refusals: ClassVar[Mapping[str, Refusal]] = {}

    environment: Literal["development", "test", "staging", "production"] = "development"
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    sql_echo: bool = False
    database_url: str
    amqp_url: str  # several, comma-separated, for a cluster
    amqp_management_url: str | None = None  # of the operator
    secret_key: SecretStr | None = Field(default=None, min_length=32)  # of the operator, and of development
    secret_key_previous: SecretStr | None = Field(default=None, min_length=32)
    public_keys: str | None = None  # of every service, as `loctician secrets` writes them
    role: Literal["all", "api", "worker"] = "all"
    public_url: str = "http://127.0.0.1:8000"
    jwt_audience: str = "loctician"
    auth_url: str = "http://127.0.0.1:8001"
    jwks_url: str | None = None
    enable_metrics: bool = True
    enable_gdpr_features: bool = True
    cors_origins: CommaSeparated = []
    otel_exporter_otlp_endpoint: str | None = None
    drain_seconds: float | None = Field(
        default=None, ge=0, le=60, description="Default: 5 in production and staging, else 0"
    )
    database_pool_size: int = Field(default=10, ge=1, le=100)

    @field_validator("*")
    @classmethod
    def refuse_in_production(cls, value: Any, info: ValidationInfo) -> Any:
        environment = info.data.get("environment", "production")
        refusal = cls.refusals.get(str(info.field_name))
        if reason := refusal(value) if refusal and environment in LIKE_PRODUCTION else None:
            raise ValueError(f"{reason} in {environment}")
        return value

    @property
    def like_production(self) -> bool:
        return self.environment in LIKE_PRODUCTION

    @property
    def seconds_to_drain(self) -> float:
        usual = 5.0 if self.like_production else 0.0
        return usual if self.drain_seconds is None else self.drain_seconds

    @property
    def root_key(self) -> str:
        """SECRET_KEY. Raises RuntimeError in a process that has only the secrets of its service."""
        if self.secret_key is None:
            raise RuntimeError("SECRET_KEY is not set")
        return self.secret_key.get_secret_value()

    @property
    def keys_url(self) -> str:
        return self.jwks_url or f"{self.auth_url.split(',')[0].strip()}/.well-known/jwks.json"  # of any replica


S = TypeVar("S", bound=Readable)


def load(settings: type[S]) -> S:
    """Reads the settings. Ends the process with one clear line for each that is invalid or missing."""
    try:
        return settings()
    except SettingsError as error:
        sys.exit(f"Cannot start: {error}")
    except ValidationError as error:
        sys.exit("\n".join(f"Cannot start: {_reason(field)}" for field in error.errors(include_input=False)))


def _reason(error: object) -> str:
    assert isinstance(error, dict)  # noqa: S101 - narrows pydantic's TypedDict
    name = "_".join(str(part) for part in error["loc"]).upper()
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def runtime_role(schema: str) -> str:
    return f"{load(Roles).database_role_prefix}_{schema}"


def runtime_url(settings: Settings, schema: str) -> str:
    """The service's own login: `<SERVICE>_DATABASE_URL`, or else its role on the server in DATABASE_URL."""
    if own := own_setting(f"{schema}_database_url"):
        return plain_url(own)
    role = runtime_role(schema)
    return with_login(plain_url(settings.database_url), role, role_password(settings.root_key, role))


def broker_url(settings: Settings, service: str) -> str:
    """The service's own login: `<SERVICE>_AMQP_URL`, or AMQP_URL, with a derived login where it has none."""
    own = own_setting(f"{service}_amqp_url")
    if own or has_login(settings.amqp_url):
        return own or settings.amqp_url
    return with_login(settings.amqp_url, *broker_login(settings.root_key, settings.amqp_url, service))


def own_setting(name: str) -> str | None:
    """A setting of one service, read like every other."""

    class Override(Readable):
        value: str | None = Field(default=None, validation_alias=name)

    return load(Override).value


def plain_url(url: str) -> str:
    """The address for asyncpg: without SQLAlchemy's suffix, and without `channel_binding`, which Neon adds and asyncpg
    would take for a setting of the session."""
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    query = "&".join(pair for pair in parts.query.split("&") if pair.partition("=")[0] != "channel_binding")
    return urlunsplit(parts._replace(scheme="postgresql" if scheme == "postgres" else scheme, query=query))
