"""What runs on the ground, by real servers: names, sites, mail and services of two establishments with planted faults.

A process of its own in the far namespace, which ends when its input closes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from pynetdicom import AE

from bench.ground.network import RESOLVER, ROOT, address
from scanner.demo.certificates import Identity, authority, leaf
from tests.lab import nameservers, postgres, services
from tests.lab.daemon import running
from tests.lab.mail import dovecot, postfix
from tests.lab.nginx import nginx

OPEN, CLOSED = "ch-banc.test", "gh-banc.test"
NS = address(0, 1)
#: The names of the zone that anybody may transfer, and of the one that nobody may; each with its address.
NAMES = {
    OPEN: {"ns1": NS, "www": address(0, 2), "rdv": address(0, 3), "pacs": address(0, 4), "vpn": address(0, 5),
           "admin": address(0, 6), "webmail": address(0, 7), "mx": address(0, 8), "imap": address(0, 9),
           "labo": address(0, 10), "ris": address(0, 11), "sauvegarde": address(0, 12)},
    CLOSED: {"ns1": NS, "www": address(1, 1), "extranet": address(1, 2), "intranet": "10.20.0.5",
             "mail": address(1, 3), "ftp": address(1, 4), "dossier-patient": address(1, 5),
             "teleradiologie": address(1, 6)},
}  # fmt: skip
#: What listens where; the tools are not told.
SERVED: dict[tuple[str, int], str] = {
    (NS, 53): "dns",
    **{(address(0, n), 443): "http" for n in range(2, 8)},
    **{(one, 80): "http" for one in (address(0, 2), address(1, 1), address(1, 2), address(1, 5), address(3, 1))},
    (address(0, 11), 8443): "http",
    (address(2, 1), 8080): "http",
    (address(0, 4), 11112): "dicom",
    (address(0, 8), 25): "smtp",
    (address(0, 8), 587): "smtp",
    (address(0, 9), 143): "imap",
    (address(0, 9), 993): "imap",
    (address(0, 10), 6379): "redis",
    (address(0, 10), 2222): "ssh",
    (address(0, 12), 21): "ftp",
    (address(0, 12), 23): "telnet",
    (address(1, 4), 21): "ftp",
    (address(1, 9), 2222): "ssh",
    (address(1, 10), 3389): "rdp",
    (address(2, 2), 5432): "postgresql",
    (address(2, 3), 11112): "dicom",
    (address(2, 5), 5901): "vnc",
    (address(2, 6), 445): "smb",
    (address(2, 8), 389): "ldap",
    (address(2, 9), 873): "rsync",
    (address(3, 2), 2222): "ssh",
    (address(3, 3), 6379): "redis",
    (address(3, 4), 1883): "mqtt",
    (address(3, 5), 11211): "memcached",
}
#: Displays and the like, which come with a service above.
_BESIDE = {(address(2, 5), 6001)}
_MODERN = "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; ssl_prefer_server_ciphers on;"
_OLDER = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;"


def doors() -> dict[str, set[int]]:
    """The ports that the firewall lets through, by address."""
    found: dict[str, set[int]] = {}
    for one, port in (*SERVED, *_BESIDE):
        found.setdefault(one, set()).add(port)
    return found


def _zones() -> tuple[dict[str, str], dict[str, str]]:
    soa = "@ SOA ns1 dsi 2026112401 7200 3600 1209600 3600\n@ NS ns1\n"
    own = {zone: soa + "".join(f"{label} A {at}\n" for label, at in names.items()) for zone, names in NAMES.items()}
    own[OPEN] += '@ MX 10 mx\n@ TXT "v=spf1 mx ptr include:_spf.absent.test ?all"\n'
    own[OPEN] += '_dmarc TXT "v=DMARC1; p=none"\n'
    many = " ".join(f"a:{label}.{OPEN}" for label in (*NAMES[OPEN], "ns1"))[:240].rpartition(" ")[0]
    own[CLOSED] += f'@ MX 10 mail\n@ TXT "v=spf1 {many} +all"\n'
    glue = "".join(f"{zone.partition('.')[0]} NS ns1.{zone}.\nns1.{zone}. A {NS}\n" for zone in own)
    top = f"@ SOA ns.nic hygie 1 7200 3600 1209600 3600\n@ NS ns.nic\nns.nic A {ROOT}\n{glue}"
    root = f"@ SOA a.root. hygie.test. 1 7200 3600 1209600 3600\n@ NS a.root.\na.root. A {ROOT}\n"
    root += f"test. NS ns.nic.test.\nns.nic.test. A {ROOT}\n"
    return {f"{zone}.": text for zone, text in own.items()}, {".": root, "test.": top}


def _names(stack: contextlib.ExitStack, folder: Path) -> None:
    own, above = _zones()
    stub = "".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: {NS}\n' for zone in own)
    more = '  local-zone: "test." nodefault\n  access-control: 0.0.0.0/0 allow\nstub-zone:\n  name: "."\n'
    more += f'  stub-addr: {ROOT}\nstub-zone:\n  name: "test."\n  stub-addr: {ROOT}\n{stub}'
    stack.enter_context(nameservers.serving("nsd", folder, ROOT, above, port=53))
    stack.enter_context(_knot(folder, own))
    stack.enter_context(nameservers.serving("unbound", folder, RESOLVER, {}, port=53, more=more))


def _knot(folder: Path, zones: dict[str, str]) -> contextlib.AbstractContextManager[object]:
    """Knot, which grants transfers by zone."""
    grant = "acl:\n  - id: anybody\n    address: 0.0.0.0/0\n    action: transfer\n"
    place = folder / "knot"
    place.mkdir()
    declared = ""
    for name, text in zones.items():
        (place / f"{name}zone").write_text(f"$ORIGIN {name}\n$TTL 3600\n{text}")
        declared += f"  - domain: {name}\n    file: {place}/{name}zone\n"
        declared += "    acl: anybody\n" if name == f"{OPEN}." else ""
    (place / "knot.conf").write_text(
        f'server:\n  rundir: {place}\n  listen: {NS}@53\n  udp-workers: 1\n  version: "Knot DNS"\n'
        f"database:\n  storage: {place}\nlog:\n  - target: stderr\n    any: error\n{grant}"
        f"template:\n  - id: default\n    storage: {place}\n    zonefile-sync: -1\n    journal-content: none\n"
        f"zone:\n{declared}"
    )
    return running(["knotd", "-c", str(place / "knot.conf")], [(NS, 53)], log=place / "log")


def _pem(folder: Path, name: str, identity: Identity) -> tuple[Path, Path]:
    chain, key = identity.pem()
    (folder / f"{name}.pem").write_bytes(chain)
    (folder / f"{name}.key").write_bytes(key)
    return folder / f"{name}.pem", folder / f"{name}.key"


def _sites(stack: contextlib.ExitStack, folder: Path, signer: Identity, now: datetime) -> None:
    certificates = {
        "www": leaf(signer, (f"www.{OPEN}",), now, days_before=400, days_after=-12),
        "rdv": leaf(signer, (f"accueil.{OPEN}",), now),
        "pacs": leaf(signer, (f"pacs.{OPEN}",), now, rsa_bits=1024),
        "vpn": leaf(signer, (f"vpn.{OPEN}",), now),
        "admin": leaf(None, (f"admin.{OPEN}",), now),
        "webmail": leaf(signer, (f"webmail.{OPEN}",), now, rsa_bits=2048),
    }
    root = folder / "site"
    (root / ".git").mkdir(parents=True)
    (root / "index.html").write_text("<html><title>Centre hospitalier</title><p>Accueil</html>")
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "config").write_text("[core]\n")
    (root / ".env").write_text("DB_PASSWORD=tres-secret\nAPP_KEY=x\n")
    text = f"server {{ listen {address(0, 2)}:80; root {root}; }}\n"
    for name, identity in certificates.items():
        chain, key = _pem(folder, name, identity)
        shape = _OLDER if name in {"pacs", "webmail"} else _MODERN
        text += f"server {{ listen {NAMES[OPEN][name]}:443 ssl; server_name {name}.{OPEN}; {shape} root {root};\n"
        text += f"ssl_certificate {chain}; ssl_certificate_key {key}; }}\n"
    plain = (address(1, 1), address(1, 2), address(1, 5), address(3, 1))
    text += "".join(f"server {{ listen {one}:80; server_tokens off; return 404; }}\n" for one in plain)
    text += f"server {{ listen {address(2, 1)}:8080; return 404; }}\n"
    stack.enter_context(nginx(folder / "nginx", text, [(address(0, 2), 443)]))
    chain, key = _pem(folder, "ris", leaf(signer, (f"ris.{OPEN}",), now, rsa_bits=2048))
    old: list[str | Path] = ["openssl", "s_server", "-accept", f"{address(0, 11)}:8443", "-cert", chain, "-key", key]
    old += ["-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1", "-max_protocol", "TLSv1.2", "-quiet", "-www"]
    stack.enter_context(running(old, [(address(0, 11), 8443)], log=folder / "ris.log"))


def _mail(stack: contextlib.ExitStack, folder: Path, signer: Identity, now: datetime) -> None:
    chain, key = _pem(folder, "mx", leaf(signer, (f"mx.{OPEN}", f"imap.{OPEN}"), now, rsa_bits=2048))
    settings = {
        "myhostname": f"mx.{OPEN}", "smtpd_banner": "$myhostname ESMTP Postfix", "smtpd_tls_security_level": "may",
        "smtpd_tls_cert_file": str(chain), "smtpd_tls_key_file": str(key), "smtpd_tls_protocols": ">=TLSv1",
        "smtpd_tls_mandatory_protocols": ">=TLSv1", "smtpd_tls_ciphers": "low", "tls_low_cipherlist": "ALL:@SECLEVEL=0",
    }  # fmt: skip
    stack.enter_context(postfix(folder / "postfix", address(0, 8), settings=settings, submission={}))
    imap = {
        "ssl": "yes", "ssl_cert": f"<{chain}", "ssl_key": f"<{key}", "ssl_min_protocol": "TLSv1.2",
        "disable_plaintext_auth": "no", "ssl_cipher_list": "ECDHE+AESGCM",
    }  # fmt: skip
    stack.enter_context(dovecot(folder / "dovecot", address(0, 9), settings=imap))


def _services(stack: contextlib.ExitStack, folder: Path) -> None:
    old = ("KexAlgorithms +diffie-hellman-group1-sha1", "MACs +hmac-md5")
    made: list[tuple[str, Callable[[Path], services.Running]]] = [
        (address(0, 10), lambda f: services.redis(f, "--protected-mode", "no")),
        (address(0, 10), lambda f: services.openssh(f, *old)),
        (address(0, 12), lambda f: services.vsftpd(f, anonymous_enable="YES")),
        (address(0, 12), lambda f: services.inetd(f, "telnet stream tcp nowait root /usr/sbin/telnetd telnetd")),
        (address(1, 4), lambda f: services.vsftpd(f, anonymous_enable="NO", ssl_enable="YES")),
        (address(1, 9), services.openssh),
        (address(1, 10), lambda f: services.xrdp(f, "rdp")),
        # Several scans within a minute are several visitors, whom this server would take for one that insists.
        (address(2, 5), lambda f: services.tigervnc(f, "-SecurityTypes", "None", "-BlacklistThreshold=1000")),
        (address(2, 6), lambda f: services.samba(f, server_min_protocol="NT1")),
        (address(2, 8), services.openldap),
        (address(2, 9), services.rsync),
        (address(3, 2), services.openssh),
        (address(3, 3), lambda f: services.redis(f, "--requirepass", "lab")),
        (address(3, 4), lambda f: services.mosquitto(f, "allow_anonymous true")),
        (address(3, 5), services.memcached),
    ]
    for number, (at, start) in enumerate(made):
        place = folder / f"service-{number}"
        place.mkdir()
        services.ADDRESS = at
        stack.enter_context(start(place))
    stack.enter_context(postgres.server(listen=address(2, 2), hosts="scram-sha-256"))
    for at in (address(0, 4), address(2, 3)):
        dicom = AE(ae_title="PACS")
        dicom.add_supported_context("1.2.840.10008.1.1")
        server = dicom.start_server((at, 11112), block=False)
        assert server is not None
        stack.callback(server.shutdown)


def main(folder: Path) -> None:
    """Start everything, say so, and wait for the end of input."""
    os.chmod(folder, 0o755)
    now = datetime.now(UTC)
    signer = authority("Autorité du banc", now)
    (folder / "ca.pem").write_bytes(signer.chain[0].public_bytes(Encoding.PEM))
    with contextlib.ExitStack() as stack:
        _names(stack, folder)
        _sites(stack, folder, signer, now)
        _mail(stack, folder, signer, now)
        _services(stack, folder)
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
