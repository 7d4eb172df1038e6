from services.notifications.models import metadata
from shared.alembic_env import run

run("notifications", metadata)
