from gateway.models import metadata
from migrations.alembic_env import run

run("gateway", metadata)
