"""Operator commands of auth."""

import asyncio
from typing import Annotated

import typer
from pydantic_core import PydanticCustomError

from services.auth import users
from services.auth.keys import rotate
from services.auth.passwords import Passwords, acceptable
from services.auth.settings import AuthSettings
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.settings import load

app = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens")
app.add_typer(keys, name="keys")


@app.command("create-admin")
def create_admin(
    email: Annotated[str, typer.Option(prompt=True)],
    full_name: Annotated[str, typer.Option(prompt=True)],
    password: Annotated[
        str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True, envvar="ADMIN_PASSWORD")
    ],
) -> None:
    """Create a user with the role admin."""
    try:
        acceptable(password)
    except PydanticCustomError as error:
        raise typer.BadParameter(error.message()) from error
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


@keys.command("rotate")
def rotate_keys(
    at_once: Annotated[
        bool, typer.Option(help="For a key that is no secret any more: all others are withdrawn")
    ] = False,
) -> None:
    """Publish a new signing key; it takes over once everybody has had time to fetch it."""
    kid, waits = asyncio.run(_rotate(at_once))
    typer.echo(f"{kid} signs {f'in {waits} s' if waits else 'from now on'}")


async def _rotate(at_once: bool) -> tuple[str, int]:
    settings = load(AuthSettings)
    database = Database.from_settings(settings, "auth")
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            kid = await rotate(session, settings, at_once=at_once)
    finally:
        await database.close()
    return kid, 0 if at_once else settings.key_publish_ahead_seconds
