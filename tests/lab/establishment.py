"""Two establishments on loopback by real servers: one with planted faults, and a well-kept twin.

NSD and unbound serve their names, nginx their sites, Postfix and Dovecot their mail, OpenSSH and redis their services.
"""

from __future__ import annotations

import base64
import contextlib
import os
import struct
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scanner.demo.certificates import Identity, authority, leaf
from tests.lab import nameservers
from tests.lab.daemon import running
from tests.lab.mail import dovecot, postfix
from tests.lab.nginx import nginx

FAULTY, HEALTHY = "ch-faille.test", "ch-sain.test"
RESOLVER, TOP = "127.50.0.53", "127.50.0.1"
NS1, NS2, NS3 = "127.50.10.1", "127.50.20.1", "127.50.21.1"
#: A provider's exchanger, outside every mandate: it must hear nothing.
OUTSIDE = "127.50.99.25"
PORT = 53053


def _challenge() -> str:
    """A first answer to NTLM as a Windows server writes it (MS-NLMP 2.2.1.2): domain CH, forest ad.ch-faille.test."""
    names = ((2, "CH"), (1, "SRV-EXCH01"), (4, f"ad.{FAULTY}"), (3, f"srv-exch01.ad.{FAULTY}"), (5, f"ad.{FAULTY}"))
    texts = [(kind, text.encode("utf-16-le")) for kind, text in names]
    pairs = b"".join(struct.pack("<HH", kind, len(text)) + text for kind, text in texts) + bytes(4)
    domain = texts[0][1]
    head = struct.pack("<8sIHHII", b"NTLMSSP\0", 2, len(domain), len(domain), 56, 0xA2898205) + bytes(16)
    target = struct.pack("<HHI", len(pairs), len(pairs), 56 + len(domain))
    version = struct.pack("<BBH4s", 10, 0, 20348, bytes([0, 0, 0, 15]))
    return base64.b64encode(head + target + version + domain + pairs).decode()


def _dkim(bits: int) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    text = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    record = f"v=DKIM1; k=rsa; p={text}"
    return " ".join(f'"{record[at : at + 250]}"' for at in range(0, len(record), 250))


def _zones() -> dict[str, dict[str, str]]:
    """Each server's zones: text by name."""
    soa = "@ SOA ns1 dsi 2026112401 7200 3600 1209600 3600\n@ NS ns1\n"
    many = " ".join(f"a:h{n}.{FAULTY}" for n in range(8))
    faulty = f"""{soa}ns1 A {NS1}
@ MX 10 mx
@ MX 20 mx.prestataire.test.
@ MX 30 mx.disparu.test.
@ TXT "v=spf1 mx ptr {many} include:_spf.absent.test ip4:10.0.0.0/8 ?all"
_dmarc TXT "v=DMARC1; p=none; sp=none; rua=mailto:rapports@collecteur.test"
mail._domainkey TXT {_dkim(1024)}
_mta-sts TXT "v=STSv1; id=2026"
www A 127.50.10.10
rdv A 127.50.10.11
pacs A 127.50.10.12
vpn A 127.50.10.13
admin A 127.50.10.14
webmail A 127.50.10.15
mx A 127.50.10.25
imap A 127.50.10.26
outils A 127.50.10.27
mta-sts A 127.50.10.10
""" + "".join(f"h{n} A 192.0.2.{n}\n" for n in range(8))
    healthy = f"""{soa}@ NS ns2
ns1 A {NS2}
ns2 A {NS3}
@ MX 10 mx
@ TXT "v=spf1 mx -all"
@ CAA 0 issue "autorite.test"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{HEALTHY}"
mail._domainkey TXT {_dkim(2048)}
_mta-sts TXT "v=STSv1; id=2026"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@{HEALTHY}"
www A 127.50.20.10
api A 127.50.20.11
tout A 127.50.20.12
vpn A 127.50.20.13
mta-sts A 127.50.20.10
mx A 127.50.20.25
imap A 127.50.20.25
"""
    top = f"""@ SOA ns.nic hygie 1 7200 3600 1209600 3600
@ NS ns.nic
ns.nic A {TOP}
ch-faille NS ns1.ch-faille
ns1.ch-faille A {NS1}
ch-sain NS ns1.ch-sain
ch-sain NS ns2.ch-sain
ns1.ch-sain A {NS2}
ns2.ch-sain A {NS3}
mx.prestataire A {OUTSIDE}
"""
    root = f"""@ SOA a.root. hygie.test. 1 7200 3600 1209600 3600
@ NS a.root.
a.root. A {TOP}
test. NS ns.nic.test.
ns.nic.test. A {TOP}
"""
    return {
        TOP: {".": root, "test.": top},
        NS1: {f"{FAULTY}.": faulty},
        NS2: {f"{HEALTHY}.": healthy},
        NS3: {f"{HEALTHY}.": healthy},
    }


_RESOLVER = f"""
  local-zone: "test." nodefault
stub-zone:
  name: "."
  stub-addr: {TOP}@{PORT}
stub-zone:
  name: "test."
  stub-addr: {TOP}@{PORT}
stub-zone:
  name: "{FAULTY}."
  stub-addr: {NS1}@{PORT}
stub-zone:
  name: "{HEALTHY}."
  stub-addr: {NS2}@{PORT}
"""


@contextlib.contextmanager
def named(folder: Path) -> Iterator[None]:
    """Serve the names of both alone."""
    with contextlib.ExitStack() as stack:
        for address, zones in _zones().items():
            stack.enter_context(nameservers.serving("nsd", folder, address, zones, port=PORT))
        stack.enter_context(nameservers.serving("unbound", folder, RESOLVER, {}, port=PORT, more=_RESOLVER))
        yield


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Run both establishments; give the configuration file that scans them."""
    os.chmod(folder, 0o755)
    now = datetime.now(UTC)
    signer = authority("Autorité du laboratoire", now)
    (folder / "ca.pem").write_bytes(signer.chain[0].public_bytes(Encoding.PEM))
    with contextlib.ExitStack() as stack:
        stack.enter_context(named(folder))
        sites = _faulty_sites(folder, signer, now) + _healthy_sites(folder, signer, now)
        stack.enter_context(nginx(folder / "nginx", sites, [("127.50.10.10", 443), ("127.50.20.10", 443)]))
        _mail(stack, folder, signer, now)
        _services(stack, folder)
        config = folder / "config.toml"
        config.write_text(_configuration(folder))
        yield config


def _pem(folder: Path, name: str, identity: Identity) -> str:
    """Write an identity; give nginx's two lines for it."""
    chain, key = identity.pem()
    (folder / f"{name}.pem").write_bytes(chain)
    (folder / f"{name}.key").write_bytes(key)
    return f"ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}.key;"


def _write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


_MODERN = "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; ssl_prefer_server_ciphers on;"
_OLD = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;"


def _faulty_sites(folder: Path, signer: Identity, now: datetime) -> str:
    def named(host: str, **more: int) -> str:
        return _pem(folder, f"f-{host}", leaf(signer, (f"{host}.{FAULTY}",), now, **more))

    other = _pem(folder, "f-rdv", leaf(signer, (f"intranet.{FAULTY}",), now))
    own = _pem(folder, "f-admin", leaf(None, (f"admin.{FAULTY}",), now))
    _write(
        folder / "f",
        {
            "index.html": '<html><title>Espace patient</title><form action="/login"><input type="password"></form>',
            ".git/HEAD": "ref: refs/heads/main\n",
            ".git/config": "[core]\n",
            ".env": "DB_PASSWORD=tres-secret\nAPP_KEY=x\n",
            "uploads/radio.txt": "x",
            "error.log": "2026/11/24 10:00:00 [error] a\n2026/11/24 10:00:01 [error] b\n",
        },
    )
    page = "default_type text/html; return 200"
    names = {host: f"listen 127.50.10.{last}:443 ssl; server_name {host}.{FAULTY};" for host, last in
             (("www", 10), ("rdv", 11), ("pacs", 12), ("vpn", 13), ("admin", 14), ("webmail", 15))}  # fmt: skip
    return f"""
  server {{ listen 127.50.10.10:80; root {folder}/f; autoindex on;
    add_header Set-Cookie "PHPSESSID=secret; path=/";
    add_header Access-Control-Allow-Origin $http_origin; add_header Access-Control-Allow-Credentials true; }}
  server {{ {names["www"]} {named("www", days_before=400, days_after=-12)} {_MODERN} root {folder}/f;
    add_header Set-Cookie "PHPSESSID=secret; path=/"; }}
  server {{ {names["rdv"]} {other} {_MODERN} location / {{ {page} "<html><title>Welcome to nginx!</title></html>"; }} }}
  server {{ {names["pacs"]} {named("pacs", rsa_bits=1024)} {_OLD}
    location = /app/explorer.html {{ {page} "<html><title>Orthanc Explorer</title></html>"; }}
    location / {{ return 404; }} }}
  server {{ {names["vpn"]} {named("vpn")} {_MODERN}
    location = /remote/login {{ {page} "<html><script>fgt_lang=1</script></html>"; }}
    location / {{ return 404; }} }}
  server {{ {names["admin"]} {own} {_MODERN}
    location = /phpmyadmin/ {{ {page} "<html><title>phpMyAdmin</title><input name=pma_username></html>"; }}
    location = /ui/ {{ {page} "<html><title>VMware ESXi</title></html>"; }}
    location / {{ return 404; }} }}
  server {{ {names["webmail"]} {named("webmail")} {_MODERN}
    location = /owa/auth/logon.aspx {{ {page} "<html><link href='/owa/auth/15.1.2507/themes/x.css'></html>"; }}
    location = /ecp/ {{ return 302 /owa/auth/logon.aspx?replaceCurrent=1&url=https://webmail/ecp/; }}
    location = /EWS/Exchange.asmx {{ error_page 418 = @ask; if ($http_authorization = "") {{ return 418; }}
      add_header WWW-Authenticate "NTLM {_challenge()}" always; return 401; }}
    location @ask {{ add_header WWW-Authenticate NTLM always; return 401; }}
    location / {{ return 404; }} }}
"""


def _healthy_sites(folder: Path, signer: Identity, now: datetime) -> str:
    hosts = ("www", "api", "tout", "vpn", "mta-sts")
    certificate = _pem(folder, "h", leaf(signer, tuple(f"{host}.{HEALTHY}" for host in hosts), now))
    _write(folder / "h", {"index.html": "<!doctype html><html><title>Centre hospitalier</title><p>Accueil</html>"})
    headers = """
    add_header Strict-Transport-Security "max-age=63072000; includeSubDomains" always;
    add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'" always;
    add_header X-Content-Type-Options nosniff always;
    add_header Referrer-Policy no-referrer always;"""
    contact = f"Contact: mailto:rssi@{HEALTHY}\\nExpires: {now + timedelta(days=200):%Y-%m-%dT00:00:00Z}\\n"
    text = "default_type text/plain; return 200"
    common = f"{certificate} {_MODERN} server_tokens off; {headers}"
    policy = f"version: STSv1\\nmode: enforce\\nmx: mx.{HEALTHY}\\nmax_age: 1209600\\n"
    known = f"location = /.well-known/security.txt {{ {text} '{contact}'; }}"
    return f"""
  server {{ listen 127.50.20.10:80; server_tokens off; return 301 https://$host$request_uri; }}
  server {{ listen 127.50.20.10:443 ssl; server_name www.{HEALTHY}; {common} {known} root {folder}/h;
    # an error page that says "hello" with a redirect for every unknown path is no file
    error_page 404 =302 /; }}
  server {{ listen 127.50.20.10:443 ssl; server_name mta-sts.{HEALTHY}; {common} {known}
    location = /.well-known/mta-sts.txt {{ {text} '{policy}'; }} location / {{ return 404; }} }}
  # an interface for programs: no page, another answer in clear
  server {{ listen 127.50.20.11:80; server_tokens off; return 404; }}
  server {{ listen 127.50.20.11:443 ssl; server_name api.{HEALTHY}; {common} {known}
    location / {{ default_type application/json; return 200 '{{"status":"ok"}}'; }} }}
  # one page for every address: nothing can be concluded from what it "has"
  server {{ listen 127.50.20.12:443 ssl; server_name tout.{HEALTHY}; {common} {known}
    location / {{ default_type text/html; return 200 '<!doctype html><html><title>Index of /appli</title></html>'; }} }}
  # a gateway that somebody declared
  server {{ listen 127.50.20.13:443 ssl; server_name vpn.{HEALTHY}; {common} {known}
    location = /remote/login {{ default_type text/html; return 200 "<html><script>fgt_lang=1</script></html>"; }}
    location / {{ return 404; }} }}
"""


def _mail(stack: contextlib.ExitStack, folder: Path, signer: Identity, now: datetime) -> None:
    _pem(folder, "mx", leaf(signer, (f"mx.{HEALTHY}", f"imap.{HEALTHY}"), now))
    well = {
        "myhostname": f"mx.{HEALTHY}",
        "smtpd_banner": "$myhostname ESMTP",
        "smtpd_tls_security_level": "may",
        "smtpd_tls_cert_file": f"{folder}/mx.pem",
        "smtpd_tls_key_file": f"{folder}/mx.key",
        "smtpd_tls_protocols": ">=TLSv1.2",
        "smtpd_tls_ciphers": "high",
        "tls_high_cipherlist": "ECDHE+AESGCM:ECDHE+CHACHA20",
        "tls_preempt_cipherlist": "yes",
        "tls_ssl_options": "NO_RENEGOTIATION",
        "disable_vrfy_command": "yes",
    }
    bare = {"myhostname": "SRV-MAIL01.ch.local", "smtpd_banner": "$myhostname ESMTP Postfix 3.7.11"}
    stack.enter_context(
        postfix(folder / "p1", "127.50.20.25", settings=well, submission={"smtpd_tls_auth_only": "yes"})
    )
    stack.enter_context(postfix(folder / "p2", "127.50.10.25", settings=bare))
    ssl = {
        "ssl": "required",
        "ssl_cert": f"<{folder}/mx.pem",
        "ssl_key": f"<{folder}/mx.key",
        "ssl_min_protocol": "TLSv1.2",
        "ssl_cipher_list": "ECDHE+AESGCM:ECDHE+CHACHA20",
        "ssl_prefer_server_ciphers": "yes",
    }
    stack.enter_context(dovecot(folder / "d1", "127.50.20.25", settings=ssl))
    clear = {"ssl": "no", "disable_plaintext_auth": "no", "auth_mechanisms": "plain login cram-md5"}
    stack.enter_context(dovecot(folder / "d2", "127.50.10.26", settings=clear))


def _services(stack: contextlib.ExitStack, folder: Path) -> None:
    """OpenSSH with old algorithms and redis without a password, on one machine of the faulty establishment."""
    address = "127.50.10.27"
    key = folder / "ssh_host"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", key], check=True)
    (folder / "sshd_config").write_text(
        f"ListenAddress {address}:2222\nHostKey {key}\nPidFile {folder}/sshd.pid\nUsePAM no\n"
        "KexAlgorithms +diffie-hellman-group1-sha1\nCiphers +aes128-cbc\nMACs +hmac-md5\nHostKeyAlgorithms +ssh-rsa\n"
    )
    os.makedirs("/run/sshd", exist_ok=True)
    sshd = ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    stack.enter_context(running(sshd, [(address, 2222)], log=folder / "sshd.log"))
    redis = ["/usr/bin/redis-server", "--bind", address, "--port", "6379", "--protected-mode", "no",
             "--save", "", "--dir", str(folder)]  # fmt: skip
    stack.enter_context(running(redis, [(address, 6379)], log=folder / "redis.log"))


def _configuration(folder: Path) -> str:
    today = datetime.now(UTC).date()
    dates = f"valid_from = {today - timedelta(days=1)}\nvalid_until = {today + timedelta(days=1)}"

    def hosts(domain: str, *labels: str) -> str:
        return ", ".join(f'"{label}.{domain}"' for label in labels)

    return f"""
[box]
name = "laboratoire"
vantage = "internet"
[dns]
resolver = "{RESOLVER}"
resolver_port = {PORT}
port = {PORT}
[pace]
connections = 5000.0
connections_per_network = 5000.0
connections_per_address = 2000.0
questions = 5000.0
questions_per_server = 2000.0
burst = 500
[run]
second_look_seconds = 0.2
[store]
url = "hygie.sqlite"
[probes.dns]
roots = ["{TOP}"]
[probes.ports]
short = [80, 443, 25, 587, 143, 993, 2222, 6379]
patience = 0.5
[probes.tls]
store = "{folder}/ca.pem"
store_label = "autorité du laboratoire"
[probes.mail]
anchors = "{folder}/ca.pem"
selectors = ["mail"]
[probes.web]
pause = 0.0
[[mandates]]
reference = "LAB-F"
signatory = "Laboratoire"
{dates}
domains = ["{FAULTY}"]
networks = ["127.50.0.0/24", "127.50.10.0/24"]
[[mandates]]
reference = "LAB-S"
signatory = "Laboratoire"
{dates}
domains = ["{HEALTHY}"]
networks = ["127.50.0.0/24", "127.50.20.0/24", "127.50.21.0/24"]
[[perimeters]]
id = "faille"
name = "Centre hospitalier aux failles plantées"
mandate = "LAB-F"
hosts = [{hosts(FAULTY, "www", "rdv", "pacs", "vpn", "admin", "webmail", "imap", "outils")}]
[[perimeters]]
id = "sain"
name = "Centre hospitalier bien tenu"
mandate = "LAB-S"
hosts = [{hosts(HEALTHY, "www", "api", "tout", "vpn", "imap", "mta-sts")}]
"""
