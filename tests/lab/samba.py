"""A real Active Directory domain controller: Samba, provisioned once a run, bound to one loopback address."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ADMIN_PASSWORD = "Lab-Passw0rd-Admin"
USER_PASSWORD = "Lab-Passw0rd-User"
#: The services of every lab domain, and those that serve SYSVOL.
SERVICES, SMB = ("ldap", "kdc", "cldap"), ("s3fs", "winbindd", "rpc")
#: Who changes what by himself at each logon.
SYSTEM = "S-1-5-18"
COUNTERS = {"lastlogon", "lastlogontimestamp", "logoncount", "badpwdcount", "badpasswordtime", "lockouttime"}
#: Ordinary accounts of every lab domain, by what is particular about them; all have ``USER_PASSWORD``.
ACCOUNTS = ("lecteur", "expire", "desactive", "verrouille", "mdp-expire", "mdp-a-changer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A running domain controller."""

    realm: str
    netbios: str
    address: str
    folder: Path
    ca_file: Path
    #: What the seeds planted: for each fault, the SIDs or DNs that are at fault and those that nearly are.
    planted: dict[str, dict[str, list[str]]]

    @property
    def host(self) -> str:
        return f"dc1.{self.realm}"

    @property
    def base(self) -> str:
        return ",".join(f"DC={part}" for part in self.realm.split("."))

    @property
    def forest(self) -> str:
        return self.realm

    @property
    def admin(self) -> str:
        return f"Administrator@{self.realm}"

    def user(self, name: str = "lecteur") -> str:
        return f"{name}@{self.realm}"

    @property
    def log(self) -> str:
        return (self.folder / "samba.log").read_text(errors="replace")

    def written(self) -> list[dict[str, Any]]:
        """Return the changes that the controller logged, but those by which the system itself counts logons."""
        lines = [line for line in self.log.splitlines() if '"type": "dsdbChange"' in line]
        changes = [json.loads(line[line.index('{"timestamp"') :])["dsdbChange"] for line in lines]
        return [
            one
            for one in changes
            if one["userSid"] != SYSTEM or not {name.lower() for name in one.get("attributes", {})} <= COUNTERS
        ]

    @property
    def database(self) -> Path:
        return self.folder / "private" / "sam.ldb"


@contextmanager
def domain(
    realm: str = "chu.example",
    *,
    netbios: str = "CHU",
    faults: Iterable[str] = (),
    bulk: Mapping[str, int] | None = None,
    french: bool = False,
    strong_auth: bool = True,
    services: Iterable[str] = (),
    sysvol: Callable[[Path], Mapping[str, str]] | None = None,
    max_seconds: float = 60,
) -> Iterator[Domain]:
    """Start a domain controller with the given faults planted, and stop it at the end.

    A domain is provisioned once and copied from a snapshot, kept in ``.lab`` or in ``HYGIE_LAB_CACHE``. Each gets a
    loopback address of its own, so that several run side by side. ``services`` are Samba's, beside LDAP and the KDC:
    ``dns`` (the zone leads to ::1, which is then served too), ``rpc``. ``sysvol`` writes files in the domain's SYSVOL
    folder, which is then served by SMB, and returns the descriptors (SDDL) of those that do not have the usual one,
    by relative path.

    Whoever used it wrote nothing: at the end the controller's own log says so, or this raises.
    """
    address = _free_address()
    with tempfile.TemporaryDirectory(prefix="hygie-lab-") as temporary:
        folder = Path(temporary) / "dc"
        _restore(realm, netbios, folder)
        _configure(folder, realm, netbios, address, strong_auth, (*SERVICES, *services, *(SMB if sysvol else ())))
        ca_file = certificates(folder / "tls", f"dc1.{realm}")
        planted = seed(folder, faults, bulk or {}, french=french)
        if sysvol:
            _serve_sysvol(folder, sysvol(folder / "state" / "sysvol" / realm), folder / "state" / "sysvol" / realm)
        process = _start(folder)
        try:
            _wait(process, address, max_seconds, folder, (389, 636, 445) if sysvol else (389, 636))
            running = Domain(
                realm=realm, netbios=netbios, address=address, folder=folder, ca_file=ca_file, planted=planted
            )
            yield running
            if written := running.written():
                raise AssertionError(f"somebody wrote in the directory: {written[:5]}")
        finally:
            _stop(process)


def seed(
    folder: Path, faults: Iterable[str], bulk: Mapping[str, int], *, french: bool = False
) -> dict[str, dict[str, list[str]]]:
    """Plant faults in the stopped domain of a folder, in one transaction, and return what was planted."""
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "tests.lab.samba_seeds", folder / "etc" / "smb.conf"],
        cwd=Path(__file__).parents[2],
        input=json.dumps(
            {"faults": sorted(set(faults)), "password": USER_PASSWORD, "bulk": dict(bulk), "french": french}
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"seeding failed:\n{done.stderr[-4000:]}")
    planted: dict[str, dict[str, list[str]]] = json.loads(done.stdout.splitlines()[-1])
    return planted


def _restore(realm: str, netbios: str, folder: Path) -> None:
    cache = Path(os.environ.get("HYGIE_LAB_CACHE") or Path(__file__).parents[2] / ".lab")
    cache.mkdir(exist_ok=True)
    snapshot = cache / f"samba-{realm}-{netbios}.tar"
    if not snapshot.exists():
        with tempfile.TemporaryDirectory(prefix="hygie-lab-") as temporary:
            fresh = Path(temporary) / "dc"
            _provision(realm, netbios, fresh)
            partial = snapshot.with_suffix(f".{os.getpid()}")
            with tarfile.open(partial, "w") as tar:
                tar.add(fresh, arcname="dc")
            partial.rename(snapshot)
    with tarfile.open(snapshot) as tar:
        tar.extractall(folder.parent, filter="fully_trusted")


def _provision(realm: str, netbios: str, folder: Path) -> None:
    folder.mkdir()
    command = [
        "samba-tool", "domain", "provision", f"--realm={realm.upper()}", f"--domain={netbios}",
        f"--adminpass={ADMIN_PASSWORD}", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL", "--host-name=dc1",
        "--host-ip=127.0.60.1", "--host-ip6=::1", f"--targetdir={folder}", "--function-level=2008_R2",
        "--option=interfaces=127.0.60.1/8", "--option=bind interfaces only=yes", "--option=dns forwarder=",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"samba-tool failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _configure(
    folder: Path, realm: str, netbios: str, address: str, strong_auth: bool, services: Iterable[str]
) -> None:
    (folder / "run").mkdir(exist_ok=True)
    (folder / "etc" / "smb.conf").write_text(
        f"""[global]
netbios name = DC1
realm = {realm.upper()}
workgroup = {netbios}
server role = active directory domain controller
server services = {", ".join(services)}
interfaces = {address}/8{" ::1/128" if "dns" in services else ""}
bind interfaces only = yes
dns forwarder =
ldap server require strong auth = {"yes" if strong_auth else "no"}
tls enabled = yes
tls keyfile = {folder}/tls/key.pem
tls certfile = {folder}/tls/cert.pem
tls cafile = {folder}/tls/ca.pem
private dir = {folder}/private
state directory = {folder}/state
lock directory = {folder}
cache directory = {folder}/cache
binddns dir = {folder}/bind-dns
pid directory = {folder}/run
ncalrpc dir = {folder}/run/ncalrpc
ntp signd socket directory = {folder}/run/ntp
log file = {folder}/samba.log
log level = 1 dsdb_json_audit:5
[sysvol]
path = {folder}/state/sysvol
read only = no
[netlogon]
path = {folder}/state/sysvol/{realm}/scripts
read only = no
"""
    )


def _serve_sysvol(folder: Path, descriptors: Mapping[str, str], domain: Path) -> None:
    """Let smbd, as the user who asks, walk down to the share, and give its files the descriptors of a fresh domain."""
    for parent in (folder, folder.parent, folder / "state"):
        parent.chmod(0o755)
    settings = ["-s", str(folder / "etc" / "smb.conf")]
    subprocess.run(["samba-tool", "ntacl", "sysvolreset", *settings], check=True, capture_output=True)
    for path, sddl in descriptors.items():
        command = ["samba-tool", "ntacl", "set", sddl, str(domain / path), *settings]
        subprocess.run(command, check=True, capture_output=True)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "samba.log").open("ab") as log:
        return subprocess.Popen(
            # smbd asks winbindd who a SID is at one fixed place: each domain sees its own folder there
            [
                "unshare",
                "--mount",
                "sh",
                "-c",
                'mount --bind "$0" /run/samba && exec "$@"',
                folder / "run",
                "samba",
                "--foreground",
                "--no-process-group",
                "--debug-stdout",
                "-s",
                folder / "etc" / "smb.conf",
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _free_address() -> str:
    """Return a loopback address of which no directory port is taken."""
    for last in range(os.getpid(), os.getpid() + 60000):
        address = f"127.60.{last // 250 % 250}.{last % 250 + 1}"
        try:
            for port in (88, 389, 464, 636, 3268, 3269):
                socket.create_server((address, port)).close()
        except OSError:
            continue
        return address
    raise RuntimeError("no free loopback address")


def _wait(process: subprocess.Popen[bytes], address: str, seconds: float, folder: Path, ports: Iterable[int]) -> None:
    ends = time.monotonic() + seconds
    for port in ports:
        while True:
            try:
                socket.create_connection((address, port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(f"samba did not start:\n{(folder / 'samba.log').read_text()[-4000:]}") from None
                time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the foreground process and what it started: all of its own session."""
    if process.stdin:
        process.stdin.close()
    for signal in (SIGTERM, SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal)
        for _ in range(100):
            process.poll()
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)


def certificates(folder: Path, host: str) -> Path:
    """Write a P-256 key and certificate for a host, from a new lab authority; return the authority's file."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hygie lab")])
    ca = _signed(ca_name, ca_key.public_key(), ca_name, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    leaf = _signed(subject, key.public_key(), ca_name, ca_key, names)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "cert.pem").write_bytes(leaf.public_bytes(pem))
    (folder / "key.pem").touch(0o600)
    (folder / "key.pem").write_bytes(private)
    return folder / "ca.pem"


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)  # a certificate of today
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(signer, hashes.SHA256())


def available() -> bool:
    """Tell whether Samba's programs are on this machine."""
    return all(shutil.which(program) for program in ("samba", "samba-tool"))
