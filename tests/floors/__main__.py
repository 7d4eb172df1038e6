"""`make floors`: installs the lowest versions that pyproject.toml allows and imports every module of the product."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("cli", "deploy", "domain", "gateway", "keys", "migrations", "provisioning", "services", "shared")
INSTALL_SECONDS = 600
IMPORT_ALL = """
import importlib, sys
failed = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
for name, reason in failed.items():
    print(f"{name}: {reason}")
print(f"{len(sys.argv) - 1 - len(failed)} of {len(sys.argv) - 1} modules can be imported")
sys.exit(bool(failed))
"""


def modules() -> list[str]:
    """Dotted names of the product's modules. Tests, revisions and programs are left out."""
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in listed.split() if name.endswith(".py")]
    return [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in paths
        if not {"tests", "migrations"} & set(path.parts) and path.name != "__main__.py"
    ]


def uv(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "uv", *map(str, arguments), "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=INSTALL_SECONDS)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="loctician-floors-") as folder:
        environment, lowest = Path(folder) / "venv", Path(folder) / "lowest.txt"
        extras = ["--extra", "dev", "--resolution", "lowest-direct", "--no-header"]
        uv("pip", "compile", "pyproject.toml", *extras, "--output-file", lowest)
        uv("venv", "--python", sys.executable, environment)
        python = environment / "bin" / "python"
        uv("pip", "install", "--python", python, "-r", lowest)
        check = subprocess.run([python, "-c", IMPORT_ALL, *modules()], cwd=ROOT, check=False, timeout=INSTALL_SECONDS)
    return check.returncode


if __name__ == "__main__":
    sys.exit(main())
