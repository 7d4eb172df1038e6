from services.gdpr.models import metadata
from shared.database.alembic_env import run

run("gdpr", metadata)
