"""Every operation, with data that fits its schema and data that does not, as everybody; each answer held to its schema.

One call is made for all roles before the next is thought of: making data up takes longer than the calls.
"""

import contextlib
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.people import People, ended

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
REFUSALS_TOO = {412, 414}  # no such version, an address too long: schemathesis does not count them as such
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
SECONDS = 30.0
# Half of the calls are for something that exists, or else nothing but 404 would be looked at.
EXISTING = st.booleans()


@dataclass
class Outcome:
    calls: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    findings: dict[str, str] = field(default_factory=dict)


def operations(document: dict[str, Any]) -> list[Any]:
    schema = schemathesis.openapi.from_dict(document)
    schema.config.generation = GenerationConfig(with_security_parameters=False)
    return [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr] # the guards hold it valid


def fuzz(
    document: dict[str, Any], people: People, roles: Sequence[str], *, examples: int, seed: int, until: float = 0.0
) -> Outcome:
    """`examples` of each kind for each operation; begun anew with other ones for as long as `until` is ahead."""
    outcome = Outcome()
    schema_operations = operations(document)
    order = random.Random(seed)
    rounds = 0
    while not rounds or time.monotonic() < until:
        order.shuffle(schema_operations)
        for operation in schema_operations:
            if rounds and time.monotonic() >= until:
                break
            for mode in MODES:
                _fuzz_operation(operation, mode, people, roles, outcome, examples, seed + rounds)
        rounds += 1
    return outcome


def _fuzz_operation(
    operation: Any,
    mode: GenerationMode,
    people: People,
    roles: Sequence[str],
    outcome: Outcome,
    examples: int,
    seed: int,
) -> None:
    strategy = operation.as_strategy(generation_mode=mode)
    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
    )

    @hypothesis.seed(seed)
    @settings
    @hypothesis.given(case=strategy, existing=EXISTING, pick=st.integers(0, 1000))
    def call(case: Any, existing: bool, pick: int) -> None:
        aimed = existing and _aim(case, people, pick)
        made_good = aimed or _has_outer_space(case.body)
        for role in roles:
            _call(case, role, people, outcome, made_good=made_good)

    with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # where every value fits there is none that does not
        call()


def _aim(case: Any, people: People, pick: int) -> bool:
    """At things that exist, in the path and in the body; whether there was anything to aim."""
    aimed = False
    for place in (case.path_parameters, case.body):
        if isinstance(place, dict):
            for name in place.keys() & people.ids.keys():
                ids = people.ids[name]
                place[name] = ids[pick % len(ids)] if ids else place[name]
                aimed = aimed or bool(ids)
    return aimed


def _has_outer_space(value: Any) -> bool:
    """Texts lose it before they are measured, so one that was too long may fit."""
    if isinstance(value, dict):
        return any(map(_has_outer_space, value.values()))
    if isinstance(value, list):
        return any(map(_has_outer_space, value))
    return isinstance(value, str) and value != value.strip()


def _call(case: Any, role: str, people: People, outcome: Outcome, *, made_good: bool) -> None:
    began = time.monotonic()
    try:
        response = case.call(
            base_url=people.url, session=SESSION, headers=people.headers[role], timeout=SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:
        outcome.findings[f"{case.operation.label} as {role}: {type(error).__name__}"] = repr(error)
        return
    outcome.calls[role] += 1
    outcome.statuses[response.status_code] += 1
    outcome.seconds[role] += time.monotonic() - began
    refused = made_good or response.status_code in REFUSALS_TOO
    checks = [check for check in CHECKS if not (refused and check is negative_data_rejection)]
    try:
        case.validate_response(response, checks=checks)
    except (Failure, FailureGroup) as failure:
        for exception in getattr(failure, "exceptions", [failure]):
            key = f"{case.operation.label} as {role}: {response.status_code} {type(exception).__name__}"
            outcome.findings.setdefault(
                key, f"{exception}\n{case.as_curl_command()}\n{response.content[:600]!r}"[:3000]
            )
    if role != "anonymous" and ended(response):
        people.sign_in(role)


SESSION = requests.Session()


def report(outcome: Outcome) -> Iterator[str]:
    for role, calls in outcome.calls.items():
        yield f"{role}: {calls} calls, {outcome.seconds[role] / 60:.1f} minutes of answers"
    yield f"answers: {dict(sorted(outcome.statuses.items()))}"
    for name, text in sorted(outcome.findings.items()):
        yield f"\n## {name}\n{text}"
