"""The alert rules in the cluster: those of deploy/observability, and those that only Kubernetes knows."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.contracts.alerts import prometheus_rule
from deploy.tests.documents import ROOT, SERVICES
from deploy.tests.kubernetes.manifests import FOLDER

BASE = FOLDER / "base"
TRIED = FOLDER / "server-alerts_test.yml"


def groups(file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((BASE / file).read_text())["spec"]["groups"]
    return found


def own_rules() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in groups("server-alerts.yaml") for rule in group["rules"]}


class TestGenerated:
    def test_they_are_those_that_prometheus_reads_elsewhere(self) -> None:
        assert (BASE / "alerts.yaml").read_text() == prometheus_rule(), "loctician contracts generate"
        folder = ROOT / "deploy" / "observability"
        named = yaml.safe_load((folder / "prometheus.yml").read_text())["rule_files"]
        files = [name for name in named if name != "servers.yml"]  # of Compose: here server-alerts.yaml
        elsewhere = [group for name in files for group in yaml.safe_load((folder / name).read_text())["groups"]]
        assert groups("alerts.yaml") == elsewhere
        assert len(elsewhere) > 5

    def test_no_alert_is_there_twice(self) -> None:
        names = [rule["alert"] for group in groups("alerts.yaml") for rule in group["rules"] if "alert" in rule]
        assert not {*names} & own_rules().keys()


class TestOwn:
    def test_each_fires_when_it_should_and_only_then(self, tmp_path: Path) -> None:
        if shutil.which("promtool") is None:
            pytest.skip("promtool is missing: on Debian it comes with `apt-get install prometheus`")
        (tmp_path / "server-alerts.yml").write_text(yaml.safe_dump({"groups": groups("server-alerts.yaml")}))
        (tmp_path / TRIED.name).write_text(TRIED.read_text())
        done = subprocess.run(
            ["promtool", "test", "rules", TRIED.name], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_each_is_tried_both_ways(self) -> None:
        cases = [case for test in yaml.safe_load(TRIED.read_text())["tests"] for case in test["alert_rule_test"]]
        assert {case["alertname"] for case in cases if case["exp_alerts"]} == own_rules().keys()
        assert {case["alertname"] for case in cases if not case["exp_alerts"]} == own_rules().keys()

    def test_each_process_is_missed(self) -> None:
        pattern = r'app_kubernetes_io_name="(\w+)",app_kubernetes_io_component="(\w+)"'
        missed = set(re.findall(pattern, own_rules()["ProcessAbsent"]["expr"]))
        wanted = {(name, component) for name in SERVICES for component in ("api", "worker")}
        assert missed == wanted | {("gateway", "gateway")}

    def test_each_leads_to_a_section_that_says_what_it_means_and_what_to_do(self) -> None:
        sections = re.split(r"^### ", (FOLDER / "README.md").read_text(), flags=re.MULTILINE)[1:]
        by_anchor = {section.partition("\n")[0].lower().replace(" ", "-"): section for section in sections}
        for name, rule in own_rules().items():
            path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
            assert path == "deploy/kubernetes/README.md"
            assert f"`{name}` ({rule['labels']['severity']})" in by_anchor[anchor]
            assert "**Means.**" in by_anchor[anchor]
            assert "**Do.**" in by_anchor[anchor]
