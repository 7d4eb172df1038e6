"""Compose file, Dockerfile and .env.example say what the code needs."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOYABLES = {"auth", "booking", "calendar", "notifications", "gdpr", "gateway"}


def settings_classes() -> list[type[Settings]]:
    paths = [*ROOT.glob("services/*/settings.py"), *ROOT.glob("gateway/settings.py")]
    modules = [importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in paths]
    found = [value for module in modules for value in vars(module).values()]
    return [Settings, *(one for one in found if isinstance(one, type) and issubclass(one, Settings))]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


class TestEnvExample:
    def test_names_every_setting(self) -> None:
        named = set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
        wanted = {field.upper() for one in settings_classes() for field in one.model_fields}
        assert wanted - named == set()


class TestCompose:
    def test_has_a_container_for_each_deployable(self, compose: dict[str, Any]) -> None:
        assert set(compose["services"]) >= DEPLOYABLES | {"postgres", "rabbitmq", "mailpit", "migrate"}

    def test_everything_that_stays_up_has_a_health_check(self, compose: dict[str, Any]) -> None:
        silent = [name for name, one in compose["services"].items() if "healthcheck" not in one and name != "migrate"]
        assert silent == []

    def test_each_image_is_built_for_its_own_service(self, compose: dict[str, Any]) -> None:
        built = {name: compose["services"][name]["build"]["args"]["SERVICE"] for name in DEPLOYABLES}
        assert built == {name: name for name in DEPLOYABLES}

    def test_ports_are_published_on_loopback_only(self, compose: dict[str, Any]) -> None:
        ports = [port for one in compose["services"].values() for port in one.get("ports", [])]
        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)

    def test_nobody_before_the_gateway_is_believed_unless_named(self, compose: dict[str, Any]) -> None:
        said = {name: one.get("environment", {}) for name, one in compose["services"].items()}
        assert said["gateway"]["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-}"
        assert not any("FORWARDED_ALLOW_IPS" in one for one in said.values())


class TestDockerfile:
    def test_the_services_believe_the_gateway_and_the_gateway_nobody(self) -> None:
        _, _, services = (ROOT / "deploy" / "Dockerfile").read_text().partition("gateway) exec")
        front, _, behind = services.partition(";;")
        assert "--forwarded-allow-ips" not in front
        assert "--forwarded-allow-ips '*'" in behind

    def test_runs_as_an_unprivileged_user(self) -> None:
        lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
        users = [line.split()[1] for line in lines if line.startswith("USER")]
        assert users == ["10001"]

    def test_copies_only_what_is_there(self) -> None:
        lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
        copied = [line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line]
        assert [name for name in copied if not (ROOT / name).exists()] == []
