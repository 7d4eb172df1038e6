"""What Compose itself reads of `.env`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.contracts.compose import containers, passed_on
from deploy.tests.test_compose_settings import EXAMPLE, LINE
from tests.compose.project import clone

pytestmark = pytest.mark.compose
TRIAL = ("docker-compose.yml", "deploy/compose/local.yml")
PRODUCTION = ("docker-compose.yml",)


def read(folder: Path, lines: str, files: tuple[str, ...]) -> dict[str, Any]:
    """The project as Compose understands it, with these lines in `.env`."""
    (folder / ".env").write_text(lines)
    command = ["docker", "compose", "--profile", "*", *(part for name in files for part in ("--file", name))]
    done = subprocess.run(
        [*command, "config", "--format", "json"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    understood: dict[str, Any] = json.loads(done.stdout)
    return understood


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("env")
    clone(folder)
    return folder


def environment_of(understood: dict[str, Any], container: str) -> dict[str, str]:
    return {
        name: value for name, value in understood["services"][container]["environment"].items() if value is not None
    }


CONTAINERS = sorted(containers().keys() - {"all"})


def test_every_value_of_the_example_arrives_as_it_stands_there(folder: Path) -> None:
    example = {match[1]: match[2] for line in EXAMPLE.read_text().splitlines() if (match := LINE.fullmatch(line))}
    understood = read(folder, "".join(f"{name}={value}\n" for name, value in example.items()), PRODUCTION)
    for container in CONTAINERS:
        given = environment_of(understood, container)
        names = passed_on(containers()[container])
        assert {name: given.get(name, "") for name in names} == {name: example[name] for name in names}
        assert given["ENVIRONMENT"] == "production"


@pytest.mark.parametrize("files", [PRODUCTION, TRIAL])
def test_a_copy_of_the_example_changes_nothing(folder: Path, files: tuple[str, ...]) -> None:
    assert read(folder, EXAMPLE.read_text(), files) == read(folder, "", files)


def test_trying_it_out_does_not_touch_an_installation(folder: Path) -> None:
    assert read(folder, "", PRODUCTION)["name"] == "loctician"
    assert read(folder, "", TRIAL)["name"] == "loctician-trial"


def test_another_prefix_moves_every_pinned_address(folder: Path) -> None:
    usual, moved = (json.dumps(read(folder, lines, PRODUCTION)) for lines in ("", "SUBNET_PREFIX=10.86\n"))
    assert "172.31." in usual
    assert moved == usual.replace("172.31.", "10.86.")
