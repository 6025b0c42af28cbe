"""Debian's daemons behind the services that Hygie speaks to, one function each, healthy or faulty as told."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.lab.daemon import running
from tests.lab.samba import certificates

#: Where every daemon of this module listens, in turn.
ADDRESS = "127.98.0.1"
#: Before a daemon that keeps locks and sockets in /run: it gets a /run of its own.
_OWN_RUN = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh")
Running = contextlib.AbstractContextManager[object]


def _run(folder: Path, port: int, *command: str | Path) -> Running:
    return running(command, [(ADDRESS, port)], log=folder / "log")


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def openssh(folder: Path, *lines: str) -> Running:
    """OpenSSH with Debian's algorithms, and what ``lines`` of sshd_config add."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    own = (f"ListenAddress {ADDRESS}:2222", f"HostKey {key}", f"PidFile {folder}/pid", "UsePAM no", *lines)
    return _run(folder, 2222, "/usr/sbin/sshd", "-D", "-e", "-f", _written(folder / "conf", "\n".join(own) + "\n"))


def samba(folder: Path, **settings: str) -> Running:
    """A file server that is no domain controller."""
    folder.chmod(0o755)
    own = {
        "interfaces": f"{ADDRESS}/8", "bind interfaces only": "yes", "server role": "standalone server",
        "smb ports": "445", "disable spoolss": "yes", "load printers": "no",
        **{key: str(folder) for key in ("private dir", "lock directory", "state directory", "cache directory")},
        "pid directory": str(folder), "ncalrpc dir": str(folder / "rpc"), **settings,
    }  # fmt: skip
    text = "[global]\n" + "".join(f"{key.replace('_', ' ')} = {value}\n" for key, value in own.items())
    # when it ends it ends its whole process group, which must then be its own
    command = ("/usr/bin/setsid", "/usr/sbin/smbd", "--foreground", "--no-process-group", "--debug-stdout")
    return _run(folder, 445, *command, f"--configfile={_written(folder / 'conf', text)}")


def openldap(folder: Path, *lines: str, tls: bool = False) -> Running:
    """OpenLDAP with one entry beneath its base; ``lines`` are said of its database.

    With ``tls`` it takes StartTLS, and listens on 636 too, with the certificate of the folder.
    """
    data = folder / "data"
    data.mkdir()
    text = "\n".join(
        [
            *(f"include /etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson")),
            *([f"TLSCertificateFile {folder}/cert.pem", f"TLSCertificateKeyFile {folder}/key.pem"] if tls else []),
            "modulepath /usr/lib/ldap", "moduleload back_mdb", f"pidfile {folder}/pid",
            "database mdb", "maxsize 10485760", 'suffix "dc=ch,dc=test"', f"directory {data}", *lines, "",
        ]
    )  # fmt: skip
    conf = _written(folder / "conf", text)
    entries = "dn: dc=ch,dc=test\nobjectClass: domain\ndc: ch\n\n"
    entries += "dn: ou=agents,dc=ch,dc=test\nobjectClass: organizationalUnit\nou: agents\n"
    subprocess.run(["/usr/sbin/slapadd", "-f", conf], input=entries, text=True, check=True)
    urls = f"ldap://{ADDRESS}:389" + (f" ldaps://{ADDRESS}:636" if tls else "")
    return _run(folder, 389, "/usr/sbin/slapd", "-d", "0", "-f", conf, "-h", urls)


@contextlib.contextmanager
def etcd(folder: Path, *, authentication: bool = False) -> Iterator[None]:
    """A store of one member, empty; with ``authentication`` it obeys its root user alone."""
    urls = (f"--listen-client-urls=http://{ADDRESS}:2379", f"--advertise-client-urls=http://{ADDRESS}:2379")
    peers = (f"--listen-peer-urls=http://{ADDRESS}:2380", f"--initial-advertise-peer-urls=http://{ADDRESS}:2380")
    cluster = f"--initial-cluster=default=http://{ADDRESS}:2380"
    with _run(folder, 2379, "/usr/bin/etcd", f"--data-dir={folder / 'data'}", *urls, *peers, cluster):
        if authentication:
            root = {"name": "root", "password": "lab"}
            for path, body in (("user/add", root), ("user/grant", {"user": "root", "role": "root"}), ("enable", {})):
                urllib.request.urlopen(f"http://{ADDRESS}:2379/v3/auth/{path}", json.dumps(body).encode()).close()
        yield


def redis(folder: Path, *words: str) -> Running:
    return _run(folder, 6379, "/usr/bin/redis-server", "--bind", ADDRESS, "--save", "", "--dir", folder, *words)


def redis_tls(folder: Path, certificate: str, *words: str) -> Running:
    """Redis within TLS alone; ``certificate`` says whether clients must show one (yes, no)."""
    certificates(folder, "cache.ch.test")
    files = ("--tls-cert-file", f"{folder}/cert.pem", "--tls-key-file", f"{folder}/key.pem")
    tls = ("--port", "0", "--tls-port", "6379", "--tls-auth-clients", certificate, "--tls-ca-cert-file")
    return redis(folder, *files, *tls, f"{folder}/ca.pem", *words)


def mariadb(folder: Path, *words: str) -> Running:
    """MariaDB over an empty folder; nobody's rights are asked for, since nobody logs in."""
    data = folder / "data"
    data.mkdir()
    certificates(folder, "db.ch.test")
    command = ("/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={data}/socket", "--user=root")
    small = ("--skip-grant-tables", "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", *words)
    return _run(folder, 3306, *command, f"--bind-address={ADDRESS}", "--port=3306", *small)


def memcached(folder: Path, *words: str) -> Running:
    return _run(folder, 11211, "/usr/bin/memcached", "-u", "nobody", "-l", ADDRESS, "-m", "8", *words)


def mosquitto(folder: Path, *lines: str) -> Running:
    folder.chmod(0o755)
    conf = _written(folder / "conf", "\n".join((f"listener 1883 {ADDRESS}", *lines, "")))
    return _run(folder, 1883, "/usr/sbin/mosquitto", "-c", conf)


def rsync(folder: Path) -> Running:
    conf = _written(folder / "conf", f"pid file = {folder}/pid\n[donnees]\npath = {folder}\n")
    return _run(folder, 873, "/usr/bin/rsync", "--daemon", "--no-detach", f"--address={ADDRESS}", f"--config={conf}")


def vsftpd(folder: Path, **settings: str) -> Running:
    """vsftpd, which serves an empty folder to those it lets in."""
    served, empty = folder / "ftp", folder / "empty"
    for path in (served, empty):
        path.mkdir()
    folder.chmod(0o755)
    certificates(folder, "ftp.ch.test")
    own = {
        "listen": "YES", "listen_ipv6": "NO", "listen_address": ADDRESS, "background": "NO", "anon_root": str(served),
        "secure_chroot_dir": str(empty), "local_enable": "YES", "rsa_cert_file": str(folder / "cert.pem"),
        "rsa_private_key_file": str(folder / "key.pem"), "seccomp_sandbox": "NO", **settings,
    }  # fmt: skip
    text = "".join(f"{key}={value}\n" for key, value in own.items())
    return _run(folder, 21, "/usr/sbin/vsftpd", _written(folder / "conf", text))


def tigervnc(folder: Path, *words: str) -> Running:
    """A screen shared by VNC at 5901 that is an X display at 6001 too, opened to those who hold a cookie."""
    authority = folder / "authority"
    subprocess.run(["xauth", "-q", "-f", authority, "add", ":1", ".", "00" * 16], check=True, capture_output=True)
    command = ("/usr/bin/Xtigervnc", ":1", "-rfbport", "5901", "-interface", ADDRESS, "-geometry", "64x64")
    words = ("-listen", "tcp", "-nolisten", "unix", "-nolock", "-auth", str(authority), *words)
    return running((*command, *words), [(ADDRESS, 5901), (ADDRESS, 6001)], log=folder / "log")


def xrdp(folder: Path, security: str) -> Running:
    """xrdp, which knows its own encryption and TLS, never network level authentication."""
    certificates(folder, "rdp.ch.test")
    text = (
        f"[Globals]\nport={ADDRESS}:3389\nfork=true\nsecurity_layer={security}\ncertificate={folder}/cert.pem\n"
        f"key_file={folder}/key.pem\ncrypt_level=high\n[Logging]\nLogFile={folder}/xrdp.log\n"
        "[Channels]\n[Xorg]\nname=Xorg\nlib=libxup.so\nport=-1\n"
    )
    return _run(folder, 3389, "/usr/sbin/xrdp", "--nodaemon", "--config", _written(folder / "conf", text))


@contextlib.contextmanager
def freerdp(folder: Path, *words: str) -> Iterator[None]:
    """FreeRDP sharing a screen of its own, which knows network level authentication."""
    accounts = _written(folder / "sam", "lab:::0123456789abcdef0123456789abcdef:::\n")
    own = (f"/bind-address:{ADDRESS}", "/port:3389", f"/sam-file:{accounts}", "+auth", *words)
    display = ("env", f"DISPLAY={ADDRESS}:1", f"HOME={folder}")
    with tigervnc(folder, "-ac"), _run(folder, 3389, *display, "/usr/bin/freerdp-shadow-cli", *own):
        yield


def orthanc(folder: Path, **settings: object) -> Running:
    """Orthanc, an imaging server with its viewer and its DICOMweb at 8042, its DICOM at 4242."""
    own = {
        "Name": "PACS", "HttpPort": 8042, "DicomPort": 4242, "RemoteAccessAllowed": True,
        "AuthenticationEnabled": False, "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
        **{key: str(folder / "data") for key in ("StorageDirectory", "IndexDirectory")}, **settings,
    }  # fmt: skip
    conf = _written(folder / "conf.json", json.dumps(own))
    return running(["/usr/sbin/Orthanc", conf], [(ADDRESS, 8042), (ADDRESS, 4242)], log=folder / "log")


def certificate_wanted(folder: Path, port: int, *words: str) -> Running:
    """A TLS server that speaks only to clients with a certificate, as container engines are told to."""
    certificates(folder, "docker.ch.test")
    files = ("-cert", folder / "cert.pem", "-key", folder / "key.pem", "-CAfile", folder / "ca.pem")
    command = ("openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:{port}", "-Verify", "1")
    return _run(folder, port, *command, *files, *words)


def inetd(folder: Path, *services: str) -> Running:
    """The small servers of inetd, and those that it starts; the first of the lines speaks TCP."""
    text = "".join(f"{ADDRESS}:{service}\n" for service in services)
    command = ("/usr/sbin/inetutils-inetd", "-d", f"--pidfile={folder}/pid", _written(folder / "conf", text))
    return _run(folder, socket.getservbyname(services[0].split()[0]), *command)


def rpcbind(folder: Path) -> Running:
    return _run(folder, 111, *_OWN_RUN, "/usr/sbin/rpcbind", "-f", "-d", "-h", ADDRESS)


@contextlib.contextmanager
def _datagrams(folder: Path, *command: str | Path) -> Iterator[None]:
    """A daemon that answers by UDP alone: nothing but time tells that it listens."""
    with running(command, [], log=folder / "log") as process:
        time.sleep(0.7)
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended: {(folder / 'log').read_text()[-2000:]}")
        yield


def snmpd(folder: Path, *lines: str) -> Running:
    conf = _written(folder / "conf", "\n".join((f"agentaddress udp:{ADDRESS}:161", *lines, "")))
    return _datagrams(folder, "/usr/sbin/snmpd", "-f", "-Le", "-C", "-c", conf, "-I", "-smux")


def ntpsec(folder: Path, restrict: str) -> Running:
    """A time server, at 127.0.0.1, that asks nobody for the time and leaves the clock alone."""
    lines = (
        "disable ntp", "interface ignore wildcard", "interface listen 127.0.0.1", f"driftfile {folder}/drift",
        f"restrict 127.0.0.1 {restrict}", "tos orphan 5", "",
    )  # fmt: skip
    return _datagrams(folder, "/usr/sbin/ntpd", "-n", "-g", "-c", _written(folder / "conf", "\n".join(lines)))


def strongswan(folder: Path, aggressive: str = "no") -> Running:
    """A VPN gateway with a pre-shared key: of IKEv2, and of IKEv1 in main mode or in the aggressive one too."""
    conf = _written(
        folder / "ipsec.conf",
        f"conn lab\n  keyexchange=ikev1\n  aggressive={aggressive}\n  authby=secret\n  left={ADDRESS}\n  right=%any\n"
        "  ike=aes128-sha1-modp1024!\n  auto=add\n"
        f"conn two\n  keyexchange=ikev2\n  authby=secret\n  left={ADDRESS}\n  right=%any\n  auto=add\n",
    )
    secrets = _written(folder / "secrets", f': PSK "{folder.name}-of-the-lab"\n')
    own = _written(
        folder / "strongswan.conf",
        "charon {\n  load = random nonce aes sha1 sha2 hmac gmp kdf kernel-netlink socket-default stroke\n"
        "  i_dont_care_about_security_and_use_aggressive_mode_psk = yes\n  plugins { stroke { secrets_file = "
        f"{secrets} }} }}\n}}\n",
    )
    command = ("/usr/lib/ipsec/starter", "--nofork", "--conf", conf)
    return _datagrams(folder, "env", f"STRONGSWAN_CONF={own}", *_OWN_RUN, *command)
