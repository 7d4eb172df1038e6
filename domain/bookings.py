"""The status of a booking."""

from typing import Literal

BookingStatus = Literal["pending", "confirmed", "completed", "no_show", "cancelled"]
