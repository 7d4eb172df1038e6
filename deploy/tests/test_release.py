"""A release that cannot name what it is made of is refused, and leaves nothing behind."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.tests.documents import ROOT

NOWHERE = "127.0.0.1:1/image:tag"  # no registry answers there


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("deploy/image/release.sh", ".env.example"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    commit = ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "All"]
    for arguments in (["init", "--quiet"], ["add", "--all"], commit):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, timeout=60)
    return tmp_path


def release(repository: Path, version: str) -> str:
    """What it says when it refuses."""
    images = re.findall(r"^#(\w+_IMAGE)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert {"PYTHON_IMAGE", "CADDY_IMAGE", "POSTGRES_IMAGE", "RABBITMQ_IMAGE"} <= set(images)
    environment = {"PATH": os.environ["PATH"], "HOME": str(repository), "VERSION": version}
    environment |= dict.fromkeys(images, NOWHERE)
    done = subprocess.run(
        [repository / "deploy/image/release.sh"], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert not (repository / "dist").exists()
    return done.stderr


def test_without_the_digest_of_a_base_nothing_is_released(repository: Path) -> None:
    said = release(repository, "1.2.0")
    reason = "cannot be resolved: its registry does not answer, or does not have it"
    assert said == f"Not released: the digest of {NOWHERE} {reason}\n"


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.0", "latest", "1.2.0; id"])
def test_a_version_has_three_numbers(repository: Path, version: str) -> None:
    assert release(repository, version) == "Not released: VERSION must be a version such as 1.2.0\n"


def test_what_is_not_committed_is_not_released(repository: Path) -> None:
    (repository / "new").write_text("x")
    assert release(repository, "1.2.0") == "Not released: files differ from the commit: git status\n"
