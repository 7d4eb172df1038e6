from collections.abc import Iterator

import pytest

from tests.compose.project import Project, missing, project, say

TRIAL = ("docker-compose.yml", "deploy/compose/local.yml")
MANY = "100000"  # calls a minute: not what is tested here


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    if lacking := missing():
        pytest.skip(lacking)


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Compose with local.yml, from a fresh clone, with the demo salon."""
    limits = {"RATE_LIMIT_PER_MINUTE": MANY, "CALLS_PER_ADDRESS": "1000"}
    with project(tmp_path_factory.mktemp("trial"), TRIAL, **limits) as started:
        seconds = started.up("--build")
        say(f"every container healthy after {seconds:.0f} s, with the images built")
        yield started
