"""HTTP types of customers."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

CustomerId = Annotated[UUID, Field(examples=["0196b6a0-7c1e-7b52-9d0a-3f6f0f1c2b04"])]
