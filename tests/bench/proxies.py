"""Other people's proxies on loopback, set up for one job: the upstream's answer, kept-alive connections, no logs."""

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from provisioning.processes import free_port
from tests.bench.stand import Platform
from tests.bench.tools import program

ANSWER = '{"items":[],"next_cursor":null}'
NGINX = """
daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log error;
events {{ worker_connections 2048; }}
http {{
    access_log off; keepalive_requests 1000000000; default_type application/json;
    client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy;
    {content}
}}
"""
UPSTREAM = """
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = /.well-known/jwks.json {{ return 200 '{keys}'; }}
        location / {{ return 200 '{answer}'; }}
    }}
"""
PROXY = """
    upstream behind {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{ proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
"""
CADDY = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    reverse_proxy 127.0.0.1:{upstream}
}}
"""
HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 2s
    http-reuse always
frontend front
    bind 127.0.0.1:{port}
    http-request set-var(txn.token) http_auth_bearer
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify("RS256","{key}") -m int 1 }}
    default_backend behind
backend behind
    server one 127.0.0.1:{upstream}
"""


@dataclass(frozen=True)
class Proxies:
    """Starts each on `core`, so that they have as much of the machine as the gateway has."""

    platform: Platform
    core: int | None

    def upstream(self, core: int | None) -> int:
        """The port of what stands behind all of them; it answers anything, and JWKS too."""
        port = free_port()
        keys = json.dumps(self.platform.signer.document())
        self._nginx("upstream", UPSTREAM.format(port=port, keys=keys, answer=ANSWER), core)
        return port

    def nginx(self, upstream: int) -> int:
        port = free_port()
        self._nginx("nginx", PROXY.format(port=port, upstream=upstream), self.core)
        return port

    def caddy(self, upstream: int) -> int:
        caddy, port = program("caddy", "caddy"), free_port()
        path = self._write("Caddyfile", CADDY.format(port=port, upstream=upstream))
        command = [caddy, "run", "--config", str(path), "--adapter", "caddyfile"]
        self.platform.run("caddy", command, self.platform.environment, core=self.core)
        return port

    def haproxy(self, upstream: int) -> int:
        """With a check of each token's signature."""
        haproxy, port = program("haproxy", "haproxy"), free_port()
        encoding, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        public = self.platform.signer.private.public_key().public_bytes(encoding, kind)
        key = self._write("public.pem", public.decode())
        path = self._write("haproxy.cfg", HAPROXY.format(port=port, upstream=upstream, key=key))
        self.platform.run("haproxy", [haproxy, "-db", "-f", str(path)], self.platform.environment, core=self.core)
        return port

    def _nginx(self, name: str, content: str, core: int | None) -> None:
        nginx = program("nginx", "nginx-light")
        path = self._write(f"{name}.conf", NGINX.format(folder=self.platform.folder, name=name, content=content))
        command = [nginx, "-p", str(self.platform.folder), "-c", str(path)]
        self.platform.run(name, command, self.platform.environment, core=core)

    def _write(self, name: str, content: str) -> Path:
        path = self.platform.folder / name
        path.write_text(content)
        return path
