"""`make doctor` says what is there, what is missing and what to do, and its exit status whether `make up` can work."""

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.doctor import numbers
from provisioning.processes import free_port

ROOT = Path(__file__).parents[2]
RUN = ("-m", "deploy.local.doctor")


def doctor(*options: str, path: str = "", **environment: str) -> tuple[int, dict[str, str]]:
    """The exit status, and for each thing its line."""
    done = subprocess.run(
        [sys.executable, *options],
        cwd=ROOT,
        env={"PATH": f"{path}{os.environ['PATH']}", "GATEWAY_PORT": str(free_port()), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    return done.returncode, {line[8:20].strip(): line for line in done.stdout.splitlines()}


def test_tells_versions_and_ports() -> None:
    status, lines = doctor(*RUN)
    assert status == 0, lines
    assert lines["Python"] == f"ok      Python      {'.'.join(map(str, sys.version_info[:3]))}"
    assert {"PostgreSQL", "RabbitMQ", "Docker", "Node.js", "Chromium", "disk", "port 8001"} <= lines.keys()
    assert numbers(lines["Node.js"])


def test_a_taken_port_of_the_gateway_is_a_problem_and_names_the_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, lines = doctor(*RUN, GATEWAY_PORT=str(port))
    assert status == 1
    line = lines[f"port {port}"]
    assert line.startswith("PROBLEM ")
    assert f"(process {os.getpid()})" in line
    assert "set GATEWAY_PORT" in line


def test_an_engine_without_compose_is_told_with_the_cure(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    answers = "info) exit 0;; --version) echo 'Docker version 26.1.5+dfsg1, build x';; *) exit 1;;"
    program.write_text(f'#!/bin/sh\ncase "$1" in {answers} esac\n')
    program.chmod(0o755)
    _, lines = doctor(*RUN, path=f"{tmp_path}:")
    assert "26.1.5, without Compose  -> on Debian: apt-get install docker-compose" in lines["Docker"]


def test_half_of_the_addresses_is_a_problem() -> None:
    status, lines = doctor(*RUN, DATABASE_URL="postgresql://127.0.0.1/x")
    assert status == 1
    assert "set both, or none" in lines["given"]


def test_works_before_the_packages_are_installed() -> None:
    status, lines = doctor("-S", *RUN)
    assert status == 0
    assert "PostgreSQL" in lines


def test_a_python_that_is_too_old_is_the_one_problem() -> None:
    """It can also be read by Pythons of the last years."""
    ast.parse((ROOT / "deploy" / "local" / "doctor.py").read_text(), feature_version=(3, 7))
    code = "import sys; sys.version_info = (3, 9, 1); from deploy.local import doctor; sys.exit(doctor.main())"
    status, lines = doctor("-c", code)
    assert status == 1
    assert len(lines) == 2, "the problem and the summary"
    assert "make doctor PYTHON=python3.11" in lines["Python"]


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("Docker version 26.1.5+dfsg1, build a72d7cd", (26, 1, 5)),
        ("postgres (PostgreSQL) 17.2 (Debian 17.2-1)", (17, 2)),
        ("v24.19.0", (24, 19, 0)),
        ("3.10.8", (3, 10, 8)),
        (None, ()),
        ("no number", ()),
    ],
)
def test_finds_the_number_in_what_programs_say(version: str | None, found: tuple[int, ...]) -> None:
    assert numbers(version) == found
