"""What passkeys are bound to: the site's host, its origins, and the checks of WebAuthn (package webauthn)."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from services.auth.settings import AuthSettings

NAME = "Loctician"
TIMEOUT_MS = 300_000
VERIFIED = UserVerificationRequirement.REQUIRED


class InvalidResponse(Exception):
    """The response is not one of a passkey of this site to this challenge, with the user verified."""


@dataclass(frozen=True)
class NewKey:
    credential_id: bytes
    public_key: bytes  # COSE
    sign_count: int


class RelyingParty:
    """Passkeys belong to the host of APP_URL, or else of PUBLIC_URL. Pages of both may use them."""

    def __init__(self, settings: AuthSettings) -> None:
        addresses = [urlsplit(url) for url in (settings.app_url, settings.public_url) if url]
        self.id = addresses[0].hostname or ""
        hosts = [parts for parts in addresses if f".{parts.hostname}".endswith(f".{self.id}")]
        self.origins = [f"{parts.scheme}://{parts.netloc}" for parts in hosts]

    def registration_options(self, challenge: bytes, user_id: UUID, email: str, known: list[bytes]) -> dict[str, Any]:
        """`known`: the user's passkeys, so that an authenticator does not make a second one."""
        options = generate_registration_options(
            rp_id=self.id,
            rp_name=NAME,
            user_id=user_id.bytes,
            user_name=email,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=credential) for credential in known],
        )
        return dict(json.loads(options_to_json(options)))

    def login_options(self, challenge: bytes) -> dict[str, Any]:
        """For whoever it is: the authenticator says by which passkey."""
        options = generate_authentication_options(
            rp_id=self.id, challenge=challenge, timeout=TIMEOUT_MS, user_verification=VERIFIED
        )
        return dict(json.loads(options_to_json(options)))

    def verify_registration(self, credential: dict[str, Any], challenge: bytes) -> NewKey:
        """Raises InvalidResponse."""
        try:
            new = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origins,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise InvalidResponse from error
        return NewKey(new.credential_id, new.credential_public_key, new.sign_count)

    def verify_login(self, credential: dict[str, Any], challenge: bytes, public_key: bytes, sign_count: int) -> int:
        """The new sign count, which is greater than the known one unless both are 0. Raises InvalidResponse."""
        try:
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origins,
                credential_public_key=public_key,
                credential_current_sign_count=sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise InvalidResponse from error
        return verified.new_sign_count


def challenge_in(credential: dict[str, Any]) -> bytes:
    """The challenge that a response says it answers. Raises InvalidResponse."""
    try:
        data = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(data["challenge"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidResponse from error
