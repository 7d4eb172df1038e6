from services.notifications.models import metadata
from shared.database.alembic_env import run

run("notifications", metadata)
