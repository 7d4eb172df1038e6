"""etcd and the two API servers, for one test: a cluster without machines, controllers and operators."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.tests.kubernetes.servers import Server
from provisioning.processes import free_port

TOKEN = "for-this-run-alone"
START_SECONDS = 90.0


@dataclass(frozen=True)
class Cluster:
    core: Server
    custom: Server
    config: Path  # of kubectl, for the core server


@contextmanager
def running(built: Path, work: Path) -> Iterator[Cluster]:
    """`built` is the folder of build.sh, `work` an empty one."""
    etcd, core, custom = (free_port() for _ in range(3))
    peer, store = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{etcd}"
    config = work / "config"
    config.write_text(_config(core))
    (work / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    subprocess.run(["openssl", "genrsa", "-out", work / "key"], check=True, capture_output=True, timeout=60)
    with ExitStack() as stack:
        data = f"/build/etcd-{etcd}"
        stack.callback(subprocess.run, ["rm", "-rf", f"{built}/sid{data}"], check=True, timeout=60)
        _start(stack, work, "chroot", str(built / "sid"), "etcd", *_etcd(data, store, peer))
        _start(stack, work, str(built / "bin/kube-apiserver"), *_core(store, core, work))
        server = Server(f"https://127.0.0.1:{core}", TOKEN)
        stack.callback(server.close)
        _wait_for(server)
        _start(stack, work, str(built / "bin/apiextensions-apiserver"), *_custom(store, custom, config))
        controllers = "--controllers=deployment,replicaset,job"
        _start(
            stack, work, str(built / "bin/kube-controller-manager"), f"--kubeconfig={config}", controllers, "--port=0"
        )
        other = Server(f"https://127.0.0.1:{custom}", TOKEN)
        stack.callback(other.close)
        _wait_for(other)
        yield Cluster(server, other, config)


def _start(stack: ExitStack, work: Path, *command: str) -> None:
    log = stack.enter_context((work / f"{Path(command[0]).name}.log").open("wb"))
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=work)
    stack.callback(process.wait, 30)
    stack.callback(process.kill)


def _etcd(data: str, store: str, peer: str) -> list[str]:
    urls = [f"--listen-client-urls={store}", f"--advertise-client-urls={store}", f"--listen-peer-urls={peer}"]
    return [f"--data-dir={data}", *urls, f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]


def _core(store: str, port: int, work: Path) -> list[str]:
    return [
        *_serving(store, "core", port),
        "--token-auth-file=tokens.csv",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={work}/key",
        f"--service-account-signing-key-file={work}/key",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--disable-admission-plugins=ServiceAccount",
    ]


def _custom(store: str, port: int, config: Path) -> list[str]:
    policies = "ValidatingAdmissionPolicy,MutatingAdmissionPolicy,ValidatingAdmissionWebhook,MutatingAdmissionWebhook"
    return [
        *_serving(store, "custom", port),
        *(f"--{name}kubeconfig={config}" for name in ("", "authentication-", "authorization-")),
        "--authentication-skip-lookup",
        "--enable-priority-and-fairness=false",  # the core server is too old to know of it
        f"--disable-admission-plugins={policies}",
    ]


def _serving(store: str, name: str, port: int) -> list[str]:
    address = [f"--secure-port={port}", "--bind-address=127.0.0.1", f"--cert-dir={name}"]
    return [f"--etcd-servers={store}", f"--etcd-prefix=/{name}", *address]


def _config(port: int) -> str:
    return f"""
apiVersion: v1
kind: Config
clusters: [{{ name: it, cluster: {{ server: "https://127.0.0.1:{port}", insecure-skip-tls-verify: true }} }}]
users: [{{ name: it, user: {{ token: {TOKEN} }} }}]
contexts: [{{ name: it, context: {{ cluster: it, user: it }} }}]
current-context: it
"""


def _wait_for(server: Server) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            return server.ready()
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
