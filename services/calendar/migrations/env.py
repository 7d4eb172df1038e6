from services.calendar.models import metadata
from shared.database.alembic_env import run

run("calendar", metadata)
