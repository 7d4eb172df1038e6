"""Every service has the same files, folders stay small, and no text names a machine."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from migrations.migrate import DEVELOPMENT_REVISIONS, heads, revisions

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "booking", "calendar", "gdpr", "notifications")
SCHEMAS = {**{name: f"services.{name}" for name in SERVICES}, "gateway": "gateway"}
REQUIRED = {
    "README.md",
    "errors.py",
    "events.py",
    "main.py",
    "migrations",
    "models.py",
    "privacy.py",
    "retention.py",
    "settings.py",
    "sql",
    "tests",
}
NOT_NOUNS = {"migrations", "sql", "templates", "tests", "__pycache__"}
MAX_LINES = 300
MAX_FILES = 15  # Python files of a code folder
MAX_NOUNS = 20  # folders of a service
MAX_SHARED_LINES = 5_000  # without tests and testing


def python_files() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split()]


def is_test_or_migration(path: Path) -> bool:
    return bool({"tests", "testing", "versions"} & set(path.parts))


class TestLayout:
    def test_services_are_the_five(self) -> None:
        present = {path.parent.name for path in ROOT.glob("services/*/main.py")}
        assert present == set(SERVICES)

    @pytest.mark.parametrize("service", SERVICES)
    def test_service_has_the_files_that_every_service_has(self, service: str) -> None:
        present = {path.name for path in (ROOT / "services" / service).iterdir()}
        assert present >= REQUIRED

    @pytest.mark.parametrize("service", SERVICES)
    def test_service_has_few_noun_folders(self, service: str) -> None:
        folders = {path.parent.name for path in python_files() if path.parts[-4:-2] == ("services", service)}
        assert 0 < len(folders - NOT_NOUNS) <= MAX_NOUNS

    def test_code_folders_have_few_files(self) -> None:
        code = [path for path in python_files() if not is_test_or_migration(path) and path.name != "__init__.py"]
        counts = Counter(str(path.parent.relative_to(ROOT)) for path in code)
        assert {folder: count for folder, count in counts.items() if count > MAX_FILES} == {}

    def test_files_outside_tests_stay_under_300_lines(self) -> None:
        long = {
            str(path.relative_to(ROOT)): count
            for path in python_files()
            if path.exists()
            and not is_test_or_migration(path)
            and (count := len(path.read_text().splitlines())) > MAX_LINES
        }
        assert long == {}

    def test_shared_stays_small(self) -> None:
        code = [path for path in python_files() if path.is_relative_to(ROOT / "shared") and path.exists()]
        lines = sum(len(path.read_text().splitlines()) for path in code if not is_test_or_migration(path))
        assert lines <= MAX_SHARED_LINES

    @pytest.mark.parametrize("schema", SCHEMAS)
    def test_schema_has_one_migration_head(self, schema: str) -> None:
        assert len(heads(schema)) == 1
        assert not DEVELOPMENT_REVISIONS & set(revisions(schema)), "a development database would pass for a current one"

    @pytest.mark.parametrize(("schema", "package"), SCHEMAS.items())
    def test_no_migration_names_another_schema(self, schema: str, package: str) -> None:
        others = "|".join(name for name in SCHEMAS if name != schema)
        naming = re.compile(rf"\b({others})\.[a-z_]+\b")
        home = ROOT / package.replace(".", "/")
        files = [*(home / "migrations").rglob("*"), *(home / "sql").rglob("*")]
        paths = [path for path in files if path.suffix in (".py", ".sql")]
        assert {path.suffix for path in paths} == {".py", ".sql"}
        for path in paths:
            statements = re.sub(r"^(from|import) .*$", "", path.read_text(), flags=re.MULTILINE)
            statements = re.sub(r"\b[a-z_.]+\.v\d", "", statements)
            assert not naming.findall(statements), path


class TestImports:
    def test_import_linter_finds_nothing(self) -> None:
        lint = Path(sys.executable).with_name("lint-imports")
        result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stdout


class TestText:
    def test_nothing_names_a_registry_or_a_path_of_one_machine(self) -> None:
        words = r"--(extra-)?index[-]url|files[.]pythonhosted|/work/[m]ain"
        found = subprocess.run(
            ["git", "grep", "-nIE", "-e", words, "--", ".", ":!tests/guards"], cwd=ROOT, capture_output=True, text=True
        ).stdout
        assert found == ""
