"""What a killed run left: processes that have its folder in their environment."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MARK = "LOCTICIAN_FOLDER"
STOP_SECONDS = 30
# PostgreSQL ends without waiting for clients, epmd not at all by a gentler signal
SIGNALS = {"postgres": signal.SIGINT, "epmd": signal.SIGKILL}


def marked(folder: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a process that belongs to a run in this folder."""
    return {**(os.environ if environment is None else environment), MARK: str(folder.resolve())}


def left_over(folder: Path) -> list[psutil.Process]:
    """Processes of a run in this folder, but this one."""
    import psutil  # not at the top: `make doctor` runs before the packages are installed

    found, mark = [], str(folder.resolve())
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:
            continue  # it has ended, or belongs to another user
    return found


def stop_left_over(folder: Path) -> int:
    """Ends them, by SIGKILL those that have not ended within half a minute; returns how many there were."""
    import psutil

    processes = left_over(folder)
    for process in processes:
        try:
            process.send_signal(SIGNALS.get(process.name(), signal.SIGTERM))
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(processes, STOP_SECONDS)
    for process in alive:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(alive, STOP_SECONDS)
    return len(processes)
