"""deploy/compose/settings.yml: what each container of Compose takes from `.env`, from the settings classes."""

import importlib
from collections.abc import Iterable

from cli.services import SCHEMAS, SERVICES
from domain.settings.production import DeployableSettings, OperatorSettings
from shared.settings import Settings

HEAD = """\
# Written by `loctician contracts generate` from the settings classes: what each container takes from `.env`, if it is
# set there. docker-compose.yml sets the others itself.
"""
TRACING = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")  # read by OpenTelemetry's SDK
# Compose knows these itself; the operator's secrets and the signing key are files alone.
SET_BY_COMPOSE = {
    "environment",
    "database_url",
    "amqp_url",
    "amqp_management_url",
    "secret_key",
    "secret_key_previous",
    "public_keys",
    "public_url",
    *(f"{service}_url" for service in SERVICES),
    "trusted_proxies",
    "jwt_private_key",
    "audit_anchor_file",
}


def settings_of(deployable: str) -> type[DeployableSettings]:
    package = "gateway" if deployable == "gateway" else f"services.{deployable}"
    kinds = vars(importlib.import_module(f"{package}.settings")).values()
    return next(
        kind
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, DeployableSettings) and kind.service == deployable
    )


def containers() -> dict[str, list[type[Settings]]]:
    """The classes that the processes of each container read."""
    services = {name: settings_of(name) for name in SCHEMAS}
    return {
        **{name: [kind] for name, kind in services.items()},
        "migrate": [OperatorSettings],
        "all": list(services.values()),  # in one container: one.yml
        "cli": [OperatorSettings, services["auth"], services["gdpr"]],
    }


def passed_on(kinds: Iterable[type[Settings]]) -> list[str]:
    """Names of the variables, sorted."""
    fields = {name for kind in kinds for name in kind.model_fields} - SET_BY_COMPOSE
    return sorted({name.upper() for name in fields} | set(TRACING))


def compose_settings() -> str:
    """YAML. A variable without a value has that of `.env`, and is not set if it is not there."""
    lines = ["services:"]
    for container, kinds in containers().items():
        lines += [f"  {container}:", "    environment:", *(f"      {name}:" for name in passed_on(kinds))]
    return HEAD + "\n".join(lines) + "\n"
