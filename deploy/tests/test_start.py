"""No process starts with unsafe settings: it says all that is wrong, a line each, and nothing that is secret."""

import os
import subprocess
import sys

import pytest

from deploy.tests.documents import DEPLOYABLES, ROOT

PASSWORD = "hunter2-hunter2"
UNSAFE = {
    "ENVIRONMENT": "production",
    "DEBUG": "true",
    "SQL_ECHO": "true",
    "SECRET_KEY": f"change-me-change-me-change-me-{PASSWORD}",
    "DATABASE_URL": f"postgresql://owner:{PASSWORD}@db/x",
    "PUBLIC_URL": f"http://user:{PASSWORD}@salon.test",
    "APP_URL": "http://app.salon.test",
    "CORS_ORIGINS": "https://salon.test,null",
    "SMTP_URL": f"smtp://user:{PASSWORD}@mail.salon.test",
    "SMS_URL": f"http://user:{PASSWORD}@sms.salon.test",
    "INSTAGRAM_URL": "http://instagram.test",
    "TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1",
    "BOOKING_URL": f"http://user:{PASSWORD}@booking/path",
    "JWT_PRIVATE_KEY": f"/nowhere/{PASSWORD}",
}
EVERYWHERE = {"DEBUG", "SQL_ECHO", "SECRET_KEY", "AMQP_URL", "PUBLIC_URL", "CORS_ORIGINS"}
ALSO = {
    "auth": {"APP_URL", "JWT_PRIVATE_KEY"},
    "booking": {"INSTAGRAM_URL"},
    "calendar": {"APP_URL"},
    "gateway": {"TRUSTED_PROXIES", "BOOKING_URL"},
    "notifications": {"APP_URL", "SMTP_URL", "SMS_URL"},
}


def start(deployable: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    arguments = (
        ["gateway"] if deployable == "gateway" else ["uvicorn", "--factory", f"services.{deployable}.main:create"]
    )
    return subprocess.run(
        [sys.executable, "-m", *arguments, "--port", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("deployable", sorted(DEPLOYABLES))
def test_all_that_is_unsafe_is_listed_at_once(deployable: str) -> None:
    ended = start(deployable, UNSAFE)
    lines = [line.removeprefix("Cannot start: ") for line in ended.stderr.splitlines()]
    assert {line.partition(":")[0] for line in lines} == EVERYWHERE | ALSO.get(deployable, set())
    assert len(lines) == len(set(lines)) == len(EVERYWHERE | ALSO.get(deployable, set()))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert PASSWORD not in ended.stderr


@pytest.mark.parametrize("environment", [{"ENVIRONMENT": ""}, {"environment": ""}, {"ENVIRONMENT_FILE": os.devnull}])
def test_an_empty_environment_is_not_development(environment: dict[str, str]) -> None:
    ended = start("gdpr", {name: value for name, value in UNSAFE.items() if name != "ENVIRONMENT"} | environment)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Cannot start: ENVIRONMENT: ")
    assert PASSWORD not in ended.stderr


def test_a_secret_given_as_the_path_of_a_file_is_not_printed() -> None:
    ended = start("gdpr", {"ENVIRONMENT": "production", "SECRET_KEY_FILE": PASSWORD})
    assert ended.returncode == 1
    assert "Cannot start: SECRET_KEY: SECRET_KEY_FILE names a file that cannot be read" in ended.stderr.splitlines()
    assert PASSWORD not in ended.stderr
