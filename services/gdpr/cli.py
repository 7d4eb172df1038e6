"""Operator commands of gdpr: verify, sign and export the audit log."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from domain.settings.production import for_operator
from services.gdpr.audit import checkpoints, hash_chain, noted_ends, queries, service
from services.gdpr.settings import GdprSettings
from shared.database.session import Database, transaction
from shared.identity.derived_keys import keys_from
from shared.identity.principals import SERVICE_CLAIMS
from shared.privacy.data_subject_requests import to_json
from shared.settings import load

app = typer.Typer()
audit = typer.Typer(no_args_is_help=True, help="The audit log: verify, sign and export it, and show who did what")
app.add_typer(audit, name="audit")

ROWS_PER_TRANSACTION = 100_000
MAX_ROWS = 1_000_000
COMPARED = {
    "compared": "Compared with the ends noted outside the database, up to row {}.",
    "none": "No end was noted in AUDIT_ANCHOR_FILE or AUDIT_ANCHOR_URL: rows removed at the end are not found.",
    "unreadable": "NOT COMPARED: AUDIT_ANCHOR_FILE or AUDIT_ANCHOR_URL cannot be read.",
}
Most = Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="Maximum number of rows, newest first")]


@audit.command()
def verify(
    noted: Annotated[
        str | None, typer.Option(help="<last id>:<head> of an earlier run, to prove that no row up to it was removed")
    ] = None,
) -> None:
    """Check every row against the hash chain, the signatures and the noted ends of the log.

    Exit with 1 and name the first broken row if any; with 2 where the noted ends cannot be read.
    """
    rows, verification = asyncio.run(_verify())
    result = asyncio.run(_compared(verification))
    broken = result["broken"]
    if broken is None and noted and not asyncio.run(_has_row(noted)):
        broken = hash_chain.Broken(None, int(noted.partition(":")[0]), "changed")
    if broken:
        typer.echo(f"BROKEN at row {broken.id} of {broken.month}: {broken.reason}")
        raise typer.Exit(1)
    typer.echo(COMPARED[result["noted"]].format(result["noted_last_id"]))
    typer.echo(f"Intact: {rows} rows. Note this in another place: {verification.last_id}:{verification.head}")
    if result["noted"] == "unreadable":
        raise typer.Exit(2)


@audit.command("sign-checkpoints")
def sign_checkpoints() -> None:
    """Sign every checkpoint with the new SECRET_KEY. SECRET_KEY_PREVIOUS must be the key that signed it before."""
    try:
        months, unsigned = asyncio.run(_sign_again())
    except checkpoints.BrokenCheckpointError as error:
        typer.echo(f"BROKEN at {error.broken.month}: {error.broken.reason}. Nothing was signed")
        raise typer.Exit(1) from error
    typer.echo(f"Signed: {months} months")
    if unsigned:
        typer.echo(f"{unsigned} rows were recorded while the key of the rows before them was unknown")


@audit.command()
def export(most: Most = MAX_ROWS) -> None:
    """Print every row with its hash, oldest first, as JSON Lines."""
    asyncio.run(_print_all(most))


@audit.command()
def subject(person_id: str, most: Most = 10_000) -> None:
    """Print who read or changed data about this person, as JSON Lines."""
    asyncio.run(_print_matching({"person": person_id}, most))


@audit.command()
def actor(person_id: str, most: Most = 10_000) -> None:
    """Print what this person read and did, as JSON Lines."""
    asyncio.run(_print_matching({"actor_id": person_id}, most))


@asynccontextmanager
async def _session() -> AsyncIterator[AsyncSession]:
    database = Database.from_settings(load(for_operator(GdprSettings)), "gdpr")
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            yield session
    finally:
        await database.close()


async def _verify() -> tuple[int, hash_chain.Verification]:
    rows, next_id = 0, 1
    while True:
        async with _session() as session:
            verification = await hash_chain.verify(session, next_id, ROWS_PER_TRANSACTION)
        rows += verification.rows
        if verification.next_id is None:
            return rows, verification
        next_id = verification.next_id


async def _compared(verification: hash_chain.Verification) -> dict[str, Any]:
    settings = load(for_operator(GdprSettings))
    try:
        ends = await noted_ends.read(settings, keys_from(settings, "gdpr"))
    except noted_ends.UnreadableError:
        ends = None
    async with _session() as session:
        return await service.compared(session, verification, ends)


async def _sign_again() -> tuple[int, int]:
    async with _session() as session:
        return await checkpoints.sign_again(session)


async def _has_row(noted: str) -> bool:
    last_id, _, head = noted.partition(":")
    async with _session() as session:
        rows = await queries.rows_from(session, None, int(last_id), int(last_id), 1)
    return bool(rows) and bytes(rows[0]["hash"]).hex() == head


async def _print_all(most: int) -> None:
    async with _session() as session:
        first = 1
        while most > 0:
            rows = await queries.rows_from(session, None, first, 2**62, min(most, hash_chain.BATCH))
            for row in rows:
                _print(row)
            if not rows:
                break
            first, most = rows[-1]["id"] + 1, most - len(rows)


async def _print_matching(conditions: Mapping[str, Any], most: int) -> None:
    async with _session() as session:
        async for row in service.all_matching(session, conditions, most):
            _print(row)


def _print(row: Mapping[str, Any]) -> None:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    sys.stdout.buffer.write(orjson.dumps(dict(row), default=to_json, option=options))
