"""The files of a deployment, and the settings that they may name."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import check_jsonschema
import yaml

from shared.settings import Settings

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")
DEPLOYABLES = {*SERVICES, "gateway"}
# read by the image, its server and the source of the settings
IMAGE_VARIABLES = {"SERVICE", "SECRETS_FILE", "FORWARDED_ALLOW_IPS", "LISTEN_HOST", "LISTEN_PORT"}
TRACING_VARIABLES = {"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}  # read by OpenTelemetry's SDK
COMPOSE_SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"


def settings_of(deployable: str) -> type[Settings]:
    package = "gateway" if deployable == "gateway" else f"services.{deployable}"
    module = importlib.import_module(f"{package}.settings")
    own = [class_ for class_ in vars(module).values() if isinstance(class_, type) and issubclass(class_, Settings)]
    return max(own, key=lambda class_: len(class_.__mro__))


def settings_classes() -> list[type[Settings]]:
    return [Settings, *map(settings_of, sorted(DEPLOYABLES))]


def known_variables(deployable: str) -> set[str]:
    """What a process of this kind reads."""
    kinds = [Settings] if deployable in {"cli", "migrate"} else [settings_of(deployable)]
    own = {f"{deployable.upper()}_{name}" for name in ("DATABASE_URL", "AMQP_URL")}
    fields = {name.upper() for kind in kinds for name in kind.model_fields} | own
    return fields | {f"{name}_FILE" for name in fields} | IMAGE_VARIABLES | TRACING_VARIABLES


def required_variables(deployable: str) -> set[str]:
    """What it does not start without in production."""
    kind = Settings if deployable == "cli" else settings_of(deployable)
    required = {name.upper() for name, field in kind.model_fields.items() if field.is_required()}
    return required | ({"JWT_PRIVATE_KEY"} if deployable == "auth" else set())


def given_to(environment: dict[str, str | None]) -> set[str]:
    """The settings that an environment gives, by value or by file."""
    return {name.removesuffix("_FILE") for name, value in environment.items() if value}


class ComposeLoader(yaml.SafeLoader):
    """Reads Compose's own tag for a list that replaces the one it would be added to."""


def _override(loader: ComposeLoader, node: yaml.SequenceNode) -> list[Any]:
    return list(loader.construct_sequence(node))


ComposeLoader.add_constructor("!override", _override)


def compose_file(name: str) -> dict[str, Any]:
    """As it stands, but each service with the settings that it extends."""
    loaded: dict[str, Any] = yaml.load((ROOT / name).read_text(), ComposeLoader)  # noqa: S506 - extends the safe one
    for service in loaded["services"].values():
        extended = service.get("extends")
        if extended:
            settings = yaml.safe_load((ROOT / extended["file"]).read_text())["services"][extended["service"]]
            service["environment"] = settings["environment"] | service["environment"]
    return loaded


def compose_schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(COMPOSE_SCHEMA.read_text())
    return loaded


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", lock.read_text(), re.MULTILINE))
