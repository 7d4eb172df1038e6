"""Prometheus takes the rules, each alert fires when it should, and whatever they look at is really measured."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from cli.contracts import generator
from gateway import metrics as _gateway  # noqa: F401 - what it measures is then registered
from provisioning.servers import install
from tests.guards.test_layout import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
SELECTOR = re.compile(r"\b([a-z_:][a-z0-9_:]*)\s*(?:\{([^}]*)\})")
NAME = re.compile(r"[a-z][a-z0-9]*(?:[_:][a-z0-9_]+)+")
WORDS = {"histogram_quantile", "label_replace", "label_values", "max_over_time"}
MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
GROUPING = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")
FROM_PROMETHEUS = {"up": {"job", "instance"}}  # and the labels that it adds to every series
ADDED = {"job", "instance", "le", "status"}  # `status` also by our own recording rule
WITHOUT_LINUX = ("process_", "python_")


def rules() -> list[dict[str, Any]]:
    files = [yaml.safe_load((FOLDER / name).read_text()) for name in ("rules.yml", "alerts.yml")]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def measured() -> dict[str, set[str]]:
    """Every series the processes can have, with its labels."""
    for name in SERVICES:
        generator.service(name)
    labels = {rule["record"]: set(ADDED) | {"service"} for rule in rules() if "record" in rule} | FROM_PROMETHEUS
    collectors: dict[str, Any] = REGISTRY._names_to_collectors
    for name, collector in collectors.items():
        labels[name] = {*getattr(collector, "_labelnames", ()), *ADDED}
    return labels


def expressions(dashboard: Path) -> Iterator[str]:
    board = json.loads(dashboard.read_text())
    for panel in board["panels"]:
        assert panel["title"]
        assert panel["targets"]
        yield from (target["expr"] for target in panel["targets"])


def unknown(expression: str, known: dict[str, set[str]]) -> list[str]:
    """Series that nobody measures, and labels that theirs do not have."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    names = {name for name in NAME.findall(GROUPING.sub("", re.sub(r"\{[^}]*\}", "", bare))) if name not in WORDS}
    wrong = [name for name in names if name not in known and not name.startswith(WITHOUT_LINUX)]
    for name, inside in SELECTOR.findall(expression):
        wrong += [f"{name}{{{label}}}" for label in MATCHER.findall(inside) if label not in known.get(name, {label})]
    labels = {label for name in names for label in known.get(name, set())} | ADDED
    grouped = {label.strip() for inside in GROUPING.findall(bare) for label in inside.split(",")}
    return wrong + sorted(grouped - labels)


@pytest.fixture(scope="session")
def promtool() -> str:
    executable = shutil.which("promtool")
    if executable is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install("prometheus")
        executable = shutil.which("promtool")
    if executable is None:
        pytest.skip("promtool is missing: on Debian it comes with `apt-get install prometheus`")
    return executable


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


class TestPromtool:
    def test_prometheus_takes_the_configuration_and_the_rules(self, promtool: str) -> None:
        run(promtool, "check", "config", "prometheus.yml")

    def test_each_alert_fires_when_it_should_and_only_then(self, promtool: str) -> None:
        run(promtool, "test", "rules", "alerts_test.yml")


class TestRules:
    def test_each_alert_is_tried_both_ways(self) -> None:
        tried = [
            case
            for test in yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
            for case in test["alert_rule_test"]
        ]
        assert {case["alertname"] for case in tried if case["exp_alerts"]} == set(alerts())
        assert {case["alertname"] for case in tried if not case["exp_alerts"]} == set(alerts())

    def test_they_look_at_what_is_measured(self) -> None:
        known = measured()
        assert {
            rule.get("alert", rule.get("record")): unknown(rule["expr"], known)
            for rule in rules()
            if unknown(rule["expr"], known)
        } == {}

    def test_a_series_or_label_that_nobody_has_would_be_noticed(self) -> None:
        known = measured()
        assert unknown("rate(http_requests_made_total[5m]) > 0", known) == ["http_requests_made_total"]
        assert unknown('queue_messages{color="red"} > 0', known) == ["queue_messages{color}"]
        assert unknown("sum by (color) (queue_messages)", known) == ["color"]

    def test_each_alert_leads_to_a_section_that_says_what_it_means_and_what_to_do(self) -> None:
        sections = re.split(r"^### ", (ROOT / "docs" / "operations.md").read_text(), flags=re.MULTILINE)[1:]
        by_anchor = {section.partition("\n")[0].lower().replace(" ", "-"): section for section in sections}
        for name, rule in alerts().items():
            assert rule["labels"]["severity"] in {"page", "ticket"}
            path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            assert path == "docs/operations.md"
            section = by_anchor[anchor]
            assert f"`{name}` ({rule['labels']['severity']})" in section
            assert "**Means.**" in section
            assert "**Do.**" in section


class TestDashboards:
    @pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
    def test_they_show_what_is_measured(self, dashboard: Path) -> None:
        known = measured()
        queries = list(expressions(dashboard))
        assert queries
        assert {query: unknown(query, known) for query in queries if unknown(query, known)} == {}

    def test_each_has_an_address_and_panels_of_its_own(self) -> None:
        boards = [json.loads(path.read_text()) for path in DASHBOARDS]
        assert len({board["uid"] for board in boards}) == len(boards) >= 4
        for board in boards:
            ids = [panel["id"] for panel in board["panels"]]
            assert len(set(ids)) == len(ids)


class TestScraping:
    def test_every_deployable_is_scraped(self) -> None:
        jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
        targets = [
            target
            for job in jobs
            if job["job_name"] == "loctician"
            for config in job["static_configs"]
            for target in config["targets"]
        ]
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        assert {target.partition(":")[0] for target in targets} == {"gateway", *SERVICES} <= compose.keys()
