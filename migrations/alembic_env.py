"""The Alembic environment that every schema's migrations/env.py runs."""

import asyncio
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, text

from migrations import sql_files
from migrations.migrate import NotMigratedError, as_owner
from migrations.preparation import preparation
from shared.settings import Settings, load

UNMANAGED = {"alembic_version", "sql_files"}  # tables of the tools themselves, which no model has
PARTITIONS = text("SELECT relname FROM pg_class WHERE relispartition AND relnamespace = to_regnamespace(:schema)")


def run(schema: str, metadata: MetaData) -> None:
    """Migrate: on the connection that the caller opened as the owner, else on one to DATABASE_URL, else offline."""
    migration = _Migration(schema, metadata)
    if context.is_offline_mode():
        migration.print_sql()
    elif connection := context.config.attributes.get("connection"):
        migration.run_on(connection)
    else:
        try:
            asyncio.run(as_owner(schema, load(Settings), migration.run_on))
        except NotMigratedError as error:
            raise CommandError(str(error)) from error


class _Migration:
    """Runs an Alembic command, and applies the SQL files in the transaction of its last step."""

    def __init__(self, schema: str, metadata: MetaData) -> None:
        self.schema = schema
        self.metadata = metadata
        self.folder = Path(context.script.dir).parent / "sql"
        self.connection: Connection | None = None
        self.partitions: set[str] = set()
        self.steps = 0
        self.at_last_step = False
        self._plan: Any = None

    def run_on(self, connection: Connection) -> None:
        self.connection = connection
        self.partitions = set(connection.execute(PARTITIONS, {"schema": self.schema}).scalars())
        connection.rollback()  # Alembic begins its own transactions
        self.steps = 0
        self._configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
        if self._changes_the_schema() and not self.steps:
            self._apply(context.get_context().get_current_heads(), every=False)
            connection.commit()

    def print_sql(self) -> None:
        self._configure(dialect_name="postgresql", literal_binds=True)
        for statement in preparation(self.schema):
            context.static_output(f"{statement};\n")
        with context.begin_transaction():
            context.run_migrations()

    def _configure(self, **target: Any) -> None:
        options = target | {
            "target_metadata": self.metadata,
            "version_table_schema": self.schema,
            "include_schemas": True,
            "include_name": self._is_managed,
            "compare_type": True,
            "compare_server_default": True,
            "process_revision_directives": _number_revision,
            "transaction_per_migration": True,  # locks are held no longer than a revision takes
        }
        context.configure(**options)
        self._plan = self._plan or context.get_context().opts["fn"]
        context.configure(**options, fn=self._plan_steps, on_version_apply=self._on_version_apply)

    def _is_managed(self, name: str | None, type_: str, _parents: Any) -> bool:
        if type_ == "schema":
            return name == self.schema
        return type_ != "table" or name not in UNMANAGED | self.partitions

    def _changes_the_schema(self) -> bool:
        """Whether the command is an upgrade or a downgrade, not one that only reads."""
        return "destination_rev" in context.get_context().opts

    def _plan_steps(self, heads: Any, migration: MigrationContext) -> Iterator[Any]:
        steps = list(self._plan(heads, migration))
        for self.steps, step in enumerate(steps, start=1):
            self.at_last_step = self.steps == len(steps)
            yield step

    def _on_version_apply(
        self, ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
    ) -> None:
        if self.at_last_step and not step.is_stamp:
            self._apply(tuple(heads), every=True)

    def _apply(self, heads: tuple[str, ...], *, every: bool) -> None:
        newest = set(heads) == set(context.script.get_heads())
        if self.connection is None:
            tables = {table.name for table in self.metadata.tables.values()}
            context.static_output(sql_files.as_script(self.schema, self.folder, tables) if newest else "")
        elif heads:
            sql_files.apply_files(self.connection, self.schema, self.folder, every=every, strict=newest)
        else:
            sql_files.drop_records(self.connection, self.schema)


def _number_revision(migration: MigrationContext, _revision: Any, directives: list[Any]) -> None:
    """Name a new revision by number and title: 0002_seats_of_a_room."""
    if not directives:
        return
    number = 1 + max((int(known[:4]) for known in context.script.get_heads()), default=0)
    title = re.sub(r"\W+", "_", (directives[0].message or "change").lower()).strip("_")
    directives[0].rev_id = f"{number:04}_{title}"[:32]
