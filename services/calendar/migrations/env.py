from services.calendar.models import metadata
from shared.alembic_env import run

run("calendar", metadata)
