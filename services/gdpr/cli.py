"""Operator commands of gdpr: the audit log from the shell."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.audit import checkpoints, hash_chain, queries
from services.gdpr.audit import service as log
from services.gdpr.settings import GdprSettings
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.privacy.data_subject_requests import to_json
from shared.settings import load

app = typer.Typer()
audit = typer.Typer(no_args_is_help=True, help="The audit log: verify, export, and who saw or changed what")
app.add_typer(audit, name="audit")

AT_ONCE = 100_000
MOST = 1_000_000
Most = Annotated[int, typer.Option(min=1, max=MOST, help="Rows at most, newest first")]


@audit.command()
def verify(
    noted: Annotated[
        str | None, typer.Option(help="<last id>:<head> of an earlier run, to prove that nothing up to there is gone")
    ] = None,
) -> None:
    """Check every row against the chain and the signatures; exit 1 and name the first broken row otherwise."""
    seen, found = asyncio.run(_verified())
    broken = found.broken
    if broken is None and noted and not asyncio.run(_stands(noted)):
        broken = hash_chain.Broken(None, int(noted.partition(":")[0]), "changed")
    if broken:
        typer.echo(f"BROKEN at row {broken.id} of {broken.month}: {broken.reason}")
        raise typer.Exit(1)
    typer.echo(f"Intact: {seen} rows. Note this elsewhere: {found.last_id}:{found.head}")


@audit.command()
def reanchor() -> None:
    """Sign every month with SECRET_KEY, which SECRET_KEY_PREVIOUS signed: after the key was changed."""
    try:
        months, unsigned = asyncio.run(_reanchored())
    except checkpoints.BrokenAnchorError as error:
        typer.echo(f"BROKEN at {error.broken.month}: {error.broken.reason}. Nothing was signed")
        raise typer.Exit(1) from error
    typer.echo(f"Signed: {months} months")
    if unsigned:
        typer.echo(f"{unsigned} rows came while the key of those before them was not known")


@audit.command()
def export(most: Most = MOST) -> None:
    """Every row with its hash, oldest first, as JSON Lines."""
    asyncio.run(_print_all(most))


@audit.command()
def subject(person_id: str, most: Most = 10_000) -> None:
    """Who saw or changed what is about this person, as JSON Lines."""
    asyncio.run(_print_matching({"person": person_id}, most))


@audit.command()
def actor(person_id: str, most: Most = 10_000) -> None:
    """What this person saw and did, as JSON Lines."""
    asyncio.run(_print_matching({"actor_id": person_id}, most))


@asynccontextmanager
async def _session() -> AsyncIterator[AsyncSession]:
    database = Database.from_settings(load(GdprSettings), "gdpr")
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            yield session
    finally:
        await database.close()


async def _verified() -> tuple[int, hash_chain.Verified]:
    seen, following = 0, 1
    while True:
        async with _session() as session:
            found = await hash_chain.verify(session, following, AT_ONCE)
        seen += found.rows
        if found.next_id is None:
            return seen, found
        following = found.next_id


async def _reanchored() -> tuple[int, int]:
    async with _session() as session:
        return await checkpoints.reanchor(session)


async def _stands(noted: str) -> bool:
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
        async for row in log.every(session, conditions, most):
            _print(row)


def _print(row: Mapping[str, Any]) -> None:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    sys.stdout.buffer.write(orjson.dumps(dict(row), default=to_json, option=options))
