"""HTTP models of passkeys: what a browser's PublicKeyCredential.toJSON() gives (WebAuthn, level 3)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.auth.passwords.schemas import AnyPassword
from shared.http.schemas import Input, Schema

CHALLENGE = "q83vEjRWeJA"
CREDENTIAL_ID = "AQIDBAUGBwgJCgsMDQ4PEA"

Base64Url = Annotated[str, Field(min_length=1, max_length=8_192, pattern=r"^[A-Za-z0-9_-]+$", examples=[CREDENTIAL_ID])]
Transport = Annotated[str, Field(max_length=32, examples=["internal"])]
PasskeyName = Annotated[str, Field(min_length=1, max_length=100, examples=["Min telefon"])]


class PasskeyStart(Input):
    password: AnyPassword | None = None


class Options(Schema):
    """Give `options` to navigator.credentials.create() or get(), by PublicKeyCredential.parse...FromJSON()."""

    options: dict[str, Any] = Field(examples=[{"challenge": CHALLENGE, "userVerification": "required"}])


class AttestationResponse(Input):
    client_data: Base64Url = Field(alias="clientDataJSON")
    attestation_object: Base64Url = Field(alias="attestationObject")
    authenticator_data: Base64Url | None = Field(default=None, alias="authenticatorData")
    public_key: Base64Url | None = Field(default=None, alias="publicKey")
    public_key_algorithm: int | None = Field(default=None, alias="publicKeyAlgorithm", examples=[-7])
    transports: list[Transport] | None = Field(default=None, max_length=10)


class AssertionResponse(Input):
    client_data: Base64Url = Field(alias="clientDataJSON")
    authenticator_data: Base64Url = Field(alias="authenticatorData")
    signature: Base64Url
    user_handle: Base64Url | None = Field(default=None, alias="userHandle")
    attestation_object: Base64Url | None = Field(default=None, alias="attestationObject")


class _Credential(Input):
    id: Base64Url
    raw_id: Base64Url = Field(alias="rawId")
    type: Literal["public-key"]
    attachment: Literal["platform", "cross-platform"] | None = Field(default=None, alias="authenticatorAttachment")
    extensions: dict[str, Any] = Field(default={}, max_length=10, alias="clientExtensionResults", examples=[{}])

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude_none=True)


class NewCredential(_Credential):
    response: AttestationResponse


class Assertion(_Credential):
    response: AssertionResponse


class NewPasskey(Input):
    name: PasskeyName
    credential: NewCredential


class PasskeyChange(Input):
    name: PasskeyName


class PasskeyLogin(Input):
    credential: Assertion
    session: Literal["token", "cookie"] = "token"


class PasskeyOut(Schema):
    id: UUID
    name: PasskeyName
    created_at: datetime
    last_used_at: datetime | None


class Passkeys(Schema):
    items: list[PasskeyOut]
