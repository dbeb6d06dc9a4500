"""HTTP on our terms: mutual TLS, a proxy only where it is set, no redirect, no endless body, a discreet log."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors._kit.http import post
from connectors._kit.manifest import RateLimit
from connectors._kit.settings import PartySettings
from engine.core.errors import Unreachable

Answer = Callable[[BaseHTTPRequestHandler], None]


def settings(**values: str) -> PartySettings:
    given = {f"ANJU_BANK_{name}": value for name, value in values.items()}
    return PartySettings("bank", "建行", 2.0, RateLimit(1000, 1), given)


@contextmanager
def served(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A refused handshake is what some of these tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def plain(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """A certificate that vouches for itself, for 127.0.0.1, and its key: two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / f"{name}.pem").write_bytes(made.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()))
    return str(folder / f"{name}.pem"), str(folder / f"{name}.key")


def test_a_party_that_asks_for_our_certificate_gets_it_and_must_show_a_known_one(tmp_path: Path) -> None:
    theirs, their_key = certificate(tmp_path, "bank")
    ours, our_key = certificate(tmp_path, "office")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(theirs, their_key)
    tls.load_verify_locations(ours)
    tls.verify_mode = ssl.CERT_REQUIRED
    with served(plain(b"ok"), tls) as port:
        url = f"https://127.0.0.1:{port}/pay"
        assert post(settings(CA=theirs, CERT=ours, KEY=our_key), url, b"x", {}).response == b"ok"
        for wrong in (settings(CA=theirs), settings(CERT=ours, KEY=our_key), settings(CA=theirs, CERT="none.pem")):
            with pytest.raises(Unreachable):
                post(wrong, url, b"x", {})


def test_a_proxy_is_used_only_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[str] = []

    def proxy(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        plain(b"by proxy")(handler)

    with served(plain(b"direct")) as port, served(proxy) as proxied:
        url = f"http://127.0.0.1:{port}/pay"
        assert post(settings(), url, b"x", {}).response == b"direct"
        assert post(settings(PROXY=f"http://127.0.0.1:{proxied}"), url, b"x", {}).response == b"by proxy"
    assert seen == [url]


def test_a_redirect_is_not_followed() -> None:
    with served(plain(b"stolen")) as elsewhere:
        away = plain(b"", 302, Location=f"http://127.0.0.1:{elsewhere}/")
        with served(away) as port, pytest.raises(Unreachable, match="别的地址"):
            post(settings(), f"http://127.0.0.1:{port}/pay", b"x", {})


def test_a_body_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1_000):
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            return

    with served(endless) as port, pytest.raises(Unreachable, match="过大"):
        post(settings(), f"http://127.0.0.1:{port}/pay", b"x", {})


def test_the_log_says_where_and_how_long_and_nothing_of_a_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "connectors")
    with served(plain(b"answer-body")) as port:
        url = f"http://127.0.0.1:{port}/people/330106198803121014?name=secret-name"
        post(settings(), url, b"request-body", {"X-Token": "secret-token"})
    assert "bank /people/*** 200" in caplog.text
    for word in ("330106", "secret", "body"):
        assert word not in caplog.text
