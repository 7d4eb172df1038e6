"""What `make audit` makes of the reports: an unread list never passes for a clean one."""

import json

import pytest

from tests.audit.__main__ import UnreadableError, node_faults, python_faults

FAULT = {"id": "PYSEC-2024-1", "aliases": ["CVE-2024-1"], "fix_versions": ["2.0"], "description": "long"}


def report(**package: object) -> str:
    return json.dumps({"dependencies": [{"name": "good", "version": "1", "vulns": []}, package], "fixes": []})


class TestPython:
    def test_a_known_fault_is_named_with_the_version_that_mends_it(self) -> None:
        text = report(name="bad", version="1.0", vulns=[FAULT])
        assert list(python_faults(text, "")) == ["bad 1.0: PYSEC-2024-1 CVE-2024-1, mended in ['2.0']"]

    def test_no_fault_is_none(self) -> None:
        assert list(python_faults(report(name="fine", version="1.0", vulns=[]), "")) == []

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            '{"dependencies": []}',
            report(name="private", skip_reason="Dependency not found on PyPI and could not be audited"),
        ],
    )
    def test_what_was_not_read_is_not_clean(self, text: str) -> None:
        with pytest.raises(UnreadableError):
            list(python_faults(text, "ERROR: connection refused"))


class TestNode:
    def test_a_known_fault_is_named(self) -> None:
        fault = {"range": "<2", "severity": "high", "via": [{"title": "reads too much"}]}
        text = json.dumps({"vulnerabilities": {"bad": fault, "user": {**fault, "via": ["bad"]}}})
        assert list(node_faults(text, "")) == ["bad <2: high: reads too much", "user <2: high: through ['bad']"]
        assert list(node_faults('{"vulnerabilities": {}}', "")) == []

    @pytest.mark.parametrize("text", ["", '{"message": "405 Method Not Allowed", "error": {}}', "{}"])
    def test_what_was_not_read_is_not_clean(self, text: str) -> None:
        with pytest.raises(UnreadableError):
            list(node_faults(text, "npm error audit endpoint returned an error"))
