from services.auth.models import metadata
from shared.alembic_env import run

run("auth", metadata)
