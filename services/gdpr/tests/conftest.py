import pytest

from services.gdpr.main import SERVICE
from shared.app import Service


@pytest.fixture
def service() -> Service:
    return SERVICE
