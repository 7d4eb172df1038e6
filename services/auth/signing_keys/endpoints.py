"""Endpoints that publish the keys and where to find them."""

from typing import Any

from fastapi import APIRouter, Response

from services.auth.dependencies import Anyone, ContextDep
from services.auth.signing_keys.schemas import Configuration, KeySet
from shared.openapi.operations import CACHE_CONTROL, sends

router = APIRouter(tags=["keys"])


@router.get(
    "/.well-known/jwks.json",
    operation_id="well_known_jwks",
    response_model=KeySet,
    summary="Read the public keys",
    responses=sends(200, CACHE_CONTROL),
)
@router.get(
    "/api/v1/auth/jwks", response_model=KeySet, summary="Read the public keys", responses=sends(200, CACHE_CONTROL)
)
async def jwks(context: ContextDep, response: Response, _: Anyone) -> Any:
    """The public keys (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return await context.signing_keys.jwks()


@router.get("/.well-known/openid-configuration", response_model=Configuration, summary="Read the OpenID configuration")
async def openid_configuration(context: ContextDep, _: Anyone) -> dict[str, Any]:
    issuer = context.settings.public_url
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "token_endpoint": f"{issuer}/api/v1/auth/login",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    }
