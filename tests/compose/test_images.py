"""The images: one set of layers for all, small, labelled; and every process in one container."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from shared.testing.waiting import eventually
from tests.compose.project import Project, project, say

pytestmark = [pytest.mark.compose, pytest.mark.slow]
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr", "gateway")
ONE = ("docker-compose.yml", "deploy/compose/one.yml", "tests/compose/mail.yml")
BASE = "python:3.11-slim-bookworm"
OURS_MB, WHOLE_MB = 200, 350
SLIM_MB = 150  # bases above it are not the published one
KILL = """
import os, pathlib
for path in pathlib.Path("/proc").glob("[0-9]*"):
    if b"services." + b"calendar.main" in (path / "cmdline").read_bytes():
        os.kill(int(path.name), 9)
"""


def inspected(built: Project, image: str) -> dict[str, object]:
    found: list[dict[str, object]] = json.loads(built.run("docker", "image", "inspect", image).stdout)
    return found[0]


def layers(built: Project, image: str) -> list[str]:
    root = inspected(built, image)["RootFS"]
    assert isinstance(root, dict)
    return list(root["Layers"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project(tmp_path_factory.mktemp("built"), ("docker-compose.yml",)) as made:
        made.compose("build", *SERVICES, seconds=900)
        yield made


class TestImages:
    def test_six_images_take_the_place_of_one(self, built: Project) -> None:
        kinds = {service: layers(built, f"{built.name}/{service}") for service in SERVICES}
        assert all(kind == kinds["auth"] for kind in kinds.values())

    def test_they_are_small(self, built: Project) -> None:
        whole, base = (int(str(inspected(built, image)["Size"])) / 1e6 for image in (f"{built.name}/auth", BASE))
        say(f"an image has {whole:.0f} MB, {whole - base:.0f} of them above its base")
        assert whole - base < OURS_MB
        assert whole < WHOLE_MB or base > SLIM_MB

    def test_they_say_what_they_are(self, built: Project) -> None:
        config = inspected(built, f"{built.name}/booking")["Config"]
        assert isinstance(config, dict)
        labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
        assert labels["title"] == "loctician/booking"
        assert {"description", "licenses", "version", "revision", "created", "base.name"} <= labels.keys()
        assert labels["base.name"] == BASE


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Every process in one container."""
    with project(tmp_path_factory.mktemp("one"), ONE) as made:
        (made.folder / ".secrets" / "smtp_url").write_text("smtp://mailpit:1025\n")
        say(f"one container: healthy after {made.up('--build'):.0f} s, with the images built")
        yield made


class TestOneContainer:
    async def restarts(self, one: Project) -> int:
        await asyncio.sleep(1)
        form = "{{.RestartCount}}"
        done = await asyncio.to_thread(one.run, "docker", "inspect", "--format", form, one.container("gateway"))
        return int(done.stdout)

    async def status(self, one: Project) -> int:
        """Of the whole platform through the edge: 200 if every service is ready."""
        await asyncio.sleep(1)
        async with httpx.AsyncClient(base_url=one.url, verify=one.trust(), timeout=10) as http:
            try:
                return (await http.get("/health")).status_code
            except httpx.TransportError:
                return 0

    def test_nothing_else_of_ours_runs(self, one: Project) -> None:
        assert one.states().keys() == {"postgres", "rabbitmq", "backup", "mailpit", "migrate", "gateway", "edge"}

    async def test_it_starts_again_when_a_process_of_it_dies(self, one: Project) -> None:
        await eventually(lambda: self.status(one), lambda status: status == 200, "every process ready", 180)
        await asyncio.to_thread(one.compose, "exec", "-T", "gateway", "python", "-c", KILL)
        await eventually(lambda: self.restarts(one), lambda count: count == 1, "it started again", 120)
        await eventually(lambda: self.status(one), lambda status: status == 200, "every process ready again", 180)

    def test_all_its_processes_end_when_it_is_stopped(self, one: Project) -> None:
        one.compose("stop", "gateway")
        form = "{{.State.Status}} {{.State.ExitCode}}"
        done = one.run("docker", "inspect", "--format", form, one.container("gateway"))
        assert done.stdout.split() == ["exited", "143"], "137 would be SIGKILL"
