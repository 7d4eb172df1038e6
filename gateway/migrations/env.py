from gateway.models import metadata
from shared.alembic_env import run

run("gateway", metadata)
