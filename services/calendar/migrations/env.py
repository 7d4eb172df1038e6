from migrations.alembic_env import run
from services.calendar.models import metadata

run("calendar", metadata)
