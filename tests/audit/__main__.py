"""`make audit`: compares the locked packages with the published lists of known faults.

Ends with 0 when there are none, 1 when there are, and 2 when a list cannot be read: that is not the same as none.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 300  # for one list
BIN = Path(sys.executable).parent
PIP_AUDIT = (BIN / "pip-audit", "--require-hashes", "--disable-pip", "--progress-spinner=off", "--timeout=15")
NPM_AUDIT = (BIN / "npm", "audit", "--json", "--package-lock-only", "--no-update-notifier")


class UnreadableError(Exception):
    """The list of known faults cannot be had: no network, or a mirror without it."""


def python_faults(report: str, errors: str) -> Iterator[str]:
    """Known faults in pip-audit's report. Raises UnreadableError where a package was not found on the list."""
    packages: list[dict[str, Any]] = _read(report, errors).get("dependencies", [])
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped or not packages:
        raise UnreadableError(f"{len(skipped)} of {len(packages)} packages are not on it, as {skipped[:1]}")
    for package in packages:
        for fault in package["vulns"]:
            names = " ".join([fault["id"], *fault.get("aliases", [])])
            yield f"{package['name']} {package['version']}: {names}, mended in {fault['fix_versions'] or 'no version'}"


def node_faults(report: str, errors: str) -> Iterator[str]:
    """Known faults in npm's report. Raises UnreadableError where it is no report."""
    document = _read(report, errors)
    if "vulnerabilities" not in document:
        raise UnreadableError(document.get("message") or _last_line(errors))
    for name, fault in document["vulnerabilities"].items():
        titles = [via["title"] for via in fault["via"] if isinstance(via, dict)]
        yield f"{name} {fault['range']}: {fault['severity']}: {'; '.join(titles) or 'through ' + str(fault['via'])}"


def _read(report: str, errors: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(report)
    except ValueError:
        raise UnreadableError(_last_line(errors)) from None
    return document


def _last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "no answer")


def _output(command: tuple[str | Path, ...], folder: Path) -> tuple[str, str]:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"no answer within {SECONDS} s") from None
    return done.stdout, done.stderr


def _faults_of(lock: Path) -> list[str]:
    if lock.name == "package-lock.json":
        return list(node_faults(*_output(NPM_AUDIT, lock.parent)))
    return list(python_faults(*_output((*PIP_AUDIT, "--format=json", "--requirement", lock), ROOT)))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "requirements.lock", "*package-lock.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    result = 0
    for name in listed.stdout.split():
        try:
            faults = _faults_of(ROOT / name)
        except UnreadableError as error:
            say(f"{name}: NOT CHECKED: the list of known faults cannot be read from this network: {error}")
            result = result or 2
            continue
        say("\n".join(f"{name}: {fault}" for fault in faults) or f"{name}: no known faults")
        result = 1 if faults else result
    return result


if __name__ == "__main__":
    sys.exit(main())
