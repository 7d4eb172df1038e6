"""SECRET_KEY itself signs and encrypts nothing: each purpose has a key of its own, derived by HKDF."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What may read SECRET_KEY: where keys are derived from it, and what hands it over to these.
READERS = {
    "cli/contracts/compose.py",  # names the setting, and reads no value
    "cli/secret_files.py",
    "domain/settings/production.py",  # refuses weak ones
    "shared/identity/derived_keys.py",
    "shared/settings.py",
}
SECRET = re.compile(r"\bsecret_key(_previous)?\b")


def test_only_what_derives_keys_reads_the_secret() -> None:
    names = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in names.split() if not {"tests", "testing"} & set(Path(name).parts)]
    readers = {str(path) for path in paths if SECRET.search((ROOT / path).read_text())}
    assert readers <= READERS


def test_these_derive_keys_and_do_not_sign_with_the_secret() -> None:
    for name in ("services/auth/encryption.py", "keys/derived.py"):
        assert "HKDF(SHA256()" in (ROOT / name).read_text()
    for name in READERS:
        assert "hmac" not in (ROOT / name).read_text()
