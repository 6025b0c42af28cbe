"""Services by script: what each answer means, and that every byte sent is on a list written here by hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.services.answered import Access, DatagramAnswered, DatagramsAsked, ServiceAnswered, Talk
from probes.interface import Asset, AssetKind, Observation, Probe, Sight, Vantage, service
from probes.services.broker import BrokerProbe
from probes.services.database import DatabaseProbe
from probes.services.datagram import DatagramProbe, DatagramSettings
from probes.services.datagram_questions import QUESTIONS
from probes.services.dicom import DicomProbe, DicomSettings
from probes.services.family import FamilySettings
from probes.services.ftp import FtpProbe, FtpSettings
from probes.services.greeting import GreetingProbe
from probes.services.health_web import HealthWebProbe, HealthWebSettings
from probes.services.ldap import LdapProbe, LdapSettings
from probes.services.mllp import MllpProbe, MllpSettings
from probes.services.platform import PlatformProbe
from probes.services.rdp import RdpProbe, RdpSettings
from probes.services.smb import SmbProbe, SmbSettings
from probes.services.ssh import SshProbe, SshSettings
from probes.services.vnc import VncProbe, VncSettings
from rules.catalogue import service as rules
from rules.interface import Outcome, Rule
from scanner.demo.listening import listening
from tests.lab.line import open_line
from tests.lab.responders import Script, answering, responding

ADDRESS = "127.96.0.1"
DAY = datetime(2026, 11, 24, tzinfo=UTC)
OPEN, REQUIRED, UNKNOWN = Access.OPEN, Access.REQUIRED, Access.UNKNOWN
FAMILY = FamilySettings(patience=0.5)

HTTP = (
    rb"(GET|POST) (%s) HTTP/1\.1\r\nHost: 127\.96\.0\.1\r\nUser-Agent: Hygie/0\.1 \(mandated audit\)\r\n"
    rb"Accept: (\*/\*|application/json|application/dicom\+json|application/fhir\+json)\r\nConnection: close\r\n"
    rb"(\r\n|Content-Type: application/json\r\nContent-Length: (2\r\n\r\n\{\}|64\r\n\r\n"
    rb"\{\"key\":\"aHlnaWUvbm8tc3VjaC1rZXktN2UxZDVjMGY=\",\"count_only\":true\}))"
)


def got(*paths: str) -> bytes:
    return HTTP % "|".join(re.escape(path) for path in paths).encode()


def page(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return head.encode() + body


def lists(*ten: str) -> bytes:
    payload = b"\x14" + bytes(16) + b"".join(len(t).to_bytes(4, "big") + t.encode() for t in ten) + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes((padding,)) + payload + bytes(padding)


KEX = lists(
    "sntrup761x25519-sha512@openssh.com,curve25519-sha256", "ssh-ed25519", "aes256-gcm@openssh.com", "aes128-ctr",
    "hmac-sha2-256", "hmac-sha1", "none", "none", "", "",
)  # fmt: skip
RDP_NLA = bytes.fromhex("030000130ed00000123400" + "0200080002000000")
RDP_TLS = bytes.fromhex("030000130ed00000123400" + "0200080001000000")
RDP_OLD = bytes.fromhex("030000130ed00000123400" + "0200080000000000")
RDP_REFUSED = bytes.fromhex("030000130ed00000123400" + "0300080005000000")
RDP_ASKS = rb"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00[\x00\x01\x0b]\x00\x00\x00"
SMB_TWO = (
    b"\0\0\0\x48\xfeSMB\x40\0\0\0\0\0\0\0\0\0\1\0\1\0\0\0" + bytes(44)
    + b"\x41\0\3\0\2\3\0\0"
)  # fmt: skip
SMB_ONE = b"\0\0\0\x25\xffSMB\x72" + bytes(27) + b"\x11\0\0\0\0"
SMB_NONE = b"\0\0\0\x25\xffSMB\x72" + bytes(27) + b"\x01\xff\xff\0\0"
SMB_ASKS = (
    rb"\0\0\0\x2f\xffSMB\x72\0{4}\x18\x01\x28\0{12}\0\0\xff\xfe\0\0\0\0\0\x0c\0\x02NT LM 0\.12\0"
    rb"|\0\0\0\x9e\xfeSMB\x40\0{9}\x01\0.{48}\x24\0\x05\0\x01\0.{22}\x70\0{3}\x01\0\0\0\x02\x02\x10\x02\0\x03\x02\x03\x11\x03"
    rb"\0\0\x01\0\x26\0{5}\x01\0\x20\0\x01\0{33}"
)


def ldap(number: int, tag: int, body: bytes) -> bytes:
    operation = bytes((tag, len(body))) + body
    return bytes((0x30, len(operation) + 3, 2, 1, number)) + operation


def entry(number: int, name: bytes, **attributes: bytes) -> bytes:
    parts = b"".join(
        bytes((0x30, len(k) + len(v) + 6, 4, len(k))) + k.encode() + bytes((0x31, len(v) + 2, 4, len(v))) + v
        for k, v in attributes.items()
    )
    return ldap(number, 0x64, bytes((4, len(name))) + name + bytes((0x30, len(parts))) + parts)


def done(number: int, code: int = 0) -> bytes:
    return ldap(number, 0x65, bytes((0x0A, 1, code, 4, 0, 4, 0)))


ROOT = entry(1, b"", namingContexts=b"dc=ch,dc=test", isGlobalCatalogReady=b"TRUE") + done(1)
LDAP_ASKS = (
    rb"\x30.\x02\x01\x01\x63.\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00\x87\x0bobjectClass"
    rb"\x30.(\x04.(namingContexts|defaultNamingContext|dnsHostName|vendorName|isGlobalCatalogReady))+\xa0\x00"
    rb"|\x30.\x02\x01\x02\x63.\x04\x0ddc=ch,dc=test\x0a\x01\x01\x0a\x01\x00\x02\x01\x00\x02\x01\x05\x01\x01\x00"
    rb"\x87\x0bobjectClass\x30\x05\x04\x031\.1\xa0\x00"
    rb"|\x30\x05\x02\x01\x03\x42\x00"
)
PG_ASKS = rb"\0\0\0\x08\x04\xd2\x16\x2f|\0\0\0\x23\0\x03\0\0user\0hygie\0database\0hygie\0\0"
MYSQL = b"\x4a\0\0\0\x0a5.5.5-10.11.6-MariaDB\0" + bytes(4) + b"saltsalt\0" + b"\xfe\xff" + bytes(40)
MYSQL = (len(MYSQL) - 4).to_bytes(3, "little") + MYSQL[3:]
TDS = b"\x04\1\0\x25\0\0\1\0" + b"\0\0\x0b\0\6\1\0\x11\0\1\xff" + b"\x0f\0\x07\xd0\0\0" + b"\3"
TDS = TDS[:2] + len(TDS).to_bytes(2, "big") + TDS[4:]
TNS_REFUSE = b"(DESCRIPTION=(ERR=0)(VSNNUM=318767104))"
TNS_REFUSE = (
    (12 + len(TNS_REFUSE)).to_bytes(2, "big") + b"\0\0\4\0\0\0\x22\0" + len(TNS_REFUSE).to_bytes(2, "big") + TNS_REFUSE
)


def mongo(*parts: bytes) -> bytes:
    body = bytes(5) + b"....." + b"".join(parts)
    return (16 + len(body)).to_bytes(4, "little") + bytes(8) + (2013).to_bytes(4, "little") + body


HELLO = mongo(b"\x10maxWireVersion\0\x15\0\0\0")
MONGO_OK, MONGO_REFUSED = mongo(b"\x01ok\0" + bytes(6) + b"\xf0\x3f"), mongo(b"\x10code\0\x0d\0\0\0")
MONGO_ASKS = (
    rb".{4}\x01\0\0\0\0{4}\xdd\x07\0\0\0{5}.{4}\x10hello\0\x01\0\0\0\x02\$db\0\x06\0\0\0admin\0\0"
    rb"|.{4}\x02\0\0\0\0{4}\xdd\x07\0\0\0{5}.{4}\x10listDatabases\0\x01\0\0\0\x08nameOnly\0\x01"
    rb"\x03filter\0.{4}\x02name\0\x01\0\0\0\0\0\x02\$db\0\x06\0\0\0admin\0\0"
)


def cql(kind: int, body: bytes = b"") -> bytes:
    return bytes((0x84, 0, 0, 1, kind)) + len(body).to_bytes(4, "big") + body


CQL_ASKS = rb"\x04\0\0\x01\x05\0\0\0\0|\x04\0\0\x02\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053\.0\.0"
_TABLE = b"\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.11.5"
_START = b"\0\x0a\0\x0a\0\x09" + len(_TABLE).to_bytes(4, "big") + _TABLE + b"\0\0\0\x0ePLAIN AMQPLAIN\0\0\0\x05en_US"
AMQP_START = b"\1\0\0" + len(_START).to_bytes(4, "big") + _START + b"\xce"
DICOM_ASKS = (
    rb"\x01\0.{4}\0\x01\0\0ANY-SCP {9}HYGIE {11}\0{32}\x10\0\0\x151\.2\.840\.10008\.3\.1\.1\.1"
    rb"\x20\0\0\x2e\x01\0\0\0\x30\0\0\x111\.2\.840\.10008\.1\.1\x40\0\0\x111\.2\.840\.10008\.1\.2"
    rb"\x50\0.{2}\x51\0\0\x04.{4}\x52\0..2\.25\.\d+\x55\0\0\x05HYGIE"
    rb"|\x07\0\0\0\0\x04\0\0\0\0"
)
DICOM_AC = b"\2\0\0\0\0\x4d" + bytes(68) + b"\x55\0\0\x05PACS1"
DICOM_RJ = b"\3\0\0\0\0\4\0\1\1\3"
X11_ASKS = rb"l\0\x0b\0\0\0\0\0\0\0\0\0|l\0\x0b\0{9}"
RPC_ASKS = (
    rb"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xb8\x10\xb8\x10\0{4}\x01\0{5}\x01\0"
    rb"\x08\x83\xaf\xe1\x1f\x5d\xc9\x11\x91\xa4\x08\0\x2b\x14\xa0\xfa\x03\0\0\0"
    rb"\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\x02\0\0\0"
)
RPC_CALL = rb"\x80\0\0\x28HyGi\0\0\0\0\0\0\0\x02\0\x01\x86[\xa0\xa3]\0\0\0[\x02\x03]\0{20}"
KRB_ASKS = rb"\0\0\0.\x6a.*hygie-no-such-principal.*HYGIE\.INVALID.*20370913024805Z.*"
NOTHING = rb"(?!)"
#: Where clear text is not answered as it should be, some protocols are asked for within TLS.
TLS_HELLO = b"\x16\x03"

Row = tuple[str, Probe[Any], int, Sequence[Script], bytes, dict[str, Any]]
SSH, RDP, VNC = (
    SshProbe(SshSettings(patience=0.5)),
    RdpProbe(RdpSettings(patience=0.5)),
    VncProbe(VncSettings(patience=0.5)),
)
SMB, FTP, LDAP = (
    SmbProbe(SmbSettings(patience=0.5)),
    FtpProbe(FtpSettings(patience=0.5)),
    LdapProbe(LdapSettings(patience=0.5)),
)
DATABASE, PLATFORM, BROKER, GREETING = (
    DatabaseProbe(FAMILY),
    PlatformProbe(FAMILY),
    BrokerProbe(FAMILY),
    GreetingProbe(FAMILY),
)
DICOM, MLLP = DicomProbe(DicomSettings(patience=0.5)), MllpProbe(MllpSettings(patience=0.3))

ROWS: list[Row] = [
    ("ssh", SSH, 22, [[b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", KEX]], rb"SSH-2\.0-Hygie\r\n",
     {"product": "OpenSSH_9.2p1 Debian", "host_keys": ("ssh-ed25519",), "macs": ("hmac-sha2-256", "hmac-sha1"),
      "ciphers": ("aes256-gcm@openssh.com", "aes128-ctr")}),
    ("ssh-banner-first", SSH, 22, [[b"Bienvenue\r\nSSH-1.5-Cisco-1.25\n"]], NOTHING, {"protocols": "1.5"}),
    ("rdp-nla", RDP, 3389, [[b"", RDP_NLA], [b"", RDP_REFUSED]], RDP_ASKS,
     {"credssp": True, "tls_alone": False, "old_security": False}),
    ("rdp-without", RDP, 3389, [[b"", RDP_NLA], [b"", RDP_TLS], [b"", RDP_OLD]], RDP_ASKS,
     {"credssp": True, "tls_alone": True, "old_security": True}),
    ("vnc-none", VNC, 5900, [[b"RFB 003.008\n", b"\2\1\2"]], rb"RFB 003\.008\n", {"access": OPEN, "security": (1, 2)}),
    ("vnc-old", VNC, 5900, [[b"RFB 003.003\n", b"\0\0\0\2"]], rb"RFB 003\.003\n", {"access": REQUIRED}),
    ("vnc-tls", VNC, 5901, [[b"RFB 003.008\n", b"\1\x13"]], rb"RFB 003\.008\n", {"access": REQUIRED,
     "encryption": True}),
    ("smb-one", SMB, 445, [[b"", SMB_TWO], [b"", SMB_ONE]], SMB_ASKS,
     {"dialect": 0x0302, "version_one": True, "signing_required": True}),
    ("smb-two", SMB, 445, [[b"", SMB_TWO], [b"", SMB_NONE]], SMB_ASKS, {"version_one": False}),
    ("smb-no-dialect", SMB, 445, [[b"", SMB_TWO[:12] + b"\xbb\0\0\xc0" + SMB_TWO[16:]], [b"", SMB_NONE]], SMB_ASKS,
     {"version_one": False, "dialect": 0, "signing_required": None}),
    ("ftp-clear", FTP, 21, [[b"220-Accueil\r\n220 ftp\r\n", b"502 no\r\n"]], rb"AUTH TLS\r\n", {"encryption": False}),
    ("ftp-tls", FTP, 21, [[b"220 ftp\r\n", b"234 go\r\n"]], rb"AUTH TLS\r\n", {"encryption": True,
     "anonymous": UNKNOWN}),
    ("ldap-shown", LDAP, 389, [[b"", ROOT, entry(2, b"ou=x,dc=ch,dc=test") + done(2)]], LDAP_ASKS,
     {"access": OPEN, "active_directory": True, "naming_contexts": ("dc=ch,dc=test",)}),
    ("ldap-refused", LDAP, 389, [[b"", ROOT, done(2, 1)]], LDAP_ASKS, {"access": REQUIRED}),
    ("postgresql-trust", DATABASE, 5432, [[b"", b"N"], [b"", b"R\0\0\0\x08\0\0\0\0"]], PG_ASKS,
     {"access": OPEN, "encryption": False}),
    ("postgresql-scram", DATABASE, 5432, [[b"", b"S"], [b"", b"R\0\0\0\x0c\0\0\0\x0aSCRA"]], PG_ASKS,
     {"access": REQUIRED, "encryption": True}),
    ("mysql", DATABASE, 3306, [[MYSQL]], NOTHING, {"product": "MariaDB", "encryption": True, "access": UNKNOWN}),
    ("mysql-refused", DATABASE, 3306, [[b"\x10\0\0\0\xffj\x04Host refused."]], NOTHING, {"access": REQUIRED}),
    ("sql-server", DATABASE, 1433, [[b"", TDS]],
     rb"\x12\x01\0\x1a\0{4}\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x08\0\x01U\0\0\x02",
     {"version": "15.0.2000", "encryption": True}),
    ("oracle", DATABASE, 1521, [[b"", TNS_REFUSE]], rb"\0\x57\0\0\x01\0{3}\x01\x36.*\(CONNECT_DATA=\(COMMAND=ping\)\)",
     {"version": "19.0.0.0"}),
    ("mongodb-open", DATABASE, 27017, [[b"", HELLO, MONGO_OK]], MONGO_ASKS, {"access": OPEN}),
    ("mongodb-required", DATABASE, 27017, [[b"", HELLO, MONGO_REFUSED]], MONGO_ASKS, {"access": REQUIRED}),
    ("redis-open", DATABASE, 6379, [[b"", b"+PONG\r\n"]], rb"\*1\r\n\$4\r\nPING\r\n", {"access": OPEN}),
    ("redis-required", DATABASE, 6379, [[b"", b"-NOAUTH Authentication required.\r\n"]], rb"\*1\r\n\$4\r\nPING\r\n",
     {"access": REQUIRED}),
    ("memcached", DATABASE, 11211, [[b"", b"VERSION 1.6.18\r\n"]], rb"version\r\n", {"access": OPEN,
     "version": "1.6.18"}),
    ("elasticsearch-open", DATABASE, 9200, [[b"", page(b'{"cluster_name":"c","version":{"number":"7.17.1"}}')]],
     got("/"),
     {"access": OPEN, "version": "7.17.1", "product": "Elasticsearch"}),
    ("elasticsearch-required", DATABASE, 9200,
     [[b"", page(b"{}", "401 Unauthorized", 'WWW-Authenticate: Basic realm="security"')]], got("/"),
     {"access": REQUIRED}),
    ("couchdb-open", DATABASE, 5984,
     [[b"", page(b'{"couchdb":"Welcome","version":"2.3"}')], [b"",
     page(b'{"userCtx":{"name":null,"roles":["_admin"]}}')]],
     got("/", "/_session"), {"access": OPEN, "version": "2.3"}),
    ("couchdb-required", DATABASE, 5984,
     [[b"", page(b'{"couchdb":"Welcome","version":"3.3"}')], [b"", page(b'{"userCtx":{"name":null,"roles":[]}}')]],
     got("/", "/_session"), {"access": REQUIRED}),
    ("cassandra-open", DATABASE, 9042, [[b"", cql(6), cql(2)]], CQL_ASKS, {"access": OPEN}),
    ("cassandra-required", DATABASE, 9042, [[b"", cql(6), cql(3, b"\0\1x")]], CQL_ASKS, {"access": REQUIRED}),
    ("docker", PLATFORM, 2375, [[b"", page(b'{"ApiVersion":"1.43","Version":"24.0"}')]], got("/version"),
     {"access": OPEN, "version": "24.0"}),
    ("etcd-open", PLATFORM, 2379, [[b"", page(b'{"etcdserver":"3.5.4"}')], [b"", page(b'{"enabled":false}')]],
     got("/version", "/v3/auth/status"), {"access": OPEN}),
    ("etcd-required", PLATFORM, 2379, [[b"", page(b'{"etcdserver":"3.5.4"}')], [b"", page(b'{"enabled":true}')]],
     got("/version", "/v3/auth/status"), {"access": REQUIRED}),
    ("etcd-old-open", PLATFORM, 2379,
     [[b"", page(b'{"etcdserver":"3.4.23"}')], [b"", page(b"", "404 Not Found")], [b"", page(b'{"header":{}}')]],
     got("/version", "/v3/auth/status", "/v3/kv/range"), {"access": OPEN}),
    ("zookeeper", PLATFORM, 2181, [[b"", b"imok"]], rb"ruok", {"product": "ZooKeeper"}),
    ("ajp", PLATFORM, 8009, [[b"", b"AB\0\1\x09"]], rb"\x12\x34\0\x01\x0a", {"product": "AJP"}),
    ("rmi", PLATFORM, 1099, [[b"", b"\x4e\0\x0a127.96.0.1"]], rb"JRMI\0\x02\x4b", {"product": "Java RMI"}),
    ("mqtt-open", BROKER, 1883, [[b"", b"\x20\2\0\0"]],
     rb"\x10\x11\0\x04MQTT\x04\x02\0\x0a\0\x05hygie|\xe0\0", {"access": OPEN}),
    ("mqtt-required", BROKER, 1883, [[b"", b"\x20\2\0\5"]], rb"\x10\x11\0\x04MQTT\x04\x02\0\x0a\0\x05hygie",
     {"access": REQUIRED}),
    ("amqp", BROKER, 5672, [[b"", AMQP_START]], rb"AMQP\0\0\x09\x01",
     {"product": "RabbitMQ", "version": "3.11.5", "mechanisms": ("PLAIN", "AMQPLAIN"), "access": REQUIRED}),
    ("telnet", GREETING, 23, [[b"\xff\xfd\x18\xff\xfd\x20"]], NOTHING, {"protocol": "telnet"}),
    ("telnet-prompt", GREETING, 23, [["Équipement\r\nIdentifiant : ".encode()]], NOTHING, {"protocol": "telnet"}),
    ("rsync", GREETING, 873, [[b"@RSYNCD: 31.0 sha512\n"]], NOTHING, {"version": "31.0 sha512"}),
    ("rtsp", GREETING, 554, [[b"", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Cam 2\r\n\r\n"]],
     rb"OPTIONS rtsp://127\.96\.0\.1/ RTSP/1\.0\r\nCSeq: 1\r\n\r\n", {"product": "Cam 2"}),
    ("sip", GREETING, 5060, [[b"", b"SIP/2.0 200 OK\r\nUser-Agent: PBX\r\n\r\n"]],
     rb"OPTIONS sip:127\.96\.0\.1 SIP/2\.0\r\n.*",
     {"product": "PBX"}),
    ("rpc", GREETING, 135, [[b"", b"\5\0\x0c\3\x10\0\0\0\x3c\0\0\0\1\0\0\0"]], RPC_ASKS, {"talk": Talk.SPOKEN}),
    ("portmapper", GREETING, 111, [[b"", b"\x80\0\0\x18HyGi\0\0\0\1" + bytes(16)]], RPC_CALL, {"talk": Talk.SPOKEN}),
    ("nfs", GREETING, 2049, [[b"", b"\x80\0\0\x18HyGi\0\0\0\1" + bytes(16)]], RPC_CALL, {"talk": Talk.SPOKEN}),
    ("kerberos", GREETING, 88, [[b"", b"\0\0\0\x0c\x7e\x0a\x30\x08\xa0\3\2\1\5\xa1\1\0"]], KRB_ASKS,
     {"talk": Talk.SPOKEN}),
    ("winrm", GREETING, 5985, [[b"", page(b"", "405 ", "Server: Microsoft-HTTPAPI/2.0")]], got("/wsman"),
     {"access": REQUIRED}),
    ("x11-open", GREETING, 6000, [[b"", b"\1\0\x0b\0\0\0\0\0"]], X11_ASKS, {"access": OPEN}),
    ("x11-refused", GREETING, 6000, [[b"", b"\0\x16\x0b\0\0\0\6\0No protocol specified"]], X11_ASKS,
     {"access": REQUIRED}),
    ("dicom-any", DICOM, 11112, [[b"", DICOM_AC]], DICOM_ASKS, {"access": OPEN, "implementation": "PACS1"}),
    ("dicom-refused", DICOM, 104, [[b"", DICOM_RJ]], DICOM_ASKS,
     {"access": REQUIRED, "reason": "calling AE title not recognised"}),
    # nobody by that name is there: whom the one who is there would take is not told
    ("dicom-nobody", DICOM, 104, [[b"", b"\3\0\0\0\0\4\0\1\1\7"]], DICOM_ASKS,
     {"access": UNKNOWN, "reason": "called AE title not recognised"}),
    ("dicom-busy", DICOM, 104, [[b"", b"\3\0\0\0\0\4\0\2\3\1"]], DICOM_ASKS, {"access": UNKNOWN}),
    ("mllp", MLLP, 2575, [[b""]], NOTHING, {"talk": Talk.SILENT}),
]  # fmt: skip


async def looked(probe: Probe[Any], port: int, level: int = 2) -> list[ServiceAnswered]:
    asset = service("tcp", port, ADDRESS, addresses=[ADDRESS])
    assert probe.wants(asset)
    facts = [y.fact async for y in probe.look(asset, open_line(level=level)) if isinstance(y, Sight)]
    return [fact for fact in facts if isinstance(fact, ServiceAnswered)]


@pytest.mark.parametrize(
    ("probe", "port", "scripts", "allowed", "expected"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
async def test_an_answer_is_read_as_meant_and_nothing_but_the_listed_is_said(
    probe: Probe[Any], port: int, scripts: Sequence[Script], allowed: bytes, expected: dict[str, Any]
) -> None:
    async with responding(ADDRESS, port, *scripts, close=port == 2181 or b"HTTP" in allowed) as heard:
        (fact,) = await looked(probe, port)
    assert {name: getattr(fact, name) for name in expected} == expected
    assert fact.talk is expected.get("talk", Talk.SPOKEN)
    for message in heard.messages:
        assert message[:2] == TLS_HELLO or re.fullmatch(b"(?:" + allowed + b")+", message, re.S), message


#: What level 3 adds over TCP: a log-in as nobody, a frame around nothing.
FTP_ASKS = rb"AUTH TLS\r\n|USER anonymous\r\n|PASS hygie@example\.invalid\r\n|QUIT\r\n"
DEEP: list[Row] = [
    ("ftp-anonymous", FTP, 21,
     [[b"220 ftp\r\n", b"502 no\r\n"], [b"220 ftp\r\n", b"331 who?\r\n", b"230 in\r\n", b"221 bye\r\n"]], FTP_ASKS,
     {"anonymous": OPEN, "anonymous_asked": True}),
    ("ftp-no-password-asked", FTP, 21,
     [[b"220 ftp\r\n", b"502 no\r\n"], [b"220 ftp\r\n", b"230 in\r\n", b"221 bye\r\n"]], FTP_ASKS, {"anonymous": OPEN}),
    ("ftp-refused", FTP, 21,
     [[b"220 ftp\r\n", b"502 no\r\n"], [b"220 ftp\r\n", b"331 who?\r\n", b"530 no\r\n", b"221 bye\r\n"]], FTP_ASKS,
     {"anonymous": REQUIRED}),
    # the server promises TLS and does not keep it: nothing is concluded
    ("ftp-broken-tls", FTP, 21,
     [[b"220 ftp\r\n", b"234 go\r\n"], [b"220 ftp\r\n", b"530 TLS first\r\n", b"221\r\n"],
      [b"220 ftp\r\n", b"234 go\r\n", b"what?\r\n"]], FTP_ASKS, {"anonymous": UNKNOWN, "anonymous_asked": True}),
    ("ftp-busy", FTP, 21, [[b"421 later\r\n"]], FTP_ASKS, {"anonymous": UNKNOWN, "anonymous_asked": False}),
    ("mllp", MLLP, 2575, [[b"", b"\x0b\x1c\x0d"]], rb"\x0b\x1c\x0d", {"protocol": "hl7-mllp"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("probe", "port", "scripts", "allowed", "expected"), [row[1:] for row in DEEP], ids=[r[0] for r in DEEP]
)
async def test_level_three_asks_more_and_nothing_but_the_listed(
    probe: Probe[Any], port: int, scripts: Sequence[Script], allowed: bytes, expected: dict[str, Any]
) -> None:
    async with responding(ADDRESS, port, *scripts, close=True) as heard:
        (fact,) = await looked(probe, port, level=3)
    assert {name: getattr(fact, name) for name in expected} == expected
    for message in heard.messages:
        assert message[:2] == TLS_HELLO or re.fullmatch(b"(?:" + allowed + b")+", message, re.S), message


LIARS: list[tuple[str, Script]] = [
    ("another protocol", [b"220 mail.ch.test ESMTP\r\n" * 3, b"500 what?\r\n", b"500 what?\r\n"]),
    ("zeros", [b"", bytes(4096), bytes(4096)]),
    ("ones", [b"", b"\xff" * 4096, b"\xff" * 4096]),
    ("huge", [b"A" * 300_000, b"A" * 300_000]),
    ("lengths that promise more", [b"", b"\x84\x7f\xff\xff\xff\x30\x84\x7f\xff\xff\xff", b""]),
]


@pytest.mark.parametrize("script", [script for _, script in LIARS], ids=[name for name, _ in LIARS])
@pytest.mark.parametrize("row", ROWS[::3], ids=lambda r: r[0])
async def test_a_liar_is_never_taken_for_what_it_is_not(row: Row, script: Script) -> None:
    _, probe, port, _, allowed, _ = row
    async with responding(ADDRESS, port, script, close=True) as heard:
        facts = await looked(probe, port)
    assert all(fact.talk is not Talk.SPOKEN and fact.access is UNKNOWN for fact in facts), facts
    for message in heard.messages:
        assert message[:2] == TLS_HELLO or re.fullmatch(b"(?:" + allowed + b")+", message, re.S), message


@pytest.mark.parametrize(
    ("probe", "port", "script"),
    [
        # a MySQL whose greeting is as long as RMI's acknowledgement is numbered
        (PLATFORM, 1099, [b"\x4e\0\0\x0a" + b"8.4.3\0" + bytes(72)]),
        (PLATFORM, 1099, [b"NOTICE AUTH :*** Looking up your hostname\r\n"]),
        # what ends otherwise, or never: nobody waits for its end
        (DATABASE, 6379, [b"", b"<html>no</html>\n"]),
        (DATABASE, 11211, [b"SSH-2.0-OpenSSH_9.9\r\n"]),
        (GREETING, 554, [b"", b"HTTP/1.1 400 Bad Request\r\n"]),
        (GREETING, 5060, [b"RFB 003.008\n"]),
        (GREETING, 23, [b"SSH-2.0-OpenSSH_9.9\r\n"]),
        (GREETING, 23, [b"220 mail.ch.test ESMTP\r\n"]),
    ],
)
async def test_another_service_is_told_by_its_first_words(probe: Probe[Any], port: int, script: Script) -> None:
    async with responding(ADDRESS, port, script):
        (fact,) = await looked(probe, port)
    assert (fact.talk, fact.access) == (Talk.OTHER, UNKNOWN)


IKE_ASKS = (
    rb"Hygie/01\0{8}\x21\x20\x22\x08\0{7}\xa8\x22\0\0\x40\0\0\0\x3c\x01\x01\0\x06.{52}"
    rb"\x28\0\0\x28\0\x1f\0\0\x09\0{31}\0\0\0\x24hygie-nonce-of-an-audit-without-"
    rb"|Hygie/01\0{8}\x01\x10\x02\0{8}\x98\0{3}\x7c\0{3}\x01\0{3}\x01\0{3}\x70\x01\x01\0\x03.{104}"
)
DATAGRAMS: list[tuple[str, int, bytes, bytes, dict[str, Any]]] = [
    ("ntp", 123, b"\x24\2" + bytes(46), rb"\x23\0{47}", {"request": 48, "answer": 48}),
    ("snmp-3", 161, b"\x30\x06\2\1\3\4\1\0", rb"\x30.\x02\x01\x03.*", {"protocol": "snmp-3"}),
    ("memcached", 11211, b"\0\1\0\0\0\1\0\0VERSION 1.6\r\n", rb"\0\x01\0{3}\x01\0\0version\r\n", {"access": OPEN}),
    ("cldap", 389, done(1), rb"\x30.\x02\x01\x01\x63.*objectClass.*supportedLDAPVersion.*", {}),
    ("netbios", 137, b"Hy\x84\0" + bytes(60), rb"Hy\0{3}\x01\0{6}\x20CKA{30}\0\0\x21\0\x01", {"answer": 64}),
    ("ipmi", 623, b"\x06\0\xff\x07" + bytes(26), rb"\x06\0\xff\x07\0{9}\x09\x20\x18\xc8\x81\0\x38\x8e\x04\xb5", {}),
    ("ssdp", 1900, b"HTTP/1.1 200 OK\r\n\r\n", rb"M-SEARCH \* HTTP/1\.1\r\n.*ssdp:discover.*", {}),
    ("portmapper", 111, b"HyGi\0\0\0\1" + bytes(16), rb"HyGi\0{7}\x02\0\x01\x86\xa0\0\0\0\x02\0{20}", {}),
    ("sql-browser", 1434, b"\5\4\0abcd", rb"\x03", {}),
    ("ike", 500, b"Hygie/01" + bytes(8) + b"\x29\x20\x22\x20" + bytes(4) + b"\0\0\0\x24" + bytes(8), IKE_ASKS,
     {"answer": 36}),
    # the second generation is unknown to it: it refuses our proposals in the first
    ("ike-1", 500, b"Hygie/01" + bytes(8) + b"\x0b\x10\x05\0" + bytes(4) + b"\0\0\0\x28" + bytes(12), IKE_ASKS, {}),
    ("echo", 7, b"hygie-echo", rb"hygie-echo", {"request": 10, "answer": 10}),
    ("chargen", 19, bytes(range(33, 105)) + b"\r\n", rb"hygie-chargen", {"answer": 74}),
    ("quote", 17, b"Primum non nocere.\r\n", rb"hygie-quote", {}),
]  # fmt: skip


@pytest.mark.parametrize("row", DATAGRAMS, ids=lambda r: r[0])
async def test_a_datagram_is_answered_by_its_service_and_hears_one_listed_question(
    row: tuple[str, int, bytes, bytes, dict[str, Any]],
) -> None:
    protocol, port, answer, allowed, expected = row
    asset = Asset(kind=AssetKind.ADDRESS, name=ADDRESS)
    probe = DatagramProbe(DatagramSettings(patience=0.2))
    async with answering(ADDRESS, port, answer) as heard:
        sights = [y async for y in probe.look(asset, open_line()) if isinstance(y, Sight)]
    (found,) = [s for s in sights if isinstance(s.fact, DatagramAnswered)]
    assert found.asset is not None
    assert found.asset.id == f"service:udp/{port}@{ADDRESS}"
    assert isinstance(found.fact, DatagramAnswered)
    assert found.fact.protocol == protocol
    assert {name: getattr(found.fact, name) for name in expected} == expected
    asked = next(s.fact for s in sights if isinstance(s.fact, DatagramsAsked))
    assert (ADDRESS, protocol, port, "answered") in asked.asked
    assert all(re.fullmatch(allowed, message, re.S) for message in heard), heard


@given(st.binary(max_size=200), st.integers(0, 200))
def test_whatever_is_answered_a_question_tells_its_own_from_the_rest(noise: bytes, cut: int) -> None:
    for question in QUESTIONS:
        for answer in (noise, question.request[:cut] + noise, noise[:cut]):
            assert question.answered_by(answer) in {True, False}
            assert len(question.product(answer)) <= 200
        # what is sent back as it came is an echo, and nothing else
        assert question.answered_by(question.request) is (question.protocol == "echo")


async def test_only_level_three_says_public_and_silence_is_told_as_silence() -> None:
    asset = Asset(kind=AssetKind.ADDRESS, name=ADDRESS)
    probe = DatagramProbe(DatagramSettings(patience=0.1))
    for level, public in ((2, False), (3, True)):
        async with answering(ADDRESS, 161, b"") as heard:
            facts = [y.fact async for y in probe.look(asset, open_line(level=level)) if isinstance(y, Sight)]
        assert any(b"public" in message for message in heard) is public
        (asked,) = facts
        assert isinstance(asked, DatagramsAsked)
        outcomes = {(protocol, outcome) for _, protocol, _, outcome in asked.asked}
        assert ("snmp-3", "silent") in outcomes
        assert ("ntp", "refused") in outcomes


#: Only at level 3: a read of a file that cannot exist, and aggressive mode as nobody.
DEEPER = {
    69: rb"\0\x01hygie/no-such-file-7e1d5c0f\0octet\0",
    500: IKE_ASKS + rb"|Hygie/01\0{8}\x01\x10\x04\0{7}\x01\x31\x04\0\0\x58.{84}\x0a\0\0\x84\0\0\x01\0{125}"
    rb"\x05\0\0\x24hygie-nonce-of-an-audit-without-\0\0\0\x15\x02\0{3}hygie\.invalid",
    123: rb"\x23\0{47}|\x16\x02\0\x01\0{8}",
}


@pytest.mark.parametrize("port", DEEPER)
@pytest.mark.parametrize("level", [2, 3])
async def test_the_deeper_questions_are_asked_at_level_three_and_a_wrong_answer_is_told(port: int, level: int) -> None:
    asset = Asset(kind=AssetKind.ADDRESS, name=ADDRESS)
    probe = DatagramProbe(DatagramSettings(patience=0.2))
    async with answering(ADDRESS, port, b"what?") as heard:
        facts = [y.fact async for y in probe.look(asset, open_line(level=level)) if isinstance(y, Sight)]
    (asked,) = facts
    assert isinstance(asked, DatagramsAsked)
    outcomes = {protocol: outcome for _, protocol, at, outcome in asked.asked if at == port}
    deep = {"tftp", "ike-aggressive", "ntp-control"}
    assert set(outcomes.values()) <= {"other"}
    assert bool(deep & set(outcomes)) is (level == 3)
    assert len(heard) == len(outcomes)
    assert all(re.fullmatch(DEEPER[port], message, re.S) for message in heard), heard


HEALTH = HealthWebProbe(HealthWebSettings(patience=0.5, dicomweb=("/dicom-web",), fhir=("/fhir",)))
HEALTH_PATHS = got(
    "/", "/app/explorer.html", "/system", "/fhir/metadata", "/dicom-web/hygie-no-such-path",
    "/dicom-web/studies?StudyInstanceUID=2.25.340282366920938463463374607431768211455&limit=1",
    "/fhir/Patient?_id=ffffffff-ffff-ffff-ffff-ffffffffffff&_summary=count",
)  # fmt: skip
NOT_FOUND = page(b"no", "404 Not Found")
HEALTH_RULES = (
    rules.dicomweb_authentication, rules.fhir_authentication, rules.integration_engine, rules.viewer_encryption,
)  # fmt: skip


def judged(rule: Rule, fact: ServiceAnswered) -> Outcome:
    where = service("tcp", 8042, ADDRESS, addresses=[ADDRESS])
    return rule.judge(
        Observation(id="o", asset=where, fact=fact, seen_at=DAY, probe="x@1", vantage=Vantage.INTERNET)
    ).outcome


@pytest.mark.parametrize(
    ("answers", "expected", "broken"),
    [
        # an open Orthanc with its DICOMweb plugin
        (
            {
                "/": page(b"<title>Orthanc Explorer</title>"),
                "/system": page(b'{"DicomAet":"ORTHANC","Version":"1.12"}'),
                "/dicom-web/studies": page(b"[]", "200 OK", "Content-Type: application/dicom+json"),
            },
            [("pacs-viewer", UNKNOWN), ("dicomweb", OPEN), ("dicomweb", OPEN)],
            {"dicomweb-authentication-required", "health-viewer-encrypted"},
        ),
        # a FHIR server that shows what it can to anybody, as the standard wants, and nobody's record
        (
            {
                "/fhir/metadata": page(b'{"resourceType":"CapabilityStatement","software":{"name":"HAPI"}}'),
                "/fhir/Patient": page(b"{}", "401 Unauthorized"),
            },
            [("fhir", REQUIRED)],
            set(),
        ),
        (
            {
                "/fhir/metadata": page(b'{"resourceType":"CapabilityStatement"}'),
                "/fhir/Patient": page(b'{"resourceType":"Bundle","total":0}'),
            },
            [("fhir", OPEN)],
            {"fhir-authentication-required"},
        ),
        # an Orthanc that sends on to its viewer; a portal that sends on to another server is not followed there
        (
            {
                "/": page(b"", "307 Temporary Redirect", "Location: app/explorer.html"),
                "/app/explorer.html": page(b"<title>Orthanc Explorer</title>"),
            },
            [("pacs-viewer", UNKNOWN)],
            {"health-viewer-encrypted"},
        ),
        ({"/": page(b"", "302 Found", "Location: //pacs.elsewhere.test/app/explorer.html")}, [], set()),
        ({"/": page(b"", "302 Found", "Location: http://pacs.elsewhere.test/")}, [], set()),
        # odd but healthy: a site that says 204, or its own page, whatever is asked
        ({"": page(b"", "204 No Content")}, [], set()),
        ({"": page(b"<h1>Hopital</h1>")}, [], set()),
        # a page that speaks of an engine is not its console
        ({"/": page(b"<title>Formation Mirth Connect</title>")}, [], set()),
        (
            {"/": page(b"<title>Mirth Connect Administrator</title>")},
            [("integration-engine", UNKNOWN)],
            {"integration-engine-console-not-reachable"},
        ),
    ],
)
async def test_health_applications_are_asked_for_what_cannot_exist(
    answers: dict[str, bytes], expected: list[tuple[str, Access]], broken: set[str]
) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        heard.append(request)
        path = request.split()[1].decode().partition("?")[0]
        writer.write(answers.get(path, answers.get("", NOT_FOUND)))
        writer.close()

    async with listening(serve, ADDRESS, 8042):
        facts = await looked(HEALTH, 8042)
    assert [(fact.protocol, fact.access) for fact in facts] == expected
    assert {rule.id for fact in facts for rule in HEALTH_RULES if judged(rule, fact) is Outcome.NOT_MET} == broken
    assert all(re.fullmatch(HEALTH_PATHS, message, re.S) for message in heard), heard
