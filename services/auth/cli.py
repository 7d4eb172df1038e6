"""Operator commands of auth."""

import asyncio
from typing import Annotated

import typer

from services.auth import users
from services.auth.passwords import Passwords
from services.auth.settings import AuthSettings
from shared.auth import SERVICE_CLAIMS
from shared.db import Database, transaction
from shared.settings import load

app = typer.Typer()
LEAST, MOST = 8, 128


@app.command("create-admin")
def create_admin(
    email: Annotated[str, typer.Option(prompt=True)],
    full_name: Annotated[str, typer.Option(prompt=True)],
    password: Annotated[
        str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True, envvar="ADMIN_PASSWORD")
    ],
) -> None:
    """Create a user with the role admin."""
    if not LEAST <= len(password) <= MOST:
        raise typer.BadParameter(f"a password has {LEAST} to {MOST} characters")
    try:
        address = users.normal_address(email)
    except ValueError as error:
        raise typer.BadParameter(f"{email} {error}") from error
    if not asyncio.run(_create(address, full_name.strip(), password)):
        raise typer.BadParameter(f"{address} is in use already")
    typer.echo(f"{address} is an admin")


async def _create(email: str, full_name: str, password: str) -> bool:
    settings = load(AuthSettings)
    database = Database.from_settings(settings, "auth")
    hashed = await Passwords(settings).hash(password)
    values = {"email": email, "full_name": full_name, "role": "admin", "language": "da", "verified": True}
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return await users.register(session, hashed, **values) is not None
    finally:
        await database.close()
