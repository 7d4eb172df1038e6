"""The SQL, by noun."""
