"""Demo users of each role, for development."""

from uuid import NAMESPACE_DNS, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.passwords.hashing import PasswordHashing
from services.auth.settings import AuthSettings
from services.auth.users import queries
from services.auth.users.service import create_user
from shared.settings import load as load_settings

PASSWORD = "loctician-demo-2026"  # noqa: S105 - of demo data, which production refuses
USERS = {
    "admin": ("Ida Lindholm", "admin", "da"),
    "staff": ("Mads Kjær", "staff", "da"),
    "amina": ("Amina Hassan", "loctician", "da"),
    "jonas": ("Jonas Bertelsen", "loctician", "da"),
    "sofie": ("Sofie Okafor", "loctician", "en"),
    "kunde": ("Freja Nørgaard", "customer", "da"),
    "kunde2": ("Liam Sørensen", "customer", "en"),
}

USER_IDS = {name: uuid5(NAMESPACE_DNS, f"{name}@loctician.example") for name in USERS}


async def load_users(session: AsyncSession, password_hash: str) -> None:
    for name, (full_name, role, language) in USERS.items():
        email = f"{name}@loctician.example"
        values = {"id": USER_IDS[name], "email": email, "full_name": full_name, "role": role}
        await create_user(session, password_hash, **values, language=language, verified=True)


async def load(session: AsyncSession) -> bool:
    """Loads the demo users unless there are users already. Tells whether it did."""
    if await queries.has_users(session):
        return False
    await load_users(session, await PasswordHashing(load_settings(AuthSettings)).hash(PASSWORD))
    return True
