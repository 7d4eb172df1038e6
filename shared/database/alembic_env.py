"""The alembic environment that every service's migrations/env.py runs."""

from alembic import context
from sqlalchemy import Connection, MetaData


def run(schema: str, metadata: MetaData) -> None:
    """Migrate on the connection that `shared.database.migrate` opened as the owner."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=schema,
        include_schemas=True,
        include_name=lambda name, type_, _: type_ != "schema" or name == schema,
        transaction_per_migration=True,  # locks are held no longer than a revision takes
    )
    with context.begin_transaction():
        context.run_migrations()
