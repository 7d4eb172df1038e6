"""HTTP models of unsubscribe."""

from typing import Literal

Switchable = Literal["reminder", "service", "marketing"]  # what may be switched off
