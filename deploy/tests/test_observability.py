"""Prometheus takes the rules, each alert fires when it should, and whatever they look at is really measured."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from prometheus_client import REGISTRY

from cli.contracts import generator
from gateway import metrics as _gateway  # noqa: F401 - what it measures is then registered
from provisioning.processes import free_port
from provisioning.servers import install
from tests.guards.test_layout import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
RULE_FILES = ("rules.yml", "alerts.yml", "servers.yml")
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
SELECTOR = re.compile(r"\b([a-z_:][a-z0-9_:]*)\s*(?:\{([^}]*)\})")
NAME = re.compile(r"[a-z][a-z0-9]*(?:[_:][a-z0-9_]+)+")
WORDS = {"histogram_quantile", "label_replace", "label_values", "max_over_time"}
MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
GROUPING = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")
FROM_PROMETHEUS = {"up": {"job", "instance"}}  # and the labels that it adds to every series
# By others: backup.sh, RabbitMQ, and the exporters of Compose's profile `observability`.
FROM_OTHERS: dict[str, set[str]] = {
    "backup_failed": {"kind"},
    "backup_last_success_timestamp_seconds": {"kind"},
    "pg_up": set(),
    "pg_replication_lag_seconds": set(),
    "pg_stat_archiver_failed_count": set(),
    "rabbitmq_alarms_memory_used_watermark": set(),
    "rabbitmq_alarms_free_disk_space_watermark": set(),
    "node_filesystem_avail_bytes": {"mountpoint", "fstype"},
    "node_filesystem_size_bytes": {"mountpoint", "fstype"},
    "probe_ssl_earliest_cert_expiry": set(),
}
ADDED = {"job", "instance", "le", "status"}  # `status` also by our own recording rule
SCHEMA = jsonschema.Draft7Validator(json.loads(Path(__file__).with_name("dashboard.schema.json").read_text()))
WITHOUT_LINUX = ("process_", "python_")


def rules() -> list[dict[str, Any]]:
    files = [yaml.safe_load((FOLDER / name).read_text()) for name in RULE_FILES]
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
    labels |= {name: own | ADDED for name, own in FROM_OTHERS.items()}
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


@pytest.fixture(scope="module")
def prometheus(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus with our rules, which scrapes itself."""
    executable = Path(promtool).with_name("prometheus")
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    files = [str(FOLDER / name) for name in RULE_FILES]
    scraped = [{"job_name": "self", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]
    intervals = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration = {"global": intervals, "rule_files": files, "scrape_configs": scraped}
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    command = [str(executable), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def fetch(url: str, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(url, params=query, timeout=10).json()
    return answer


def ask(prometheus: str, query: str) -> dict[str, Any]:
    return fetch(f"{prometheus}/api/v1/query", query=query)


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


class TestPromtool:
    def test_prometheus_takes_the_configuration_and_the_rules(self, promtool: str) -> None:
        run(promtool, "check", "config", "prometheus.yml")

    def test_each_alert_fires_when_it_should_and_only_then(self, promtool: str) -> None:
        run(promtool, "test", "rules", "alerts_test.yml", "servers_test.yml")


class TestRules:
    def test_each_alert_is_tried_both_ways(self) -> None:
        tried = [
            case
            for name in ("alerts_test.yml", "servers_test.yml")
            for test in yaml.safe_load((FOLDER / name).read_text())["tests"]
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

    @pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
    def test_they_are_what_grafanas_schema_allows(self, dashboard: Path) -> None:
        board = json.loads(dashboard.read_text())
        assert [f"{list(error.path)}: {error.message}" for error in SCHEMA.iter_errors(board)] == []

    def test_the_schema_would_notice_a_mistake(self) -> None:
        for path, wrong in ((("refresh",), 30), (("panels", 0, "gridPos", "w"), "8"), (("panels", 0, "titel"), "x")):
            board = json.loads(DASHBOARDS[0].read_text())
            part = board
            for step in path[:-1]:
                part = part[step]
            part[path[-1]] = wrong
            assert not SCHEMA.is_valid(board), path

    def test_prometheus_answers_every_query(self, prometheus: str) -> None:
        queries = {query for dashboard in DASHBOARDS for query in expressions(dashboard)}
        assert len(queries) > 20
        failed = {}
        for query in queries:
            answer = ask(prometheus, re.sub(r"\$(__rate_interval|__interval)", "5m", query).replace("$service", ".*"))
            if answer["status"] != "success":
                failed[query] = answer["error"]
        assert failed == {}
        assert ask(prometheus, "sum by (service (up)")["status"] == "error", "a wrong one would be noticed"

    def test_prometheus_evaluates_every_rule(self, prometheus: str) -> None:
        def evaluated() -> list[dict[str, Any]]:
            groups = fetch(f"{prometheus}/api/v1/rules")["data"]["groups"]
            return [rule for group in groups for rule in group["rules"]]

        deadline = time.monotonic() + 60
        while any(rule["health"] == "unknown" for rule in evaluated()) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert len(evaluated()) == len(rules())
        assert {rule["name"]: rule.get("lastError") for rule in evaluated() if rule["health"] != "ok"} == {}

    def test_each_has_an_address_and_panels_of_its_own(self) -> None:
        boards = [json.loads(path.read_text()) for path in DASHBOARDS]
        assert len({board["uid"] for board in boards}) == len(boards) >= 4
        for board in boards:
            ids = [panel["id"] for panel in board["panels"]]
            assert len(set(ids)) == len(ids)


class TestScraping:
    def test_every_replica_of_every_deployable_is_scraped(self) -> None:
        """By the addresses that its name stands for, each of which is a replica."""
        jobs = {
            job["job_name"]: job for job in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
        }
        (discovery,) = jobs["loctician"]["dns_sd_configs"]
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        assert set(discovery["names"]) == {"gateway", *SERVICES} <= compose.keys()
        assert (discovery["type"], discovery["port"]) == ("A", 8000)
        targets = [config["targets"] for config in jobs["servers"]["static_configs"]]
        assert {target.partition(":")[0] for group in targets for target in group} <= compose.keys()

    def test_what_measures_runs_only_with_its_profile(self) -> None:
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        watching = {name for name, service in compose.items() if service.get("profiles") == ["observability"]}
        exporters = {"node-exporter", "postgres-exporter", "blackbox-exporter"}
        assert watching == {"prometheus", "alertmanager", "grafana"} | exporters
