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
    def test_is_taken_as_text_or_as_a_file(self, tmp_path: Path) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        file = tmp_path / "key.pem"
        file.write_text(pem(key))
        for given in (pem(key), str(file)):
            found = key_from_settings(AuthSettings.model_validate(GOOD | {"jwt_private_key": given}))
            assert found is not None
            assert found.kid == thumbprint(key.public_key())

    def test_key_id_can_be_given(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        found = key_from_settings(
            AuthSettings.model_validate(GOOD | {"jwt_private_key": pem(key), "jwt_key_id": "mine"})
        )
        assert found is not None
        assert found.public_jwk["kid"] == "mine"

    def test_no_key_another_kind_or_a_short_one_is_refused(self) -> None:
        short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - what is to be refused
        for given in ("/nowhere/key.pem", pem(ec.generate_private_key(ec.SECP256R1())), pem(short)):
            with pytest.raises(ValidationError, match="JWT_PRIVATE_KEY"):
                AuthSettings.model_validate(GOOD | {"jwt_private_key": given})

    def test_public_key_of_another_pair_is_refused(self) -> None:
        own, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public = other.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
        with pytest.raises(ValidationError, match="JWT_PUBLIC_KEY"):
            AuthSettings.model_validate(GOOD | {"jwt_private_key": pem(own), "jwt_public_key": public})

    def test_production_needs_a_key(self) -> None:
        with pytest.raises(ValidationError, match="JWT_PRIVATE_KEY must be set"):
            AuthSettings.model_validate(GOOD | {"environment": "production"})
