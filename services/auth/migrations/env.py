from services.auth.models import metadata
from shared.database.alembic_env import run

run("auth", metadata)
