import pytest
from pydantic import ValidationError

from shared.settings import Settings, load, role_password, runtime_url

GOOD = {"database_url": "postgresql://o:p@127.0.0.1:5433/loctician", "amqp_url": "amqp://x", "secret_key": "s" * 32}


class TestSettings:
    def test_production_refuses_debug(self) -> None:
        with pytest.raises(ValidationError, match="DEBUG must be off"):
            Settings.model_validate(GOOD | {"environment": "production", "debug": True})

    def test_production_refuses_any_origin(self) -> None:
        with pytest.raises(ValidationError, match="CORS_ORIGINS"):
            Settings.model_validate(GOOD | {"environment": "production", "cors_origins": "*"})

    def test_short_secret_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="32"):
            Settings.model_validate(GOOD | {"secret_key": "short"})

    def test_missing_setting_ends_the_process_with_one_clear_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("DATABASE_URL", "AMQP_URL", "SECRET_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setitem(Settings.model_config, "env_file", None)
        with pytest.raises(SystemExit) as stopped:
            load(Settings)
        message = str(stopped.value)
        assert "DATABASE_URL" in message
        assert "\n" not in message


class TestRuntimeUrl:
    def test_service_logs_in_as_its_own_role(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AUTH_DATABASE_URL", raising=False)
        password = role_password("s" * 32, "loctician_auth")
        url = runtime_url(Settings.model_validate(GOOD), "auth")
        assert url == f"postgresql://loctician_auth:{password}@127.0.0.1:5433/loctician"

    def test_own_address_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTH_DATABASE_URL", "postgresql+asyncpg://a:b@db/x")
        assert runtime_url(Settings.model_validate(GOOD), "auth") == "postgresql://a:b@db/x"
