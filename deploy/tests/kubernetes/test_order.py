"""What is installed first, and what waits for it: for the scripts, for Argo CD and for Flux."""

from itertools import pairwise
from os.path import relpath
from pathlib import Path

import pytest
import yaml

from deploy.tests.kubernetes.crds import SPECS, unknown
from deploy.tests.kubernetes.manifests import FOLDER, OVERLAYS, Object, needs_kubectl, of_kind, render, rendered

SERVERS = {"Cluster", "ObjectStore", "RabbitmqCluster"}
STAGE, WAVE = "loctician.example/stage", "argocd.argoproj.io/sync-wave"
WAIT_SECONDS = 900  # as README.md says
pytestmark = needs_kubectl


def name_of(object_: Object) -> tuple[str, str]:
    return object_["kind"], object_["metadata"]["name"]


def stage_of(object_: Object) -> str:
    return str(object_["metadata"].get("labels", {}).get(STAGE, "processes"))


def wave_of(object_: Object) -> int:
    return int(object_["metadata"].get("annotations", {}).get(WAVE, "0"))


def part(tmp_path: Path, stage: str) -> set[tuple[str, str]]:
    """What Flux makes of production with the component of a stage."""
    content = {
        "resources": [relpath(FOLDER / "overlays" / "production", tmp_path)],
        "components": [relpath(FOLDER / "stages" / stage, tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return {name_of(object_) for object_ in render(str(tmp_path))}


class TestStages:
    @pytest.mark.parametrize("overlay", OVERLAYS)
    def test_servers_come_first_then_the_migration_then_the_processes(self, overlay: str) -> None:
        by_stage: dict[str, set[int]] = {}
        for object_ in rendered(overlay):
            by_stage.setdefault(stage_of(object_), set()).add(wave_of(object_))
        assert max(by_stage["servers"]) < min(by_stage["migration"])
        assert max(by_stage["migration"]) < min(by_stage["processes"])
        stages = {name_of(object_): stage_of(object_) for object_ in rendered(overlay)}
        assert {kind for (kind, _), stage in stages.items() if stage == "servers"} >= SERVERS | {"Namespace"}
        assert [name for name, stage in stages.items() if stage == "migration"] == [("Job", "migrate")]
        assert {stage for (kind, _), stage in stages.items() if kind == "Deployment"} == {"processes"}

    def test_what_the_migration_needs_is_there_before_it(self) -> None:
        pod = of_kind("Job", "dev")["migrate"]["spec"]["template"]["spec"]
        needed = {source["secret"]["name"] for source in pod["volumes"][1]["projected"]["sources"]}
        stages = {name_of(object_): stage_of(object_) for object_ in rendered("dev")}
        assert stages["ServiceAccount", pod["serviceAccountName"]] == "servers"
        for secret in needed & of_kind("Secret", "dev").keys():
            assert stages["Secret", secret] == "servers"
        for policy in ("migration", "names", "database", "broker"):
            assert stages["NetworkPolicy", policy] == "servers"
        (rights,) = of_kind("Cluster")["database"]["spec"]["bootstrap"]["initdb"]["postInitApplicationSQLRefs"][
            "configMapRefs"
        ]
        assert stages["ConfigMap", rights["name"]] == "servers"

    def test_the_migration_waits_for_its_servers_and_has_time_for_its_work(self) -> None:
        job = of_kind("Job")["migrate"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["migrate", "--wait", str(WAIT_SECONDS)]
        assert job["spec"]["activeDeadlineSeconds"] > 2 * WAIT_SECONDS
        assert f"{WAIT_SECONDS // 60} minutes" in (FOLDER / "README.md").read_text()
        annotations = job["metadata"]["annotations"]
        assert annotations["argocd.argoproj.io/hook"] == "Sync", "PreSync would come before the database"
        assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
        assert annotations["kustomize.toolkit.fluxcd.io/force"] == "enabled"

    def test_each_stage_can_be_had_alone(self, tmp_path: Path) -> None:
        stages = {name_of(object_): stage_of(object_) for object_ in rendered("production")}
        for stage in ("servers", "migration"):
            (tmp_path / stage).mkdir()
            assert part(tmp_path / stage, stage) == {name for name, its in stages.items() if its == stage}


class TestGitOps:
    @pytest.mark.parametrize("file", ["argocd.yaml", "flux.yaml"])
    def test_they_have_only_published_fields_and_lead_to_what_is_there(self, file: str) -> None:
        for object_ in yaml.safe_load_all((FOLDER / "gitops" / file).read_text()):
            assert list(unknown(object_["spec"], SPECS[f"{object_['apiVersion']} {object_['kind']}"])) == []
            path = object_["spec"].get("path") or object_["spec"]["source"]["path"]
            overlay = FOLDER.parents[1] / path
            assert (overlay / "kustomization.yaml").exists()
            for component in object_["spec"].get("components", []):
                assert (overlay / component / "kustomization.yaml").exists()

    def test_flux_takes_one_step_after_the_other_and_removes_nothing_before_the_last(self) -> None:
        steps = list(yaml.safe_load_all((FOLDER / "gitops" / "flux.yaml").read_text()))
        for before, step in pairwise(steps):
            assert step["spec"]["dependsOn"] == [{"name": before["metadata"]["name"]}]
        assert [step["spec"]["prune"] for step in steps] == [False, False, True]
        assert {check["kind"] for check in steps[0]["spec"]["healthChecks"]} <= SERVERS
