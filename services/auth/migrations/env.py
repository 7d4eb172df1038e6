from migrations.alembic_env import run
from services.auth.models import metadata

run("auth", metadata)
