"""HTTP models. Instants are answered in Europe/Copenhagen."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.clock import to_copenhagen

LocalInstant = Annotated[datetime, AfterValidator(to_copenhagen)]
Code = Annotated[str, Field(min_length=1, max_length=100)]
