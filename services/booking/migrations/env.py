from migrations.alembic_env import run
from services.booking.models import metadata

run("booking", metadata)
