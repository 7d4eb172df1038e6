"""The container engine of this machine: whether it answers, and whether it has what we need of it."""

import shutil
import subprocess
import sys
from collections.abc import Sequence

ANSWER_SECONDS, PULL_SECONDS = 10, 300


class EngineNotUsableError(Exception):
    """Containers cannot be started here; the text says why in a few words."""


def docker_answers() -> bool:
    return shutil.which("docker") is not None and _run(["docker", "info"], ANSWER_SECONDS).returncode == 0


def require_compose() -> None:
    """Raises EngineNotUsableError where the Compose plugin is missing."""
    if _run(["docker", "compose", "version"], ANSWER_SECONDS).returncode:
        raise EngineNotUsableError("docker has no Compose plugin")


def require_images(*images: str) -> None:
    """Fetches those that are not there. Raises EngineNotUsableError for the first that cannot be had."""
    for image in images:
        if _run(["docker", "image", "inspect", image], ANSWER_SECONDS).returncode == 0:
            continue
        sys.stderr.write(f"Fetching the image {image} ...\n")
        pulled = _run(["docker", "pull", "--quiet", image], PULL_SECONDS)
        if pulled.returncode:
            raise EngineNotUsableError(f"the image {image} cannot be fetched: {last_line(pulled.stderr)}")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no reason given"


def _run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """What it answers; 124, as timeout(1) has it, if it does not in time."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {seconds:.0f} s")
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
