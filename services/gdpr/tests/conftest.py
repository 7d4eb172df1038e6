import pytest

from services.gdpr.main import SERVICE
from shared.http.app import Service


@pytest.fixture
def service() -> Service:
    return SERVICE
