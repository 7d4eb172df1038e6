from migrations.alembic_env import run
from services.gdpr.models import metadata

run("gdpr", metadata)
