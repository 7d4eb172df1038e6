"""Private servers start, keep their data, and leave nothing behind."""

import os
import smtplib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.up import alone
from provisioning.kept import kept
from provisioning.postgres import binaries
from provisioning.processes import free_port, spawn, stop
from provisioning.servers import Addresses, native
from shared.testing.waiting import until

ROOT = Path(__file__).parents[2]


def descendants(marker: str) -> list[str]:
    """Processes that have the marker in their command line or environment."""
    processes = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            described = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if marker.encode() in described and path.name != str(os.getpid()):
            processes.append(described.replace(b"\0", b" ").decode(errors="replace")[:200])
    return processes


async def ask(addresses: Addresses, *statements: str) -> object:
    engine = create_async_engine(addresses.database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            for statement in statements:
                answer = await connection.execute(text(statement))
            return answer.scalar() if answer.returns_rows else None
    finally:
        await engine.dispose()


@pytest.mark.slow
class TestKeptServers:
    async def test_the_next_run_finds_them_and_they_end_when_no_run_uses_them(self, tmp_path: Path) -> None:
        with kept(tmp_path, idle_seconds=2.0) as first:
            await ask(first, "CREATE TABLE kept (n integer)")
            with kept(tmp_path) as second:
                assert second == first
                assert await ask(second, "SELECT count(*) FROM kept") == 0
        await until(lambda: descendants(str(tmp_path)) == [], seconds=60)
        assert not (tmp_path / "addresses.json").exists()


@pytest.mark.skipif(binaries() is None, reason="needs the system's packages")
@pytest.mark.slow
class TestNativeServers:
    async def test_data_and_addresses_stay_over_a_restart_and_nothing_stays_running(self, tmp_path: Path) -> None:
        tmp_path.parent.parent.chmod(0o755)
        tmp_path.parent.chmod(0o755)
        with native(tmp_path, durable=False) as first:
            await ask(first, "CREATE TABLE kept (n integer)", "INSERT INTO kept VALUES (42)")
            assert await ask(first, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
            assert not {":5432/", ":5672/"} & {first.database_url[-15:], first.amqp_url[-6:]}
        assert descendants(str(tmp_path)) == []
        with native(tmp_path, durable=False) as second:
            assert second == first
            assert await ask(second, "SELECT n FROM kept") == 42
        assert descendants(str(tmp_path)) == []


class TestProcesses:
    def test_child_ends_when_its_parent_is_killed(self, tmp_path: Path) -> None:
        marker = f"marker-{tmp_path.name}-{os.getpid()}"
        parent = (
            "import pathlib, sys, time; from provisioning.processes import spawn;"
            f"spawn([sys.executable, '-c', 'import time; time.sleep(60)', '{marker}'],"
            f" pathlib.Path(r'{tmp_path}/log'));"
            "print('started', flush=True); time.sleep(60)"
        )
        process = subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        assert len(descendants(marker)) == 2
        process.kill()
        process.wait(10)
        process.stdout.close()
        until = time.monotonic() + 10
        while descendants(marker) and time.monotonic() < until:
            time.sleep(0.05)
        assert descendants(marker) == []

    def test_taken_port_is_replaced_by_a_free_one(self) -> None:
        import socket

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            assert free_port(port) != port
        assert free_port(port) == port

    def test_ports_are_none_that_the_system_gives_to_outgoing_connections(self) -> None:
        port_range = Path("/proc/sys/net/ipv4/ip_local_port_range")
        first = int(port_range.read_text().split()[0]) if port_range.exists() else 49_152  # RFC 6335
        assert max(free_port() for _ in range(50)) < first


class TestMailSink:
    def test_mail_is_kept_as_a_file(self, tmp_path: Path) -> None:
        port = free_port()
        command = [sys.executable, "-m", "deploy.local.mailsink", "--port", str(port), "--dir", str(tmp_path / "mail")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = spawn(command, tmp_path / "log", environment=environment)
        try:
            until = time.monotonic() + 15
            while True:
                try:
                    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
                        client.sendmail("a@example.com", ["b@example.com"], "Subject: hej\r\n\r\ntekst")
                    break
                except ConnectionError:
                    assert time.monotonic() < until, "the sink did not start"
                    time.sleep(0.05)
            (kept,) = (tmp_path / "mail").glob("*.eml")
            assert kept.name.endswith("-b@example.com.eml")
            assert kept.read_bytes().startswith(b"Subject: hej")
        finally:
            stop(process)


class TestAlone:
    def test_a_second_run_in_the_same_folder_is_refused_with_one_clear_line(self, tmp_path: Path) -> None:
        with alone(tmp_path), pytest.raises(SystemExit, match="Another `make up` runs"), alone(tmp_path, seconds=0.1):
            pass
        with alone(tmp_path, seconds=0.1):
            pass
