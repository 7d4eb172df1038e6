"""What a process loads: the gateway answers every call, and starts without the framework of the services."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["gateway.main", "gateway.__main__"])
def test_the_gateway_loads_no_fastapi(module: str) -> None:
    code = f"import {module}, sys; print(*sorted(name for name in sys.modules if name.partition('.')[0] == 'fastapi'))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
