from fastapi import APIRouter

from services.auth.api import keys, mfa, pages, passwords, sessions, users

router = APIRouter()
for _part in (passwords, sessions, mfa, keys, users, pages):
    router.include_router(_part.router)
