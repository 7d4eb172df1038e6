from services.booking.models import metadata
from shared.database.alembic_env import run

run("booking", metadata)
