"""What the process that decodes pictures is given."""

import sys
from pathlib import Path

import pytest

from services.booking.media import sandbox
from services.booking.media.errors import NotAPicture


class TestEnvironment:
    async def test_the_process_gets_none_of_the_services_variables(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A program in Python's place writes down what it is given."""
        seen, program = tmp_path / "environment", tmp_path / "python"
        program.write_text(f"#!/bin/sh\nenv > {seen}\ncat > /dev/null\n")
        program.chmod(0o755)
        monkeypatch.setenv("DATABASE_URL", "postgresql://loctician:top-secret@127.0.0.1/loctician")
        monkeypatch.setattr(sys, "executable", str(program))
        with pytest.raises(NotAPicture):
            await sandbox.sizes_of(b"", "PNG")
        assert f"PYTHONPATH={sandbox.ROOT}" in seen.read_text()
        assert "DATABASE_URL" not in seen.read_text()
        assert "top-secret" not in seen.read_text()
