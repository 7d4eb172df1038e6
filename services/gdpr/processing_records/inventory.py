"""The personal data that every service holds, from the contract generated from the marks on its columns."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared.classification import PERSONAL_DATA


@cache
def personal_data() -> Mapping[str, Any]:
    """Service -> its tables with the marks on their columns, and its retention policies with their defaults."""
    services: Mapping[str, Any] = json.loads(PERSONAL_DATA.read_bytes())
    return services


def services() -> list[str]:
    """The services that hold personal data, and so have to answer data subject requests."""
    return sorted(personal_data())


def policies() -> dict[tuple[str, str], Mapping[str, Any]]:
    """(service, policy) -> the policy's default."""
    return {
        (service, name): policy
        for service, data in personal_data().items()
        for name, policy in data["policies"].items()
    }
