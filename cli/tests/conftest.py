"""The broker and the database of the shared tests, for the commands that work on queues."""

from shared.tests.conftest import broker, database, place, queues

__all__ = ["broker", "database", "place", "queues"]
