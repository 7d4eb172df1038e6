from migrations.alembic_env import run
from services.notifications.models import metadata

run("notifications", metadata)
