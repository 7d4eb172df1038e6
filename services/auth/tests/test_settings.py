"""Settings of the signing key."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import ValidationError

from services.auth.settings import AuthSettings
from services.auth.signing_keys.keys import key_from_settings, thumbprint
from services.auth.tests.conftest import pem

GOOD: dict[str, Any] = {"database_url": "postgresql://x", "amqp_url": "amqp://x", "secret_key": "s" * 32}


class TestSigningKey:
    def test_can_be_pem_or_a_path(self, own_key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
        file = tmp_path / "key.pem"
        file.write_text(pem(own_key))
        for setting in (pem(own_key), str(file)):
            signing_key = key_from_settings(AuthSettings.model_validate(GOOD | {"jwt_private_key": setting}))
            assert signing_key is not None
            assert signing_key.kid == thumbprint(own_key.public_key())

    def test_key_id_can_be_set(self, own_key: rsa.RSAPrivateKey) -> None:
        signing_key = key_from_settings(
            AuthSettings.model_validate(GOOD | {"jwt_private_key": pem(own_key), "jwt_key_id": "mine"})
        )
        assert signing_key is not None
        assert signing_key.public_jwk["kid"] == "mine"

    def test_missing_file_other_kind_and_short_key_are_refused(self) -> None:
        short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - what is to be refused
        for setting in ("/nowhere/key.pem", pem(ec.generate_private_key(ec.SECP256R1())), pem(short)):
            with pytest.raises(ValidationError, match="jwt_private_key"):
                AuthSettings.model_validate(GOOD | {"jwt_private_key": setting})

    def test_public_key_of_another_pair_is_refused(
        self, own_key: rsa.RSAPrivateKey, signing_key: rsa.RSAPrivateKey
    ) -> None:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public = signing_key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
        with pytest.raises(ValidationError, match="must be the public half"):
            AuthSettings.model_validate(GOOD | {"jwt_private_key": pem(own_key), "jwt_public_key": public})

    @pytest.mark.parametrize("environment", ["staging", "production"])
    def test_production_and_staging_need_a_key(self, environment: str) -> None:
        with pytest.raises(ValidationError, match="must be set in"):
            AuthSettings.model_validate(GOOD | {"environment": environment})
