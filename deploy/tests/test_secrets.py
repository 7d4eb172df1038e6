"""A service starts in production with its own secrets, and does not start with those of all."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from cli.secret_files import secret_files
from deploy.tests.documents import DEPLOYABLES, ROOT, settings_of
from keys.derived import SealBroken
from keys.services import ServiceKeys
from shared.identity.derived_keys import keys_from
from shared.settings import broker_url, load, runtime_url

KEY, PREVIOUS = secrets.token_hex(32), secrets.token_hex(32)
ADDRESSES = ("postgresql://db:5432/loctician", "amqp://broker:5672/")
PRODUCTION = {"ENVIRONMENT": "production", "DATABASE_URL": ADDRESSES[0], "AMQP_URL": ADDRESSES[1]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABASE_ROLE_PREFIX")
    for name, content in secret_files(KEY, PREVIOUS, *ADDRESSES).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUBLIC_URL", "https://salon.test")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1")
    monkeypatch.setenv("SMTP_URL", "smtps://mail.salon.test")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    return monkeypatch


@pytest.mark.parametrize("service", sorted(DEPLOYABLES - {"auth"}))  # auth also needs a private key
def test_a_service_has_what_it_needs(service: str, folder: Path, production: pytest.MonkeyPatch) -> None:
    production.setenv("SECRETS_FILE", str(folder / service / "secrets"))
    settings = load(settings_of(service))
    assert settings.secret_key is None
    assert runtime_url(settings, service).startswith(f"postgresql://loctician_{service}:")
    assert broker_url(settings, service).startswith(f"amqp://loctician.{service}:")
    keys = keys_from(settings, service)
    sealed = keys.shared_with("auth").seal("letters", b"x", "y")
    assert keys_of_root("auth").shared_with(service).unseal("letters", sealed, "y") == b"x"
    assert keys.unseal("letters", keys_of_root(service, PREVIOUS).seal("letters", b"x", "y"), "y") == b"x"
    assert keys.is_signed_by("auth", "event", b"x", keys_of_root("auth", PREVIOUS).sign_openly("event", b"x"))
    others = keys_of_root("auth").shared_with("booking" if service != "booking" else "gdpr")
    with pytest.raises(SealBroken):
        keys.shared_with("auth").unseal("letters", others.seal("letters", b"x", "y"), "y")


def keys_of_root(service: str, key: str = KEY) -> ServiceKeys:
    return ServiceKeys.from_root(service, key)


def test_no_secret_of_one_service_is_given_to_another(folder: Path) -> None:
    for service in DEPLOYABLES:
        given = (folder / service / "secrets").read_text()
        assert KEY not in given
        assert PREVIOUS not in given
        for other in DEPLOYABLES - {service}:
            lines = (folder / other / "secrets").read_text().splitlines()
            values = {line.partition("=")[2] for line in lines if not line.startswith("PUBLIC_KEYS")}
            assert not [value for value in values if value and value in given]


def test_public_keys_hold_both_secrets_while_they_are_changed(folder: Path) -> None:
    line = (folder / "gdpr" / "secrets").read_text().splitlines()[-1]
    known = json.loads(line.partition("=")[2].strip("'"))
    assert {service: len(keys) for service, keys in known.items()} == dict.fromkeys(DEPLOYABLES, 2)


def test_a_service_does_not_start_with_the_key_of_all(folder: Path, production: pytest.MonkeyPatch) -> None:
    production.setenv("SECRETS_FILE", str(folder / "gdpr" / "secrets"))
    production.setenv("SECRET_KEY", KEY)
    with pytest.raises(SystemExit, match=r"^Cannot start: SECRET_KEY: must not be given to a service, but what"):
        load(settings_of("gdpr"))


def test_what_is_lacking_is_said_in_one_line(production: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        load(settings_of("gdpr"))
    assert str(ended.value) == (
        "Cannot start: SECRET_KEY: must be set, or GDPR_SECRET_KEY, GDPR_DATABASE_URL, GDPR_AMQP_URL, PUBLIC_KEYS;"
        " `loctician secrets` makes these"
    )


@pytest.mark.parametrize("server", ["", "smtp://127.0.0.1:1025"])
def test_no_mail_server_is_said_in_one_line(server: str, folder: Path, production: pytest.MonkeyPatch) -> None:
    production.setenv("SECRETS_FILE", str(folder / "notifications" / "secrets"))
    production.setenv("SMTP_URL", server)
    with pytest.raises(SystemExit) as ended:
        load(settings_of("notifications"))
    assert str(ended.value) == (
        "Cannot start: SMTP_URL: must be set to a mail server, such as smtp+starttls://user:password@host,"
        " in production"
    )


@pytest.mark.parametrize("keys", ["x", "[]", '{"auth": 1}', '{"auth": [{"sealing": "00", "signing": "00"}]}'])
def test_unreadable_public_keys_are_refused(keys: str, folder: Path, production: pytest.MonkeyPatch) -> None:
    production.setenv("SECRETS_FILE", str(folder / "gdpr" / "secrets"))
    production.setenv("PUBLIC_KEYS", keys)
    with pytest.raises(SystemExit, match=r"^Cannot start: PUBLIC_KEYS: "):
        load(settings_of("gdpr"))


def test_the_command_refuses_a_short_key(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short")
    command = [sys.executable, "-m", "cli.main", "secrets", str(tmp_path)]
    command += ["--database-url", ADDRESSES[0], "--amqp-url", ADDRESSES[1]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
