"""Log files of `make up`: begun anew at each start, and cut when they grow, with the part before in `<name>.log.1`."""

import shutil
from pathlib import Path

MOST_BYTES = 10_000_000


def begin(log: Path) -> Path:
    """An empty file; that of the last time is kept beside it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(_before(log))
    log.touch(0o600)
    return log


def bound(folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Empty each file that is longer. Its process goes on writing, at the new end: it appends."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > most_bytes:
            shutil.copyfile(log, _before(log))
            with log.open("r+b") as file:
                file.truncate(0)


def end_of(log: Path, lines: int) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []


def _before(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")
