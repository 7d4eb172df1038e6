"""Endpoints: parse, authorise, one use case, respond."""

from fastapi import APIRouter

from services.booking.api import bookings, catalog, holds, profiles, salon, slots

# Laid flat, so that the guards see each endpoint: an included router stays a box of its own.
router = APIRouter(
    routes=[
        *catalog.router.routes,
        *profiles.router.routes,
        *slots.router.routes,
        *salon.router.routes,
        *holds.router.routes,
        *bookings.router.routes,
    ]
)
