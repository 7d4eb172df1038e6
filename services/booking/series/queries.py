from services.booking.sql_calls import function

BOOK_SERIES = function("book_series")
