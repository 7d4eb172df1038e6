"""HTTP models of the published keys."""

from shared.http.schemas import Schema


class PublicKey(Schema):
    kty: str
    kid: str
    use: str
    alg: str
    n: str
    e: str


class KeySet(Schema):
    keys: list[PublicKey]


class Configuration(Schema):
    issuer: str
    jwks_uri: str
    token_endpoint: str
    id_token_signing_alg_values_supported: list[str]
    response_types_supported: list[str]
    subject_types_supported: list[str]
