"""Field types that the HTTP models of several nouns share."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.clock import to_copenhagen

LocalInstant = Annotated[datetime, AfterValidator(to_copenhagen)]
"""An instant, answered in Copenhagen's offset."""

Code = Annotated[str, Field(min_length=1, max_length=100)]
