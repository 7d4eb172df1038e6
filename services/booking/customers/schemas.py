"""HTTP types of customers."""

from typing import Annotated

from pydantic import Field

from domain.people import PersonId

CustomerId = Annotated[PersonId, Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04"])]
