"""An engine that answers and lacks something: the system's packages are used, and one line says why."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.containers import compose, throw_away
from provisioning.engine import EngineNotUsableError, docker_answers
from provisioning.postgres import binaries
from provisioning.state import State, digest

ROOT = Path(__file__).parents[2]
PRESENT = {
    "info": "exit 0",
    "compose version": "exit 0",
    "compose -f": "exit 0",
    "image inspect": "exit 0",
    "pull": "exit 0",
    "volume ls": "exit 0",
}
NO_PLUGIN = "echo \"docker: 'compose' is not a docker command.\" >&2; exit 1"
NO_REGISTRY = "echo 'first line' >&2; echo 'Error response from daemon: no such host' >&2; exit 1"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "StandIn":
    """A program `docker` before all others on PATH; nothing listens at the engine's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{probe.getsockname()[1]}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name in ("DATABASE_URL", "AMQP_URL"):
        monkeypatch.delenv(name, raising=False)
    return StandIn(tmp_path / "bin")


class StandIn:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.program, self.calls = folder / "docker", folder / "calls"
        self.answers()

    def answers(self, **differing: str) -> None:
        """With a line of shell for each beginning of a command; `_` in a name is a space."""
        given = PRESENT | {name.replace("_", " "): line for name, line in differing.items()}
        cases = [f"'{beginning}'*) {line};;" for beginning, line in sorted(given.items(), key=lambda it: -len(it[0]))]
        script = "\n".join(["#!/bin/sh", f'echo "$*" >>{self.calls}', 'case "$*" in', *cases, "*) exit 1;; esac"])
        self.program.write_text(f"{script}\n")
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)


class TestAnEngineThatAnswers:
    def test_but_has_no_compose_plugin(self, engine: StandIn, tmp_path: Path) -> None:
        engine.answers(compose_version=NO_PLUGIN)
        assert docker_answers()
        with pytest.raises(EngineNotUsableError, match="no Compose plugin"), compose(tmp_path / "local"):
            pass

    def test_but_cannot_fetch_an_image(self, engine: StandIn, tmp_path: Path) -> None:
        engine.answers(image_inspect="exit 1", pull=NO_REGISTRY)
        reason = r"postgres.* cannot be fetched: .* no such host"
        with pytest.raises(EngineNotUsableError, match=reason), compose(tmp_path / "local"):
            pass

    def test_but_cannot_fetch_the_helper_of_testcontainers(self, engine: StandIn) -> None:
        engine.answers(**{"image_inspect_testcontainers/ryuk": "exit 1", "pull": NO_REGISTRY})
        with pytest.raises(EngineNotUsableError, match=r"ryuk.* cannot be fetched"), throw_away():
            pass

    def test_but_takes_no_connection_from_its_library(self, engine: StandIn) -> None:
        with pytest.raises(EngineNotUsableError, match="containers do not start"), throw_away():
            pass

    def test_but_starts_no_container_and_is_told_to_remove_what_it_did_start(
        self, engine: StandIn, tmp_path: Path
    ) -> None:
        engine.answers(**{"compose_-f": 'case "$*" in *" up "*) ' + NO_REGISTRY + ";; esac; exit 0"})
        with pytest.raises(EngineNotUsableError, match="do not start: Error response"), compose(tmp_path / "local"):
            pass
        assert engine.calls.read_text().splitlines()[-1].endswith(" down")

    @pytest.mark.slow
    @pytest.mark.skipif(binaries() is None, reason="needs the system's packages")
    def test_is_left_for_servers_of_the_system_with_one_line(self, engine: StandIn, tmp_path: Path) -> None:
        engine.answers(compose_version=NO_PLUGIN)
        code = (
            "import pathlib, sys; from provisioning.servers import provisioned\n"
            f"with provisioned(pathlib.Path(r'{tmp_path}/local')) as servers: print(servers.database_url)"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.stdout.startswith("postgresql://"), done.stderr
        assert done.stderr.splitlines() == [
            "Docker answers, but docker has no Compose plugin. Servers of the system's packages are used instead."
        ]


class TestProjectOfAFolder:
    """Compose stops for want of an image once it has a project: what it was asked before is seen."""

    def test_is_another_one_in_another_folder(self, engine: StandIn, tmp_path: Path) -> None:
        for name in ("one", "two"):
            engine.answers(**{"compose_-f": 'case "$*" in *" up "*) exit 1;; esac; exit 0'})
            with pytest.raises(EngineNotUsableError), compose(tmp_path / name):
                pass
            assert f"--project-name loctician-{digest(tmp_path / name)} up" in engine.calls.read_text()
        assert digest(tmp_path / "one") != digest(tmp_path / "two")

    def test_names_the_cure_for_volumes_whose_passwords_are_gone(self, engine: StandIn, tmp_path: Path) -> None:
        engine.answers(volume_ls="echo left_postgres; exit 0")
        project = f"loctician-{digest(tmp_path / 'local')}"
        with (
            pytest.raises(SystemExit, match=f"docker compose --project-name {project} down --volumes"),
            compose(tmp_path / "local"),
        ):
            pass
        assert " up " not in engine.calls.read_text()

    @pytest.mark.parametrize(
        ("known", "named"), [({}, "loctician-local"), ({"project": "loctician-of-a-copy"}, "loctician-of-a-copy")]
    )
    def test_names_that_of_an_earlier_version_or_place(
        self, engine: StandIn, tmp_path: Path, capfd: pytest.CaptureFixture[str], known: dict[str, str], named: str
    ) -> None:
        (tmp_path / "local").mkdir()
        state = State(tmp_path / "local" / "containers.json")
        state.secret("containers")
        for name, value in known.items():
            state.set(name, value)
        engine.answers(**{"compose_-f": 'case "$*" in *" up "*) exit 1;; esac; exit 0'})
        for told in (1, 0):  # the second time all is well
            with pytest.raises(EngineNotUsableError), compose(tmp_path / "local"):
                pass
            said = capfd.readouterr().err.splitlines()
            assert len(said) == told
            assert all(f"docker compose --project-name {named} down --volumes" in line for line in said)
