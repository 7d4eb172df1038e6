"""Compose files, Dockerfile, locks and .env.example say what the code needs, and give no more than it needs."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.tests.documents import (
    DEPLOYABLES,
    ROOT,
    SERVICES,
    compose_file,
    compose_schema,
    given_to,
    known_variables,
    pins,
    required_variables,
)
from shared.messaging.consumer import STOP_TIMEOUT

COMPOSE, LOCAL, STORE = "docker-compose.yml", "deploy/compose/local.yml", "deploy/compose/store.yml"
ONE = "deploy/compose/one.yml"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
SECRET_NAMES = re.compile(r"(SECRET|PASSWORD|PRIVATE_KEY|API_KEY|TOKEN|SMTP_URL|AMQP_URL)")
PREFIX = "${SUBNET_PREFIX:-172.31}"
OPERATORS = {"migrate", "cli"}
OBSERVERS = {"prometheus", "alertmanager", "grafana", "node-exporter", "postgres-exporter", "blackbox-exporter"}
EXTERNAL = {"booking", "calendar", "notifications"}  # Instagram, imported calendars, mail and SMS


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = compose_file(COMPOSE)["services"]
    return services


class TestCompose:
    @pytest.mark.parametrize("name", [COMPOSE, LOCAL, STORE, ONE])
    def test_is_what_the_compose_specification_allows(self, name: str) -> None:
        validator = jsonschema.Draft202012Validator(compose_schema())
        assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(compose_file(name))] == []

    def test_has_a_container_for_each_deployable_and_no_more_than_their_servers(self, services: dict[str, Any]) -> None:
        assert set(services) == DEPLOYABLES | {"postgres", "rabbitmq", "migrate", "cli", "edge", "backup"} | OBSERVERS

    def test_each_image_is_built_for_its_own_service(self, services: dict[str, Any]) -> None:
        assert {name: services[name]["build"]["args"]["SERVICE"] for name in DEPLOYABLES} == {
            name: name for name in DEPLOYABLES
        }

    def test_containers_are_read_only_unprivileged_and_limited(self, services: dict[str, Any]) -> None:
        for name, service in services.items():
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert not {"cap_add", "privileged"} & service.keys(), name
            assert "no-new-privileges:true" in service["security_opt"], name
            assert {"cpus", "memory", "pids"} == service["deploy"]["resources"]["limits"].keys(), name
            assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name

    def test_nobody_runs_as_root(self, services: dict[str, Any]) -> None:
        for name in {"postgres", "rabbitmq", "backup"} | OBSERVERS:  # ours are by their Dockerfile
            assert services[name]["user"].split(":")[0] not in {"0", "root"}

    def test_everything_that_stays_up_has_a_health_check(self, services: dict[str, Any]) -> None:
        assert [name for name, service in services.items() if "test" not in service["healthcheck"]] == [
            "migrate",
            "cli",
        ]

    def test_only_the_edge_is_published(self, services: dict[str, Any]) -> None:
        published = {name: service["ports"] for name, service in services.items() if "ports" in service}
        assert published.pop("grafana") == ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"]
        assert published == {
            "edge": [
                f"${{EDGE_ADDRESS:-0.0.0.0}}:${{EDGE_{port}"
                for port in ("HTTP_PORT:-80}:80", "HTTPS_PORT:-443}:443", "HTTPS_PORT:-443}:443/udp")
            ]
        }
        local = [port for service in compose_file(LOCAL)["services"].values() for port in service.get("ports", [])]
        assert local
        assert all(port.startswith("127.0.0.1:") for port in local)

    def test_only_services_that_need_it_reach_the_internet(self, services: dict[str, Any]) -> None:
        networks = compose_file(COMPOSE)["networks"]
        assert networks["inside"]["internal"] is True
        calls = {f"to-{name}" for name in SERVICES}
        assert all(networks[name]["internal"] is True for name in calls)
        beyond = {
            name: set(service["networks"]) - {"inside"} - calls
            for name, service in services.items()
            if name not in OBSERVERS
        }
        assert beyond == {name: set() for name in beyond} | {name: {"outside"} for name in EXTERNAL} | {
            "gateway": {"edge"},
            "edge": {"edge"},
        }
        assert "inside" not in services["edge"]["networks"]

    def test_services_wait_for_the_migration_which_waits_for_the_servers(self, services: dict[str, Any]) -> None:
        for name in DEPLOYABLES:
            assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        healthy = {"condition": "service_healthy"}
        assert services["migrate"]["depends_on"] == {"postgres": healthy, "rabbitmq": healthy}
        assert services["migrate"]["restart"] == "no"

    def test_a_container_has_longer_to_end_than_its_process_takes(self, services: dict[str, Any]) -> None:
        for name in DEPLOYABLES:
            assert int(services[name]["stop_grace_period"].removesuffix("s")) > 20 + STOP_TIMEOUT

    @pytest.mark.parametrize("deployable", sorted(DEPLOYABLES))
    def test_a_service_gets_the_settings_it_needs_and_no_unknown_ones(
        self, deployable: str, services: dict[str, Any]
    ) -> None:
        environment = services[deployable]["environment"]
        assert environment.keys() - known_variables(deployable) == set()
        assert required_variables(deployable) - given_to(environment) == set()
        local = compose_file(LOCAL)["services"][deployable]["environment"]
        assert local.keys() - known_variables(deployable) == set()

    @pytest.mark.parametrize("deployable", sorted(DEPLOYABLES))
    def test_a_service_that_makes_links_is_told_where_they_lead(
        self, deployable: str, services: dict[str, Any]
    ) -> None:
        makes_links = "APP_URL" in known_variables(deployable)
        assert ("APP_URL" in services[deployable]["environment"]) == makes_links

    def test_secrets_are_files_and_only_for_services_that_need_them(self, services: dict[str, Any]) -> None:
        for name, service in services.items():
            environment = service.get("environment", {})
            assert "@" not in environment.get("AMQP_URL", ""), name
            secrets = {key for key, value in environment.items() if SECRET_NAMES.search(key) and value} - {"AMQP_URL"}
            assert all(key.endswith("_FILE") or key == "ACCESS_TOKEN_EXPIRE_MINUTES" for key in secrets), (
                name,
                secrets,
            )
            files = {str(value) for key, value in environment.items() if key.endswith("_FILE")}
            files.discard("/var/lib/loctician/audit-ends.jsonl")  # written, and no secret
            secrets_of = service.get("secrets", [])
            mounted = {f"/run/secrets/{secret}" for secret in secrets_of if isinstance(secret, str)}
            assert files <= mounted, name
        holders = {name for name, service in services.items() if "owner_database_url" in service.get("secrets", [])}
        assert holders == OPERATORS, "the owner's login is the operator's alone"
        for secret in ("secret_key", "secret_key_previous", "amqp_url"):
            assert {name for name, service in services.items() if secret in service.get("secrets", [])} == OPERATORS
        managers = {name for name, service in services.items() if "amqp_management_url" in service.get("secrets", [])}
        assert managers == OPERATORS | {"backup"}, "the latter keeps the broker's definitions"
        for name in DEPLOYABLES:
            assert {secret for secret in services[name]["secrets"] if secret in DEPLOYABLES} == {name}
            assert services[name]["environment"]["SECRETS_FILE"] == f"/run/secrets/{name}"
        assert "@" not in services["auth"]["environment"]["DATABASE_URL"]

    def test_only_the_hop_before_is_believed_by_its_address(self, services: dict[str, Any]) -> None:
        networks = compose_file(COMPOSE)["networks"]
        trusted = {name: service.get("environment", {}).get("TRUSTED_PROXIES") for name, service in services.items()}
        edge = services["edge"]["networks"]["edge"]["ipv4_address"]
        assert trusted.pop("gateway") == f"${{TRUSTED_PROXIES:-{edge}}}"
        assert set(trusted.values()) == {None}
        for name in SERVICES:  # the network to a service has its replicas and the gateways, and nobody else
            network = f"to-{name}"
            assert {other for other in services if network in services[other]["networks"]} == {name, "gateway"}
            (pool,) = networks[network]["ipam"]["config"]
            assert services[name]["environment"]["FORWARDED_ALLOW_IPS"] == pool["subnet"]
            assert ip_network(pool["subnet"].replace(PREFIX, "172.31")).prefixlen >= 27
            aliases = services[name]["networks"][network]["aliases"]
            assert services["gateway"]["environment"][f"{name.upper()}_URL"] == f"http://{aliases[0]}:8000"
        assert "FORWARDED_ALLOW_IPS" not in services["gateway"]["environment"]
        (pool,) = networks["edge"]["ipam"]["config"]
        subnet, given, pinned = (text.replace(PREFIX, "172.31") for text in (pool["subnet"], pool["ip_range"], edge))
        assert ip_address(pinned) in ip_network(subnet)
        assert ip_address(pinned) not in ip_network(given), "nobody else is given it"

    def test_nothing_hinders_a_second_replica(self, services: dict[str, Any]) -> None:
        """A fixed address, name or port would: for --scale, and for upgrade.sh, which starts the new one first."""
        for name in DEPLOYABLES:
            own = services[name]["networks"]
            assert not {"container_name", "ports", "hostname"} & services[name].keys(), name
            fixed = [net for net in own if isinstance(own, dict) and "ipv4_address" in (own[net] or {})]
            assert fixed == [], name

    def test_the_broker_knows_its_limit(self, services: dict[str, Any]) -> None:
        settings = dict(
            line.split(" = ") for line in (ROOT / "deploy/rabbitmq/limits.conf").read_text().splitlines() if "=" in line
        )
        limit = services["rabbitmq"]["deploy"]["resources"]["limits"]["memory"]
        assert settings["total_memory_available_override_value"] == limit.replace("G", "GiB")
        assert 0.4 <= float(settings["vm_memory_high_watermark.relative"]) <= 0.7, (
            "what is above is for its other needs"
        )
        assert any("deploy/rabbitmq/limits.conf" in volume for volume in services["rabbitmq"]["volumes"])


class TestPostgres:
    def settings(self, folder: Path, limit: str) -> dict[str, str]:
        """What start.sh tells the server under a limit."""
        (folder / "docker-entrypoint.sh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        (folder / "docker-entrypoint.sh").chmod(0o755)
        (folder / "limit").write_text(limit)
        environment = os.environ | {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "MEMORY_LIMIT_FILE": str(folder / "limit"),
        }
        command = [str(ROOT / "deploy" / "postgres" / "start.sh"), "postgres", "-c", "work_mem=9MB"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    def test_its_memory_settings_fit_the_limit_of_the_container(self, tmp_path: Path) -> None:
        small, large = self.settings(tmp_path, str(2**31)), self.settings(tmp_path, str(2**34))
        assert (small["shared_buffers"], small["effective_cache_size"]) == ("512MB", "1280MB")
        assert (large["shared_buffers"], large["maintenance_work_mem"]) == ("4096MB", "1024MB")
        assert self.settings(tmp_path, "max") == small
        assert self.settings(tmp_path, "9223372036854771712") == small, "no limit, as cgroups before version 2 say it"

    def test_what_is_given_wins(self, tmp_path: Path) -> None:
        assert self.settings(tmp_path, "max")["work_mem"] == "9MB"

    def test_it_logs_waits_and_no_values(self, tmp_path: Path) -> None:
        settings = self.settings(tmp_path, "max")
        assert settings["log_lock_waits"] == "on"
        assert settings["log_parameter_max_length"] == "0"
        assert settings["pg_stat_statements.track_utility"] == "off"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes them")
class TestSecrets:
    def make(self, folder: Path) -> dict[str, str]:
        script = ROOT / "deploy" / "compose" / "secrets.sh"
        environment = os.environ | {"LOCTICIAN": f"{sys.executable} -m cli.main"}
        subprocess.run([script, folder], check=True, timeout=120, cwd=ROOT, env=environment)
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}

    def test_all_that_compose_mounts_is_made_once_and_kept(self, tmp_path: Path) -> None:
        folder = tmp_path / "secrets"
        files = self.make(folder)
        named = compose_file(COMPOSE)["secrets"] | compose_file(STORE)["secrets"]
        wanted = {secret["file"].partition("}/")[2] for secret in named.values()}
        for_kubernetes = {f"{name}/{part}" for name in DEPLOYABLES for part in ("username", "password")}
        assert files.keys() == wanted | {"rabbitmq_password"} | for_kubernetes  # the first stands in three others
        assert len(files["secret_key"].strip()) == 64
        assert files["owner_password"].strip() in files["owner_database_url"]
        assert files["rabbitmq_password"] in files["rabbitmq.conf"]
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "smtp_url").write_text("smtp://mail.example")
        assert self.make(folder) == files | {"smtp_url": "smtp://mail.example"}


class TestDockerfile:
    @pytest.mark.skipif(shutil.which("hadolint", path=str(Path(sys.executable).parent)) is None, reason="no hadolint")
    def test_hadolint_finds_nothing(self) -> None:
        hadolint = Path(sys.executable).with_name("hadolint")
        done = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout

    def test_runs_as_an_unprivileged_user(self) -> None:
        assert re.findall(r"^USER (.*)$", DOCKERFILE.read_text(), re.MULTILINE) == ["10001:10001"]

    def test_copies_only_what_is_there_and_not_ignored(self) -> None:
        lines = DOCKERFILE.read_text().splitlines()
        copied = [line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line]
        ignored = (ROOT / ".dockerignore").read_text().split()
        assert [name for name in copied if not (ROOT / name).exists() or name in ignored] == []
        assert {".secrets", ".env", ".git", ".local"} <= set(ignored)

    def test_the_image_has_the_locked_packages_that_run_it_and_no_tools(self) -> None:
        everything, image = pins(ROOT / "requirements.lock"), pins(ROOT / "deploy" / "requirements.lock")
        assert {name: everything.get(name) for name in image} == image
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        direct = {
            re.split(r"[\[><=;]", requirement)[0].lower().replace("_", "-") for requirement in project["dependencies"]
        }
        tools = {
            re.split(r"[\[><=;]", requirement)[0] for requirement in project["optional-dependencies"]["dev"]
        } - direct
        assert direct <= image.keys()
        assert not tools & image.keys()
