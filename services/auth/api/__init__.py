"""Endpoints: parse, authorise, one use case, respond."""

from fastapi import APIRouter

from services.auth.api import keys, mfa, pages, passwords, sessions, users

# Laid flat, so that the guards see each endpoint: an included router stays a box of its own.
router = APIRouter(
    routes=[route for part in (passwords, sessions, mfa, keys, users, pages) for route in part.router.routes]
)
