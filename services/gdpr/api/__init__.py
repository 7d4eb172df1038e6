"""Endpoints: parse, authorise, one use case, respond."""

from fastapi import APIRouter

from services.gdpr.api import audit, consents, requests, retention

# Laid flat, so that the guards see each endpoint: an included router stays a box of its own.
router = APIRouter(
    routes=[*audit.router.routes, *requests.router.routes, *consents.router.routes, *retention.router.routes]
)
