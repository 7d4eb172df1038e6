"""Fixtures for all tests, and the order that lets two workers end at the same time."""

import pytest

pytest_plugins = ["shared.testing.servers", "shared.testing.services"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: begun last, one of them would run on alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
