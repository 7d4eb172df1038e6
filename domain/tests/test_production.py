"""What production and staging refuse, setting by setting."""

import secrets
from base64 import b64encode

import pytest
from pydantic import ValidationError

from domain.settings.production import DeployableSettings, OperatorSettings, for_operator

GOOD: dict[str, object] = {
    "database_url": "postgresql://db/x",
    "amqp_url": "amqp://x",
    "public_url": "https://salon.test",
}
KEY = {"secret_key": secrets.token_hex(32)}
WEAK = [
    "s" * 32,
    "please-change-this-secret-key-now",
    "test-secret-key-of-at-least-32-characters",
    "a key that signs nothing, of 32 characters",
    "for-trying-out-only-and-known-to-all",
    "The quick brown fox jumps over 13 lazy dogs",
    "this-is-the-key-of-our-lovely-shop-in-town-9",
    "Password123!Password123!Password",
    "CHANGE-ME-1-CHANGE-ME-2-CHANGE-ME-3",
    "0123456789abcdef" * 2,
    "abcdefghijklmnopqrstuvwxyz012345",
    "12345678901234567890123456789012",
    "k3J9xQ2m" * 4,
    "deadbeef" * 8,
    "0" * 63 + "1",
]
UNSAFE = [
    ("debug", True, "must be off"),
    ("sql_echo", True, "must be off"),
    *(("public_url", url, "must begin with https://") for url in ("http://salon.test", "https://", "salon.test", "")),
    *(("cors_origins", origins, "must name origins") for origins in ("*", "null", "https://a.test,null", "http://a.test")),
    ("cors_origins", "https://*.salon.test", "must name origins"),
    ("secret_key", "7a560c7ea6874ea61a0c92c418e2d05388367f95cc6ed922", "must not be given to a service"),
]  # fmt: skip


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize(("name", "value", "refusal"), UNSAFE)
def test_production_and_staging_refuse_what_is_unsafe(environment: str, name: str, value: object, refusal: str) -> None:
    with pytest.raises(ValidationError, match=rf"{name}\n  Value error, {refusal}.* in {environment}"):
        DeployableSettings.model_validate(GOOD | {"environment": environment, name: value})
    DeployableSettings.model_validate(GOOD | {"environment": "test", name: value})


@pytest.mark.parametrize("key", WEAK)
def test_the_operators_key_is_random(key: str) -> None:
    with pytest.raises(ValidationError, match="must be random"):
        OperatorSettings.model_validate(GOOD | {"environment": "production", "secret_key": key})
    OperatorSettings.model_validate(GOOD | {"environment": "test", "secret_key": key})


def test_the_operator_runs_a_command_of_a_service_with_the_key_of_all() -> None:
    kind, key = for_operator(DeployableSettings), secrets.token_hex(32)
    assert kind.model_validate(GOOD | {"environment": "production", "secret_key": key}).root_key == key
    with pytest.raises(ValidationError, match="must be random"):
        kind.model_validate(GOOD | {"environment": "production", "secret_key": WEAK[0]})


def test_an_unknown_environment_is_held_to_the_rules_of_production() -> None:
    with pytest.raises(ValidationError, match="2 validation errors"):
        OperatorSettings.model_validate(GOOD | KEY | {"environment": "prod", "debug": True})


@pytest.mark.parametrize("length", [16, 24, 32, 64])
def test_random_secrets_are_taken(length: int) -> None:
    for _ in range(5):
        content = secrets.token_bytes(length)
        OperatorSettings.model_validate(GOOD | {"environment": "production", "secret_key": content.hex()})
    encoded = b64encode(bytes(range(7, 250, 11))).decode()  # fixed: one in 1,500 of these has no digit
    OperatorSettings.model_validate(GOOD | {"environment": "production", "secret_key": encoded})
