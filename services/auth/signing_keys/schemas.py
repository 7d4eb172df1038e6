"""HTTP models of the published keys."""

from pydantic import Field

from shared.http.schemas import Schema

ISSUER = "https://loctician.example"  # an example


class PublicKey(Schema):
    kty: str = Field(examples=["RSA"])
    kid: str = Field(examples=["2026"])
    use: str = Field(examples=["sig"])
    alg: str = Field(examples=["RS256"])
    n: str = Field(examples=["u1SU1LfVLPHC"])
    e: str = Field(examples=["AQAB"])


class KeySet(Schema):
    keys: list[PublicKey]


class Configuration(Schema):
    issuer: str = Field(examples=[ISSUER])
    jwks_uri: str = Field(examples=[f"{ISSUER}/.well-known/jwks.json"])
    token_endpoint: str = Field(examples=[f"{ISSUER}/api/v1/auth/login"])
    id_token_signing_alg_values_supported: list[str] = Field(examples=[["RS256"]])
    response_types_supported: list[str] = Field(examples=[["token"]])
    subject_types_supported: list[str] = Field(examples=[["public"]])
