"""`loctician drift`: compares what services keep of others with its source, by counts and checksums.

Each side is read by its own service's login; no login reads two schemas. A source commits before the services that keep
its state hear of it, so the copy is read first: what is ahead of its source is no message under way.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from cli.projections import PROJECTIONS, Projection
from domain.settings.production import OperatorSettings
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.settings import Settings, load

MOST_NAMED = 20
BUCKETS = 256
AGAIN_AFTER = 2.0  # seconds; an event under way is handled by then
# The two sides agree where counts and checksums of all buckets do. A bucket holds one 256th of the rows.
CHECKSUMS = """
    SELECT get_byte(decode(md5(id), 'hex'), 0) AS bucket, count(*) AS row_count,
        sum(('x' || left(md5(id || state::text), 15))::bit(60)::bigint)::text AS checksum
    FROM ({rows}) rows GROUP BY bucket"""
ROWS = """
    SELECT id, md5(state::text) AS state FROM ({rows}) rows WHERE get_byte(decode(md5(id), 'hex'), 0) = :bucket"""
out = Console()


@dataclass
class Difference:
    """Ids of rows that the projection lacks, that its source lacks, and whose states differ."""

    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [*self.missing, *self.extra, *self.different]

    def both(self, later: "Difference") -> "Difference":
        """What differs in both in the same way."""
        pairs = zip(asdict(self).items(), asdict(later).values(), strict=True)
        return Difference(**{name: sorted(set(before) & set(after)) for (name, before), after in pairs})


@dataclass
class Comparison:
    projection: Projection
    kept: int
    expected: int
    difference: Difference

    def report(self) -> dict[str, Any]:
        ids = {name: values[:MOST_NAMED] for name, values in asdict(self.difference).items()}
        counts = {name: len(values) for name, values in asdict(self.difference).items()}
        place = {"service": self.projection.service, "projection": self.projection.name}
        return {
            **place,
            "source": self.projection.source,
            "kept": self.kept,
            "expected": self.expected,
            **counts,
            "ids": ids,
        }


def show(
    only: Annotated[str | None, typer.Option("--service", help="Only what this service keeps")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON array")] = False,
) -> None:
    """Compare what services keep of others with its source; exit 1 if anything differs.

    While messages wait (loctician status), what they are about differs. `loctician republish --to` repairs the rest.
    """
    keepers = sorted({projection.service for projection in PROJECTIONS})
    if only not in (None, *keepers):
        raise typer.BadParameter(f"these services keep states of others: {', '.join(keepers)}", param_hint="--service")
    wanted = [projection for projection in PROJECTIONS if only in (None, projection.service)]
    comparisons = asyncio.run(compare_all(load(OperatorSettings), wanted))
    if as_json:
        typer.echo(json.dumps([comparison.report() for comparison in comparisons], indent=2))
    else:
        _print(comparisons)
    raise typer.Exit(1 if any(comparison.difference.all for comparison in comparisons) else 0)


def _print(comparisons: Sequence[Comparison]) -> None:
    columns = ("service", "projection", "source", "kept", "expected", "missing", "extra", "different")
    table = Table(*columns, box=None, pad_edge=False, collapse_padding=True)
    for comparison in comparisons:
        difference = comparison.difference
        sizes = [len(ids) for ids in asdict(difference).values()]
        counts = (comparison.kept, comparison.expected, *sizes)
        projection = comparison.projection
        table.add_row(projection.service, projection.name, projection.source, *map(str, counts))
    out.print(table)
    for comparison in comparisons:
        for kind, ids in asdict(comparison.difference).items():
            for id_ in ids[:MOST_NAMED]:
                out.print(f"{comparison.projection.label} {kind}: {id_}", highlight=False, soft_wrap=True)
            if len(ids) > MOST_NAMED:
                out.print(f"{comparison.projection.label} {kind}: and {len(ids) - MOST_NAMED} more", highlight=False)
    for service in sorted({comparison.projection.service for comparison in comparisons if comparison.difference.all}):
        out.print(f"When no messages wait, repair with: loctician republish --to {service}", highlight=False)


async def compare_all(settings: Settings, projections: Iterable[Projection]) -> list[Comparison]:
    now = datetime.now(UTC)
    async with _databases(settings) as databases:
        comparisons = [await _compare(databases, projection, now) for projection in projections]
        if any(comparison.difference.all for comparison in comparisons):
            await asyncio.sleep(AGAIN_AFTER)
        for comparison in comparisons:
            if comparison.difference.all:
                again = await _compare(databases, comparison.projection, now)
                comparison.difference = comparison.difference.both(again.difference)
    return comparisons


async def release(settings: Settings, service: str) -> dict[str, int]:
    """Makes the rows of a service that differ take the state of the next event, whatever its version, and deletes those
    that the source does not publish. Returns how many, by projection."""
    own = [projection for projection in PROJECTIONS if projection.service == service]
    counts = {}
    comparisons = await compare_all(settings, own)
    async with _databases(settings) as databases:
        for comparison in comparisons:
            await _release(databases, comparison)
            counts[comparison.projection.label] = len(comparison.difference.all)
    return counts


async def _release(databases: "_Databases", comparison: Comparison) -> None:
    projection, difference = comparison.projection, comparison.difference
    for start in range(0, len(difference.all), 1000):
        async with transaction(databases.of(projection.service), SERVICE_CLAIMS) as session:
            await session.execute(text(projection.release), {"ids": difference.all[start : start + 1000]})
    for start in range(0, len(difference.extra), 1000):
        ids = difference.extra[start : start + 1000]
        async with transaction(databases.of(projection.source), SERVICE_CLAIMS) as session:
            known = set((await session.execute(text(projection.known), {"ids": ids})).scalars())
        async with transaction(databases.of(projection.service), SERVICE_CLAIMS) as session:
            await session.execute(text(projection.remove), {"ids": [id_ for id_ in ids if id_ not in known]})


async def _compare(databases: "_Databases", projection: Projection, now: datetime) -> Comparison:
    kept = await _checksums(databases.of(projection.service), projection.kept, now)
    expected = await _checksums(databases.of(projection.source), projection.expected, now)
    difference = Difference()
    for bucket in range(BUCKETS):
        if kept.get(bucket) != expected.get(bucket):
            copy = await _rows(databases.of(projection.service), projection.kept, now, bucket)
            source = await _rows(databases.of(projection.source), projection.expected, now, bucket)
            difference.missing += sorted(source.keys() - copy.keys())
            difference.extra += sorted(copy.keys() - source.keys())
            difference.different += sorted(id_ for id_ in copy.keys() & source.keys() if copy[id_] != source[id_])
    counts = [sum(count for count, _ in side.values()) for side in (kept, expected)]
    return Comparison(projection, counts[0], counts[1], difference)


async def _checksums(database: Database, rows: str, now: datetime) -> dict[int, tuple[int, str]]:
    """Count and checksum by bucket."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        result = await session.execute(text(CHECKSUMS.format(rows=rows)), _parameters(rows, now))
        return {row.bucket: (row.row_count, row.checksum) for row in result}


async def _rows(database: Database, rows: str, now: datetime, bucket: int) -> dict[str, str]:
    async with transaction(database, SERVICE_CLAIMS) as session:
        result = await session.execute(text(ROWS.format(rows=rows)), _parameters(rows, now) | {"bucket": bucket})
        return {row.id: row.state for row in result}


def _parameters(rows: str, now: datetime) -> dict[str, Any]:
    return {"now": now} if ":now" in rows else {}


class _Databases:
    """The services' own logins, each opened when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.opened: dict[str, Database] = {}

    def of(self, service: str) -> Database:
        if service not in self.opened:
            self.opened[service] = Database.from_settings(self._settings, service)
        return self.opened[service]


@asynccontextmanager
async def _databases(settings: Settings) -> AsyncIterator[_Databases]:
    databases = _Databases(settings)
    try:
        yield databases
    finally:
        for database in databases.opened.values():
            await database.close()
