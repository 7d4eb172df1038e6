"""What every service holds of people, as generated from the marks on its columns."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared.classification import PERSONAL_DATA


@cache
def held() -> Mapping[str, Any]:
    """Service -> its tables with their marks, and its retention policies with their defaults."""
    found: Mapping[str, Any] = json.loads(PERSONAL_DATA.read_bytes())
    return found


def services() -> list[str]:
    """Everyone who has something to answer when a person asks."""
    return sorted(held())


def policies() -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(service, name): policy for service, one in held().items() for name, policy in one["policies"].items()}
