"""The SQL, a module a noun."""
