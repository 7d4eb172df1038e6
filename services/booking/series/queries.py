"""SQL of series."""

from services.booking.sql_calls import function_call

BOOK_SERIES = function_call("book_series")
