"""Operator commands of auth: `loctician create-admin` and `loctician keys rotate`."""

import asyncio
from typing import Annotated

import typer
from pydantic_core import PydanticCustomError

from domain.email_addresses import normalize_email
from domain.people import plain_name
from domain.settings.production import for_operator
from services.auth.errors import UnmailableAddress
from services.auth.passwords.hashing import PasswordHashing
from services.auth.passwords.refusals import PasswordRule
from services.auth.passwords.rules import check_password
from services.auth.passwords.strength import require_strong
from services.auth.settings import AuthSettings
from services.auth.signing_keys import rotation
from services.auth.users.contact_details import require_mailable
from services.auth.users.service import create_user
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
        check_password(password)
    except PydanticCustomError as error:
        raise typer.BadParameter(error.message()) from error
    try:
        address = normalize_email(email)
    except ValueError as error:
        raise typer.BadParameter(f"{email} {error}") from error
    try:
        name = plain_name(full_name)
    except PydanticCustomError as error:
        raise typer.BadParameter(error.message()) from error
    try:
        require_mailable(load(for_operator(AuthSettings)), address)
    except UnmailableAddress as error:
        raise typer.BadParameter(error.detail["en"]) from error
    try:
        asyncio.run(require_strong(password, (name, address), second_factor=False))
    except PasswordRule as error:
        raise typer.BadParameter(error.detail["en"]) from error
    if not asyncio.run(_create(address, name, password)):
        raise typer.BadParameter(f"{address} is in use already")
    typer.echo(f"{address} is an admin")


async def _create(email: str, full_name: str, password: str) -> bool:
    settings = load(for_operator(AuthSettings))
    database = Database.from_settings(settings, "auth")
    password_hash = await PasswordHashing(settings).hash(password)
    values = {"email": email, "full_name": full_name, "role": "admin", "language": "da", "verified": True}
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return await create_user(session, password_hash, **values) is not None
    finally:
        await database.close()


@keys.command("rotate")
def rotate_keys(
    at_once: Annotated[
        bool, typer.Option(help="Sign with the new key immediately and withdraw all others; for a leaked key")
    ] = False,
) -> None:
    """Publish a new signing key. It starts to sign after KEY_PUBLISH_AHEAD_SECONDS, when all verifiers have it."""
    kid, delay = asyncio.run(_rotate(at_once))
    typer.echo(f"{kid} signs {f'in {delay} s' if delay else 'from now on'}")


async def _rotate(at_once: bool) -> tuple[str, int]:
    settings = load(for_operator(AuthSettings))
    database = Database.from_settings(settings, "auth")
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            kid = await rotation.rotate(session, settings, at_once=at_once)
    finally:
        await database.close()
    return kid, 0 if at_once else settings.key_publish_ahead_seconds
