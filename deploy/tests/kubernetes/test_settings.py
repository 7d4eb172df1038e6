"""What an operator may set: an installation's values, every setting, and where the end of the audit log is noted."""

import re
from os.path import relpath
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import SecretStr

from deploy.tests.documents import DEPLOYABLES, settings_of
from deploy.tests.kubernetes.manifests import FOLDER, OVERLAYS, Object, needs_kubectl, of_kind, render, rendered

VALUES = {
    "HOST": "book.salon.test",
    "REGISTRY": "mirror.test:5000/salon/images",
    "TAG": "2.3.4",
    "POD_NETWORK": "10.9.0.0/16",
    "MAIL_PORT": "2525",
    "BACKUPS": "s3://elsewhere/",
    "DATABASE_IMAGE": "mirror.test:5000/postgresql:17",
    "BROKER_IMAGE": "mirror.test:5000/rabbitmq:4-management",
    "ISSUER": "own-issuer",
}
PER_SERVICE = {"SECRET_KEY", "SECRET_KEY_PREVIOUS", "DATABASE_URL", "AMQP_URL", "PUBLIC_KEYS"}  # in its own secret
OPERATORS = {"AMQP_MANAGEMENT_URL"}  # of the operator's command alone
BY_SHAPE = {"ROLE", "SERVICE"}  # which of its processes it is
pytestmark = needs_kubectl


def installed(folder: Path, overlay: str, extra: str = "") -> list[Object]:
    """An overlay of one's own, as README.md says to make it, with other values."""
    source = FOLDER / "overlays" / overlay
    text = (source / "kustomization.yaml").read_text().replace("../..", relpath(FOLDER, folder))
    (folder / "kustomization.yaml").write_text(text + extra)
    installation = yaml.safe_load((source / "installation.yaml").read_text())
    assert installation["data"].keys() == VALUES.keys()
    (folder / "installation.yaml").write_text(yaml.safe_dump(installation | {"data": VALUES}))
    return render(str(folder))


def process(objects: list[Object], name: str) -> Object:
    (found,) = (o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"] == name)
    container: Object = found["spec"]["template"]["spec"]["containers"][0]
    return container


@pytest.mark.parametrize("overlay", ["production", "production-nginx"])
class TestInstallation:
    def test_each_value_arrives_at_all_its_places(self, overlay: str, tmp_path: Path) -> None:
        objects = installed(tmp_path, overlay)
        text = yaml.safe_dump_all(objects)
        images = set(re.findall(r"image(?:Name)?: (\S+)", text))
        own = {f"{VALUES['REGISTRY']}/loctician/{name}:{VALUES['TAG']}" for name in {*DEPLOYABLES, "cli"}}
        assert images == own | {VALUES["DATABASE_IMAGE"], VALUES["BROKER_IMAGE"]}
        assert not re.search(r"registry\.example|(?<![./\w])loctician\.example(?!/)|10\.244\.|letsencrypt", text)
        settings = next(
            o["data"] for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"].startswith("settings-")
        )
        assert settings["PUBLIC_URL"] == "https://book.salon.test"
        assert settings["FORWARDED_ALLOW_IPS"] == VALUES["POD_NETWORK"]
        proxies = next(e for e in process(objects, "gateway")["env"] if e["name"] == "TRUSTED_PROXIES")
        assert proxies["value"] == VALUES["POD_NETWORK"]
        assert text.count("cert-manager.io/cluster-issuer: own-issuer") == 1
        (mail,) = (o for o in objects if o["kind"] == "NetworkPolicy" and o["metadata"]["name"] == "mail")
        assert mail["spec"]["egress"][0]["ports"] == [{"port": 2525}], "a number, not a port's name"
        assert "destinationPath: s3://elsewhere/" in text

    def test_it_is_not_sent_to_the_cluster(self, overlay: str) -> None:
        assert "installation" not in of_kind("ConfigMap", overlay)


class TestEverySetting:
    @pytest.mark.parametrize("deployable", sorted(DEPLOYABLES))
    def test_can_be_set(self, deployable: str) -> None:
        """By the config map of the service, by its secrets, or by a file; a fixed value would win over both."""
        processes = [o for name, o in of_kind("Deployment").items() if name.split("-")[0] == deployable]
        assert processes
        for name, field in settings_of(deployable).model_fields.items():
            variable = name.upper()
            if variable in PER_SERVICE | OPERATORS | BY_SHAPE:
                continue
            for deployment in processes:
                (container,) = deployment["spec"]["template"]["spec"]["containers"]
                sources = [next(iter(source.values()))["name"] for source in container["envFrom"]]
                fixed = {variable["name"]: variable for variable in container["env"]}
                where = f"{variable} of {deployment['metadata']['name']}"
                if SecretStr in {field.annotation, *get_args(field.annotation)}:
                    assert f"{variable}_FILE" in fixed or f"{deployable}-secret-settings" in sources, where
                else:
                    assert sources[1].startswith(f"{deployable}-own-settings-"), where
                    patched = {"DATABASE_POOL_SIZE", "TRUSTED_PROXIES", "AUDIT_ANCHOR_FILE"}
                    patched |= {*(f"{d.upper()}_URL" for d in DEPLOYABLES)}
                    assert variable not in fixed.keys() - patched, where

    def test_an_overlay_merges_its_own_and_wins_over_the_common_ones(self, tmp_path: Path) -> None:
        own = "{ name: booking-own-settings, behavior: merge, literals: [LOG_LEVEL=DEBUG, ENABLE_INSTAGRAM=true] }"
        objects = installed(tmp_path, "production", f"configMapGenerator:\n  - {own}\n")
        maps = {o["metadata"]["name"]: o.get("data", {}) for o in objects if o["kind"] == "ConfigMap"}
        first, second, *_ = (
            source["configMapRef"]["name"] for source in process(objects, "booking-api")["envFrom"][:2]
        )
        assert maps[first]["LOG_LEVEL"] == "INFO"
        assert maps[second] == {"LOG_LEVEL": "DEBUG", "ENABLE_INSTAGRAM": "true"}


class TestEndOfTheAuditLog:
    @pytest.mark.parametrize("overlay", OVERLAYS)
    def test_is_noted_on_a_volume_that_the_operators_command_reads(self, overlay: str) -> None:
        worker = of_kind("Deployment", overlay)["gdpr-worker"]["spec"]["template"]["spec"]
        command = of_kind("CronJob", overlay)["cli"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        for pod in (worker, command):
            (file,) = (v["value"] for v in pod["containers"][0]["env"] if v["name"] == "AUDIT_ANCHOR_FILE")
            (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "audit-ends")
            assert file.startswith(mount["mountPath"] + "/")
            (volume,) = (v for v in pod["volumes"] if v["name"] == "audit-ends")
            assert volume["persistentVolumeClaim"]["claimName"] in of_kind("PersistentVolumeClaim", overlay)
            assert mount.get("readOnly", False) == (pod is command)
        others = [n for n, o in of_kind("Deployment", overlay).items() if "audit-ends" in yaml.safe_dump(o)]
        assert others == ["gdpr-worker"]

    def test_can_be_sent_to_an_address_instead(self, tmp_path: Path) -> None:
        text = (FOLDER / "overlays" / "production" / "kustomization.yaml").read_text()
        (tmp_path / "kustomization.yaml").write_text(
            text.replace("../../audit/file", "../../audit/url").replace("../..", relpath(FOLDER, tmp_path))
        )
        (tmp_path / "installation.yaml").write_text((FOLDER / "overlays/production/installation.yaml").read_text())
        objects = render(str(tmp_path))
        (worker,) = (o for o in objects if o["metadata"]["name"] == "gdpr-worker" and o["kind"] == "Deployment")
        assert worker["spec"]["template"]["metadata"]["labels"]["loctician.example/reaches-out"] == "true"
        assert not [o for o in objects if o["kind"] == "PersistentVolumeClaim"]


def test_every_object_has_a_name_of_its_own() -> None:
    for overlay in OVERLAYS:
        names = [(o["apiVersion"], o["kind"], o["metadata"]["name"]) for o in rendered(overlay)]
        assert len(set(names)) == len(names)
