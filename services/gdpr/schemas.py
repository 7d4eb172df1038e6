"""HTTP models. Instants are answered in Europe/Copenhagen."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.clock import copenhagen

LocalInstant = Annotated[datetime, AfterValidator(copenhagen)]
Code = Annotated[str, Field(min_length=1, max_length=100)]
