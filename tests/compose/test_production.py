"""The production file as it is, with a mail server: what it refuses, and whom it tells apart."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.compose.project import ROOT_CERTIFICATE, Project, project, say

pytestmark = [pytest.mark.compose, pytest.mark.slow]
FILES = ("docker-compose.yml", "tests/compose/mail.yml")
PASSWORD = "four-otters-in-the-belt-2031"
ADMIN = ("create-admin", "--email", "ida@salon.example", "--full-name", "Ida Lindholm")
LOGINS_A_MINUTE = 10  # the default of LOGIN_RATE_LIMIT_PER_MINUTE
# Given to a container: without it the container says which setting lacks.
NEEDED = {
    "notifications": ("smtp_url", "SMTP_URL"),
    "auth": ("jwt_private_key", "JWT_PRIVATE_KEY"),
    "gdpr": ("gdpr/secrets", "SECRET_KEY"),
    "migrate": ("secret_key", "SECRET_KEY"),
}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Not started. ENVIRONMENT stands in `.env`, and must not count."""
    with project(tmp_path_factory.mktemp("production"), FILES, ENVIRONMENT="development", DEBUG="") as made:
        made.compose("build", seconds=900)
        yield made


class TestWhatIsMissing:
    @pytest.mark.parametrize("service", sorted(NEEDED))
    def test_an_empty_secret_is_one_clear_line(self, production: Project, service: str) -> None:
        name, setting = NEEDED[service]
        file = production.folder / ".secrets" / name
        kept = file.read_text()
        file.write_text("")
        try:
            done = production.run("docker", "compose", "run", "--rm", "--no-deps", "-T", service, check=False)
        finally:
            file.write_text(kept)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if not re.match(r" (Network|Volume) ", line)]
        assert done.returncode == 1
        assert len(lines) == 1, lines
        assert lines[0].startswith(f"Cannot start: {setting}: ")


@pytest.fixture(scope="module")
def started(production: Project) -> Project:
    (production.folder / ".secrets" / "smtp_url").write_text("smtp://mailpit:1025\n")
    say(f"production: every container healthy after {production.up():.0f} s")
    return production


class TestStarted:
    def login(self, started: Project, client: int, number: int, *headers: str) -> list[str]:
        """Statuses of wrong logins by a client whose address in the edge's network ends with this number."""
        script = Path(__file__).with_name("login.py").read_text()
        address = f"{started.settings['SUBNET_PREFIX']}.253.{client}"
        command = ["docker", "run", "--rm", "--network", f"{started.name}_edge", "--ip", address]
        command += ["--entrypoint", "python", f"{started.name}/cli:latest", "-c", script, str(number), *headers]
        return started.run(*command).stdout.split()

    def test_clients_behind_the_edge_are_told_apart(self, started: Project) -> None:
        """The first client is over the limit of an address, whatever address it claims; the second is not."""
        first = self.login(started, 50, LOGINS_A_MINUTE + 5, "X-Forwarded-For: 192.0.2.7")
        assert first[:LOGINS_A_MINUTE] == ["401"] * LOGINS_A_MINUTE
        assert first[-1] == "429"
        assert self.login(started, 51, 1) == ["401"]

    def test_it_is_production_whatever_env_says(self, started: Project) -> None:
        with httpx.Client(base_url=started.url, verify=started.trust()) as http:
            health = http.get("/health").json()
            assert health["environment"] == "production"
            assert {service["environment"] for service in health["services"].values()} == {"production"}
        refused = started.cli("demo", check=False)
        assert "is not for production" in refused.stdout + refused.stderr

    def test_the_operator_makes_an_admin_who_signs_in_through_the_edge(self, started: Project) -> None:
        variable = f"ADMIN_PASSWORD={PASSWORD}"
        made = started.run("docker", "compose", "run", "--rm", "-T", "--env", variable, "cli", *ADMIN)
        assert "ida@salon.example is an admin" in made.stdout
        with httpx.Client(base_url=started.url, verify=started.trust(), timeout=30) as http:
            answer = http.post("/api/v1/auth/login", json={"email": "ida@salon.example", "password": PASSWORD})
        assert answer.status_code == 200, answer.text

    def test_the_edge_keeps_its_certificates(self, started: Project) -> None:
        before = started.compose("exec", "-T", "edge", "cat", ROOT_CERTIFICATE)
        started.compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", "edge")
        assert started.compose("exec", "-T", "edge", "cat", ROOT_CERTIFICATE) == before
