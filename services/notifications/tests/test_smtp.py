"""The connection to the mail server is encrypted and verified."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provisioning.processes import free_port
from services.notifications.mail.smtp import MailServer
from services.notifications.tests.conftest import AMINA, Rows, booking, mail_sender
from shared.database.session import Database
from shared.testing.types import Deliver

USER, PASSWORD = "salon", "p@ss:word"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed one for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


class Server:
    def __init__(self) -> None:
        self.port = free_port()
        self.mails = 0
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.mails += 1
        return "250 Kept"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


Start = Callable[..., Server]


@pytest.fixture
def start(certificate: Path) -> Iterator[Start]:
    controllers: list[Controller] = []

    def run(security: str, **more: Any) -> Server:
        server = Server()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        tls: dict[str, Any] = {"smtps": {"ssl_context": context}, "starttls": {"tls_context": context}}.get(
            security, {}
        )
        needed: dict[str, Any] = (
            {"authenticator": server.login, "auth_require_tls": security == "starttls"} | tls | more
        )
        controller = Controller(server, hostname="127.0.0.1", port=server.port, **needed)
        controller.start()
        controllers.append(controller)
        return server

    yield run
    for controller in controllers:
        controller.stop()


@pytest.fixture
async def waiting(deliver: Deliver, salon: None) -> None:
    """One mail to be sent."""
    await deliver("booking.created.v1", booking(customer_id=str(AMINA)), version=1)


async def sent(database: Database, rows: Rows, url: str) -> tuple[str, str | None]:
    await mail_sender(database, MailServer.from_url(url)).send_due()
    [row] = await rows("deliveries")
    return row["status"], row["error"]


@pytest.mark.usefixtures("waiting")
class TestConnection:
    @pytest.mark.parametrize(("scheme", "security"), [("smtps", "smtps"), ("smtp+starttls", "starttls")])
    async def test_mail_is_sent_encrypted_after_a_login(
        self,
        scheme: str,
        security: str,
        start: Start,
        certificate: Path,
        database: Database,
        rows: Rows,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server = start(security)
        url = f"{scheme}://{USER}:p%40ss%3Aword@127.0.0.1:{server.port}"
        assert await sent(database, rows, url) == ("sent", None)
        assert server.logins == [(USER.encode(), PASSWORD.encode())]

    @pytest.mark.parametrize(("scheme", "security"), [("smtps", "smtps"), ("smtp+starttls", "starttls")])
    async def test_a_server_with_an_untrusted_certificate_gets_nothing(
        self, scheme: str, security: str, start: Start, database: Database, rows: Rows
    ) -> None:
        server = start(security)
        url = f"{scheme}://{USER}:p%40ss%3Aword@127.0.0.1:{server.port}"
        assert await sent(database, rows, url) == ("queued", "smtp_unreachable")
        assert (server.logins, server.mails) == ([], 0)

    @pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls"])
    async def test_a_password_is_never_sent_without_encryption(
        self, scheme: str, start: Start, database: Database, rows: Rows
    ) -> None:
        server = start("plain")
        url = f"{scheme}://{USER}:p%40ss%3Aword@127.0.0.1:{server.port}"
        status, _ = await sent(database, rows, url)
        assert status == "queued"
        assert (server.logins, server.mails) == ([], 0)

    async def test_after_a_wrong_password_the_mail_is_retried(
        self, start: Start, certificate: Path, database: Database, rows: Rows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server = start("smtps")
        assert await sent(database, rows, f"smtps://{USER}:wrong@127.0.0.1:{server.port}") == ("queued", "smtp_535")


class TestAddress:
    @pytest.mark.parametrize("url", ["http://x", "smtp://", "mail.example.com", "smtps:///path"])
    def test_an_invalid_smtp_url_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="must be smtp"):
            MailServer.from_url(url)

    def test_the_password_is_not_in_the_representation(self) -> None:
        assert "secret" not in repr(MailServer.from_url("smtps://user:secret@mail.example.com"))
