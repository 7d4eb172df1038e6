from services.gdpr.models import metadata
from shared.alembic_env import run

run("gdpr", metadata)
