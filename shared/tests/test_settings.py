from pathlib import Path

import pytest
from pydantic import ValidationError

from keys.logins import role_password
from shared.settings import Settings, load, runtime_role, runtime_url

GOOD = {"database_url": "postgresql://o:p@127.0.0.1:5433/loctician", "amqp_url": "amqp://x", "secret_key": "s" * 32}


class TestSettings:
    @pytest.mark.parametrize(("environment", "seconds"), [("development", 0), ("staging", 5), ("production", 5)])
    def test_staging_drains_as_production_does(self, environment: str, seconds: float) -> None:
        assert Settings.model_validate(GOOD | {"environment": environment}).seconds_to_drain == seconds

    def test_short_secret_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="32"):
            Settings.model_validate(GOOD | {"secret_key": "short"})

    def test_each_missing_setting_is_named_on_a_line_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("DATABASE_URL", "AMQP_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setitem(Settings.model_config, "env_file", None)
        with pytest.raises(SystemExit) as stopped:
            load(Settings)
        message = str(stopped.value)
        names = ("DATABASE_URL", "AMQP_URL")
        assert message.splitlines() == [f"Cannot start: {name}: Field required" for name in names]


class TestFromFiles:
    """Every setting can come by file; container engines hand over secrets so."""

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in GOOD.items():
            monkeypatch.setenv(name.upper(), value)
        monkeypatch.setitem(Settings.model_config, "env_file", None)

    @pytest.mark.parametrize("name", Settings.model_fields)
    def test_a_file_named_for_it_is_as_good_as_the_variable(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        by_variable = {"environment": "test", "log_level": "ERROR", "role": "api", "cors_origins": "https://a.example"}
        by_variable |= {"secret_key_previous": "the key before this one, as long as it", "drain_seconds": "7"}
        value = GOOD.get(name) or by_variable.get(name) or ("7" if name == "database_pool_size" else "true")
        monkeypatch.setenv(name.upper(), value)
        given = getattr(load(Settings), name)
        monkeypatch.delenv(name.upper())
        (tmp_path / "secret").write_text(f"{value}\n")
        monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / "secret"))
        assert getattr(load(Settings), name) == given

    def test_an_own_database_address_can_come_by_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "secret").write_text("postgresql://a:b@db/x\n")
        monkeypatch.setenv("AUTH_DATABASE_URL_FILE", str(tmp_path / "secret"))
        assert runtime_url(load(Settings), "auth") == "postgresql://a:b@db/x"

    def test_an_empty_file_is_no_value(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "secret").write_text("\n")
        monkeypatch.setenv("PUBLIC_URL_FILE", str(tmp_path / "secret"))
        assert load(Settings).public_url == "http://127.0.0.1:8000"

    def test_what_stands_in_the_environment_counts_beside_an_empty_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "secret").write_text("\n")
        monkeypatch.setenv("PUBLIC_URL_FILE", str(tmp_path / "secret"))
        monkeypatch.setenv("PUBLIC_URL", "https://salon.test")
        assert load(Settings).public_url == "https://salon.test"

    def test_a_comment_is_not_taken_for_a_value(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As Compose reads `PUBLIC_URL=   # the address` in `.env`."""
        monkeypatch.setenv("PUBLIC_URL", "# the address")
        with pytest.raises(
            SystemExit, match=r"^Cannot start: PUBLIC_URL: is a comment, which needs a line of its own$"
        ):
            load(Settings)

    def test_both_at_once_and_files_that_cannot_be_read_are_named_with_all_that_is_wrong(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        monkeypatch.setenv("ENVIRONMENT", "")
        monkeypatch.setenv("LOG_LEVEL", "LOUD")
        monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "nothing"))
        monkeypatch.setenv("AMQP_URL_FILE", str(tmp_path))
        monkeypatch.setenv("PUBLIC_URL_FILE", str(tmp_path / "binary"))
        monkeypatch.delenv("AMQP_URL")
        with pytest.raises(SystemExit) as stopped:
            load(Settings)
        assert set(str(stopped.value).splitlines()) == {
            "Cannot start: ENVIRONMENT: must not be empty",
            "Cannot start: LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
            "Cannot start: SECRET_KEY: SECRET_KEY_FILE is set too",
            "Cannot start: AMQP_URL: AMQP_URL_FILE names a file that cannot be read",
            "Cannot start: PUBLIC_URL: PUBLIC_URL_FILE names a file that cannot be read",
        }

    def test_an_own_database_address_given_twice_ends_the_process_with_one_clear_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AUTH_DATABASE_URL", "postgresql://a:b@db/x")
        monkeypatch.setenv("AUTH_DATABASE_URL_FILE", str(tmp_path / "secret"))
        with pytest.raises(SystemExit) as stopped:
            runtime_url(load(Settings), "auth")
        assert str(stopped.value) == "Cannot start: AUTH_DATABASE_URL: AUTH_DATABASE_URL_FILE is set too"


class TestRuntimeUrl:
    @pytest.fixture(autouse=True)
    def no_prefix(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DATABASE_ROLE_PREFIX")

    def test_service_logs_in_as_its_own_role(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AUTH_DATABASE_URL", raising=False)
        password = role_password("s" * 32, "loctician_auth")
        url = runtime_url(Settings.model_validate(GOOD), "auth")
        assert url == f"postgresql://loctician_auth:{password}@127.0.0.1:5433/loctician"

    def test_of_another_prefix_where_one_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_ROLE_PREFIX", "salon2")
        url = runtime_url(Settings.model_validate(GOOD), "auth")
        assert url.startswith(f"postgresql://salon2_auth:{role_password('s' * 32, 'salon2_auth')}@")

    @pytest.mark.parametrize("prefix", ["Salon", "salon-2", "2", "a; DROP ROLE x", "s" * 41])
    def test_a_prefix_that_is_no_plain_name_stops_the_start(self, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
        monkeypatch.setenv("DATABASE_ROLE_PREFIX", prefix)
        with pytest.raises(SystemExit, match="Cannot start: DATABASE_ROLE_PREFIX: "):
            runtime_role("auth")

    def test_own_address_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTH_DATABASE_URL", "postgresql+asyncpg://a:b@db/x")
        assert runtime_url(Settings.model_validate(GOOD), "auth") == "postgresql://a:b@db/x"

    def test_an_address_without_a_login_is_enough(self) -> None:
        password = role_password("s" * 32, "loctician_auth")
        url = runtime_url(
            Settings.model_validate(GOOD | {"database_url": "postgresql://db:5432/x?sslmode=require"}), "auth"
        )
        assert url == f"postgresql://loctician_auth:{password}@db:5432/x?sslmode=require"
