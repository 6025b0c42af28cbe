"""A time-stamp authority on loopback: openssl's own `ts -reply` behind HTTPS."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
{chain}
signer_digest = sha256
default_policy = 1.3.6.1.4.1.55555.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Where it answers, the anchors of its tokens and of its HTTPS (PEM files), and its certificate's last day."""

    url: str
    anchors: Path
    tls_anchors: Path
    expires: datetime


@contextmanager
def serving(
    folder: Path, *, chain: bool = False, certified: bool = True, reply: bytes | None = None
) -> Iterator[Authority]:
    """Serve until the context ends.

    With ``chain`` tokens carry the chain in the order openssl writes it, which is not DER's. Without ``certified`` its
    HTTPS certificate is of another authority than the anchors say. ``reply`` replaces every answer.
    """
    folder.mkdir()
    expires = datetime.now(UTC) + timedelta(days=30)
    anchor, anchor_key = _certificate("Autorité", None, None, expires=expires + timedelta(days=3650), ca=True)
    long_name = "Horodatage de la demonstration, unite de test numero un"
    tsa, tsa_key = _certificate(long_name, anchor, anchor_key, expires=expires, stamping=True)
    other, other_key = (anchor, anchor_key) if certified else _certificate("X", None, None, expires=expires, ca=True)
    web, web_key = _certificate("127.0.0.1", other, other_key, expires=expires, address="127.0.0.1")
    (folder / "anchors.pem").write_bytes(anchor.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(tsa.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(_pem(tsa_key))
    (folder / "web.pem").write_bytes(web.public_bytes(Encoding.PEM) + _pem(web_key))
    (folder / "serial").write_text("01\n")
    certs = f"certs = {folder}/anchors.pem" if chain else ""
    (folder / "tsa.conf").write_text(_CONFIG.format(folder=folder, chain=certs))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            body = reply if reply is not None else _reply(folder, query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "web.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Authority(
            url=f"https://127.0.0.1:{server.server_port}/tsa",
            anchors=folder / "anchors.pem",
            tls_anchors=folder / "anchors.pem",
            expires=expires,
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _reply(folder: Path, query: bytes) -> bytes:
    (folder / "query").write_bytes(query)
    command = ["openssl", "ts", "-reply", "-queryfile", "query", "-config", "tsa.conf", "-out", "reply"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "reply").read_bytes()


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(
    name: str,
    issuer: x509.Certificate | None,
    issuer_key: rsa.RSAPrivateKey | None,
    *,
    expires: datetime,
    ca: bool = False,
    stamping: bool = False,
    address: str = "",
) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(expires)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        named = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        builder = builder.add_extension(named, critical=False)
    if stamping:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256()), key
