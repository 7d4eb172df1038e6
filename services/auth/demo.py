"""Demo logins of each role, for development."""

from uuid import NAMESPACE_DNS, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import queries, users
from services.auth.passwords import Passwords
from services.auth.settings import AuthSettings
from shared.settings import load as load_settings

PASSWORD = "loctician-demo-2026"  # noqa: S105 - of demo data, which production refuses
PEOPLE = {
    "admin": ("Ida Lindholm", "admin", "da"),
    "staff": ("Mads Kjær", "staff", "da"),
    "amina": ("Amina Hassan", "loctician", "da"),
    "jonas": ("Jonas Bertelsen", "loctician", "da"),
    "sofie": ("Sofie Okafor", "loctician", "en"),
    "kunde": ("Freja Nørgaard", "customer", "da"),
    "kunde2": ("Liam Sørensen", "customer", "en"),
}


async def load_people(session: AsyncSession, hashed: str) -> None:
    for name, (full_name, role, language) in PEOPLE.items():
        email = f"{name}@loctician.example"
        values = {"id": uuid5(NAMESPACE_DNS, email), "email": email, "full_name": full_name, "role": role}
        await users.register(session, hashed, **values, language=language, verified=True)


async def load(session: AsyncSession) -> bool:
    if not await queries.empty(session):
        return False
    await load_people(session, await Passwords(load_settings(AuthSettings)).hash(PASSWORD))
    return True
