"""The operator's commands take the settings of a running `make up`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import local_state
from deploy.local.up import alone, operators_settings

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "DATABASE_URL": "postgresql://owner@127.0.0.1:1/x",
    "AMQP_URL": "amqp://127.0.0.1:1/",
    "SECRET_KEY": "k" * 32,
}


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*SETTINGS, *(f"{name}_FILE" for name in SETTINGS)):
        monkeypatch.setenv(name, "")  # restored afterwards, whatever the test sets
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # where there is no .env


class TestUse:
    def test_settings_of_what_runs_are_taken(self, tmp_path: Path) -> None:
        with alone(tmp_path), local_state.kept(SETTINGS, tmp_path):
            assert (tmp_path / local_state.STATE).stat().st_mode & 0o077 == 0
            local_state.use("status", [], tmp_path)
        assert {name: os.environ.get(name) for name in SETTINGS} == SETTINGS
        assert not (tmp_path / local_state.STATE).exists()

    def test_the_environment_and_the_env_file_win(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".env").write_text("DATABASE_URL=postgresql://mine/x\n")
        with alone(tmp_path), local_state.kept(SETTINGS, tmp_path):
            local_state.use("status", [], tmp_path)
            assert "AMQP_URL" not in os.environ
            (tmp_path / ".env").unlink()
            monkeypatch.setenv("AMQP_URL_FILE", "/run/secrets/amqp")
            local_state.use("status", [], tmp_path)
            assert "DATABASE_URL" not in os.environ

    @pytest.mark.parametrize("left_by_a_kill", [False, True])
    def test_nothing_that_runs_is_one_clear_line(
        self, tmp_path: Path, left_by_a_kill: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if left_by_a_kill:
            (tmp_path / local_state.LOCK).touch()
            (tmp_path / local_state.STATE).write_text("{}")
        with pytest.raises(SystemExit) as stopped:
            local_state.use("status", [], tmp_path)
        assert stopped.value.code == 2
        assert capsys.readouterr().err == f"{local_state.HOW_TO_START}\n"

    def test_while_it_starts_that_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with alone(tmp_path), pytest.raises(SystemExit):
            local_state.use("status", [], tmp_path)
        assert "has just begun" in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [("contracts", []), ("status", ["--help"]), (None, [])])
    def test_some_commands_need_no_settings(self, tmp_path: Path, arguments: tuple[str | None, list[str]]) -> None:
        local_state.use(*arguments, tmp_path)


def test_the_kept_settings_are_the_documented_ones() -> None:
    kept = operators_settings({**SETTINGS, "AMQP_MANAGEMENT_URL": "http://127.0.0.1:1", "PATH": "/bin", "TERM": "dumb"})
    assert kept == {**SETTINGS, "AMQP_MANAGEMENT_URL": "http://127.0.0.1:1"}


def test_a_server_that_does_not_answer_is_one_line() -> None:
    environment = {"PATH": os.environ["PATH"], **SETTINGS, "COLUMNS": "80"}
    for command in (["status"], ["jobs"], ["dead-letters", "list", "calendar"]):
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2, done.stderr
        assert done.stdout.startswith("Stopped: ")
        assert done.stdout.count("\n") == 1
        assert done.stderr == ""
