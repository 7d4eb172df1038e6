from gateway.models import metadata
from shared.database.alembic_env import run

run("gateway", metadata)
