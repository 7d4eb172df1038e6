"""Fixtures for all tests, and the order that lets two workers end at the same time."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["shared.testing.servers", "shared.testing.databases", "shared.testing.services"]

# How long an example takes says how busy the machine is.
settings.register_profile("loctician", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loctician")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: begun last, one of them would run on alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
