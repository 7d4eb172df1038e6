from services.booking.models import metadata
from shared.alembic_env import run

run("booking", metadata)
