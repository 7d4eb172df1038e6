"""Every column says what it tells of a person, why it is held and how long; and every service forgets."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import MetaData

from cli.contracts import generator
from services.gdpr.processing_records import purposes
from shared.classification import KINDS, UNTIL
from shared.privacy.retention import COMMON
from tests.guards.test_layout import SCHEMAS, SERVICES

# those whose tables say why and how long; a service that declares policies of its own says it of every table
DESCRIBED = [name for name in SERVICES if generator.service(name).module("retention")]


def metadata_of(service: str) -> MetaData:
    metadata: MetaData = importlib.import_module(f"services.{service}.models").metadata
    return metadata


def without_purpose(metadata: MetaData) -> Iterator[str]:
    """Columns with personal data that have no purpose or no time."""
    for table in metadata.tables.values():
        for column in table.columns:
            info = table.info | column.info
            if column.info.get("personal") != "none" and not {"purpose", "keep"} <= info.keys():
                yield f"{table.name}.{column.name}"


def told_of(service: str) -> list[tuple[str, dict[str, Any]]]:
    """Table or column -> its purpose and keep, where they are given."""
    columns = []
    for table in metadata_of(service).tables.values():
        for name, info in ((table.name, table.info), *((f"{table.name}.{c.name}", c.info) for c in table.columns)):
            if "purpose" in info:
                columns.append((name, dict(info)))
    return columns


@pytest.mark.parametrize("package", SCHEMAS.values())
class TestClasses:
    def test_every_column_is_classified(self, package: str) -> None:
        metadata = importlib.import_module(f"{package}.models").metadata
        unmarked = [
            f"{table.name}.{column.name}"
            for table in metadata.tables.values()
            for column in table.columns
            if column.info.get("personal") not in KINDS
        ]
        assert unmarked == []
        assert metadata.tables


@pytest.mark.parametrize("service", SERVICES)
class TestMarks:
    def test_purposes_have_words_and_times_are_those_of_a_policy(self, service: str) -> None:
        policies = {policy.name for policy in generator.service(service).policies}
        for name, info in told_of(service):
            assert info["purpose"] in purposes.PURPOSES, name
            assert info["keep"] in policies | UNTIL | purposes.PERIODS.keys(), name

    def test_policies_are_of_tables_that_exist_and_within_their_own_bounds(self, service: str) -> None:
        tables = {table.name for table in metadata_of(service).tables.values()}
        for policy in generator.service(service).policies:
            assert policy.table in tables
            assert policy.purpose in purposes.PURPOSES
            assert policy.least <= policy.keep <= policy.most

    def test_what_is_held_can_be_exported_and_forgotten(self, service: str) -> None:
        privacy = generator.service(service).module("privacy")
        for name in ("export", "erase"):
            assert list(inspect.signature(getattr(privacy, name)).parameters) == ["session", "subject_id"]


@pytest.mark.parametrize("service", DESCRIBED)
def test_every_column_that_says_something_of_people_has_a_purpose_and_a_time(service: str) -> None:
    assert list(without_purpose(metadata_of(service))) == []


def test_every_time_that_is_no_policy_has_words() -> None:
    assert set(UNTIL) <= set(purposes.PERIODS)
    assert {policy.purpose for policy in COMMON} <= set(purposes.PURPOSES)


def test_job_names_are_unique_within_a_service() -> None:
    for service in SERVICES:
        names = [job.name for job in generator.service(service).all_jobs]
        assert len(names) == len(set(names)), service
