"""The SQL. Hot paths are one function in migrations/sql and one round trip each."""
