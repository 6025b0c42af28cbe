"""Services by real servers: what a healthy and a faulty configuration answer, and what the rules say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE, evt

from probes.facts.services.answered import Access, DatagramAnswered, DatagramsAsked, ServiceAnswered, Talk
from probes.facts.services.health import DicomAnswered
from probes.interface import Asset, AssetKind, Fact, Observation, Probe, Sight, Vantage, service
from probes.services.broker import BrokerProbe
from probes.services.database import DatabaseProbe
from probes.services.datagram import DatagramProbe, DatagramSettings
from probes.services.dicom import DicomProbe, DicomSettings
from probes.services.family import FamilySettings
from probes.services.ftp import FtpProbe, FtpSettings
from probes.services.greeting import GreetingProbe
from probes.services.health_web import HealthWebProbe, HealthWebSettings
from probes.services.ldap import LdapProbe, LdapSettings
from probes.services.platform import PlatformProbe
from probes.services.rdp import RdpProbe, RdpSettings
from probes.services.smb import SmbProbe, SmbSettings
from probes.services.ssh import SshProbe, SshSettings
from probes.services.vnc import VncProbe, VncSettings
from rules.catalogue import service as rules
from rules.catalogue import service_datagram as datagram
from rules.catalogue import service_remote as remote
from rules.catalogue.service_software import supported
from rules.interface import Outcome, Rule
from rules.views.software import SoftwareView, software
from tests.lab import postgres, samba
from tests.lab import services as lab
from tests.lab.line import open_line
from tests.lab.responders import responding
from tests.lab.services import ADDRESS, Running
from tests.rules.test_service_software import record

OPEN, REQUIRED, UNKNOWN = Access.OPEN, Access.REQUIRED, Access.UNKNOWN
MET, NOT_MET, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.UNDETERMINED
FAMILY = FamilySettings()
SSH, SMB, LDAP = SshProbe(SshSettings()), SmbProbe(SmbSettings()), LdapProbe(LdapSettings())
FTP, VNC, RDP = FtpProbe(FtpSettings()), VncProbe(VncSettings()), RdpProbe(RdpSettings())
DATABASE, BROKER, GREETING = DatabaseProbe(FAMILY), BrokerProbe(FAMILY), GreetingProbe(FAMILY)
PLATFORM = PlatformProbe(FAMILY)
# it would wait a quarter of an hour for another reader, and outlive its inetd
TFTP = "tftp dgram udp wait root /usr/sbin/in.tftpd in.tftpd --timeout 1 --secure"
TELNET = "telnet stream tcp nowait root /usr/sbin/telnetd telnetd"

Verdicts = list[tuple[Rule, Outcome]]
Row = tuple[str, Callable[[Path], Running], Probe[Any], int, dict[str, object], Verdicts]
ROWS: list[Row] = [
    ("openssh", lambda f: lab.openssh(f), SSH, 2222,
     {"protocols": "2.0", "host_keys": ("ssh-ed25519",)},
     [(remote.ssh_version_one, MET), (remote.ssh_algorithms, MET)]),
    ("openssh-old", lambda f: lab.openssh(f, "KexAlgorithms +diffie-hellman-group1-sha1", "MACs +hmac-md5"), SSH, 2222,
     {"protocols": "2.0"}, [(remote.ssh_algorithms, NOT_MET)]),
    ("smb", lambda f: lab.samba(f, server_signing="mandatory"), SMB, 445,
     {"version_one": False, "dialect": 0x0311, "signing_required": True},
     [(rules.smb_version_one, MET), (remote.smb_signing, MET)]),
    ("smb-one", lambda f: lab.samba(f, server_min_protocol="NT1"), SMB, 445,
     {"version_one": True, "signing_required": False},
     [(rules.smb_version_one, NOT_MET), (remote.smb_signing, NOT_MET)]),
    ("smb-newest-alone", lambda f: lab.samba(f, server_min_protocol="SMB3_11"), SMB, 445,
     {"version_one": False, "dialect": 0x0311}, [(rules.smb_version_one, MET), (remote.smb_signing, NOT_MET)]),
    ("smb-one-alone", lambda f: lab.samba(f, server_min_protocol="NT1", server_max_protocol="NT1"), SMB, 445,
     {"version_one": True, "dialect": 0}, [(rules.smb_version_one, NOT_MET), (remote.smb_signing, UNDETERMINED)]),
    ("openldap", lambda f: lab.openldap(f, "access to * by users read by * none"), LDAP, 389,
     {"naming_contexts": ("dc=ch,dc=test",), "active_directory": False}, [(remote.ldap_anonymous, MET)]),
    ("openldap-require", lambda f: lab.openldap(f, "require authc"), LDAP, 389, {}, [(remote.ldap_anonymous, MET)]),
    ("openldap-shown", lambda f: lab.openldap(f), LDAP, 389, {}, [(remote.ldap_anonymous, NOT_MET)]),
    ("vsftpd", lambda f: lab.vsftpd(f, anonymous_enable="NO", ssl_enable="YES"), FTP, 21, {"product": "(vsFTPd 3.0.3)"},
     [(remote.ftp_encryption, MET), (remote.ftp_anonymous, MET)]),
    ("vsftpd-open", lambda f: lab.vsftpd(f, anonymous_enable="YES"), FTP, 21, {},
     [(remote.ftp_encryption, NOT_MET), (remote.ftp_anonymous, NOT_MET)]),
    # whoever must speak TLS first is asked within it
    ("vsftpd-open-tls", lambda f: lab.vsftpd(f, anonymous_enable="YES", ssl_enable="YES", allow_anon_ssl="YES",
                                             force_anon_logins_ssl="YES"), FTP, 21, {},
     [(remote.ftp_encryption, MET), (remote.ftp_anonymous, NOT_MET)]),
    ("vnc-tls", lambda f: lab.tigervnc(f, "-SecurityTypes", "TLSVnc"), VNC, 5901, {"encryption": True},
     [(rules.vnc_authentication, MET)]),
    ("vnc-none", lambda f: lab.tigervnc(f, "-SecurityTypes", "None"), VNC, 5901, {"security": (1,)},
     [(rules.vnc_authentication, NOT_MET)]),
    ("x11", lambda f: lab.tigervnc(f), GREETING, 6001, {"protocol": "x11"}, [(remote.x11_authorization, MET)]),
    ("x11-open", lambda f: lab.tigervnc(f, "-ac"), GREETING, 6001, {}, [(remote.x11_authorization, NOT_MET)]),
    ("xrdp-tls", lambda f: lab.xrdp(f, "tls"), RDP, 3389,
     {"credssp": False, "tls_alone": True, "old_security": False}, [(rules.rdp_authentication, NOT_MET)]),
    ("xrdp-old", lambda f: lab.xrdp(f, "rdp"), RDP, 3389,
     {"credssp": False, "tls_alone": False, "old_security": True}, [(rules.rdp_authentication, NOT_MET)]),
    ("freerdp-nla", lambda f: lab.freerdp(f, "/sec:nla"), RDP, 3389,
     {"credssp": True, "tls_alone": False, "old_security": False}, [(rules.rdp_authentication, MET)]),
    ("freerdp-tls", lambda f: lab.freerdp(f, "/sec:tls"), RDP, 3389,
     {"credssp": False, "tls_alone": True, "old_security": False}, [(rules.rdp_authentication, NOT_MET)]),
    # 3.4 does not say whether authentication is on
    ("etcd", lambda f: lab.etcd(f, authentication=True), PLATFORM, 2379, {"product": "etcd", "access": REQUIRED},
     [(rules.platform_authentication, MET)]),
    ("etcd-open", lab.etcd, PLATFORM, 2379, {"access": OPEN}, [(rules.platform_authentication, NOT_MET)]),
    ("redis", lambda f: lab.redis(f, "--requirepass", "lab"), DATABASE, 6379, {},
     [(rules.database_authentication, MET), (rules.database_encryption, NOT_MET)]),
    ("redis-open", lambda f: lab.redis(f, "--protected-mode", "no"), DATABASE, 6379, {},
     [(rules.database_authentication, NOT_MET)]),
    # within TLS alone, where nothing else is asked for, and where a password is
    ("redis-tls", lambda f: lab.redis_tls(f, "no", "--protected-mode", "no"), DATABASE, 6379, {"encryption": True},
     [(rules.database_authentication, NOT_MET), (rules.database_encryption, MET)]),
    ("redis-tls-password", lambda f: lab.redis_tls(f, "no", "--requirepass", "lab"), DATABASE, 6379,
     {"encryption": True}, [(rules.database_authentication, MET), (rules.database_encryption, MET)]),
    # it serves its own machine only, which a loopback cannot show: it says so before anything else
    ("memcached", lambda f: lab.memcached(f), DATABASE, 11211, {"product": "memcached"},
     [(rules.database_authentication, NOT_MET)]),
    ("postgresql", lambda f: postgres.server(listen=ADDRESS, hosts="scram-sha-256"), DATABASE, 5432, {},
     [(rules.database_authentication, MET), (rules.database_encryption, NOT_MET)]),
    ("postgresql-refused", lambda f: postgres.server(listen=ADDRESS, hosts="reject"), DATABASE, 5432, {},
     [(rules.database_authentication, MET)]),
    ("postgresql-trust", lambda f: postgres.server(listen=ADDRESS), DATABASE, 5432, {},
     [(rules.database_authentication, NOT_MET)]),
    # its greeting tells its version, and never whether a password is asked for
    ("mariadb", lambda f: lab.mariadb(f, f"--ssl-cert={f}/cert.pem", f"--ssl-key={f}/key.pem"), DATABASE, 3306,
     {"product": "MariaDB", "access": UNKNOWN},
     [(rules.database_encryption, MET), (rules.database_authentication, UNDETERMINED)]),
    ("mariadb-clear", lambda f: lab.mariadb(f), DATABASE, 3306, {}, [(rules.database_encryption, NOT_MET)]),
    ("mosquitto", lambda f: lab.mosquitto(f, "allow_anonymous false"), BROKER, 1883, {},
     [(rules.broker_authentication, MET), (rules.broker_encryption, NOT_MET)]),
    ("mosquitto-open", lambda f: lab.mosquitto(f, "allow_anonymous true"), BROKER, 1883, {},
     [(rules.broker_authentication, NOT_MET)]),
    ("rsync", lab.rsync, GREETING, 873, {"protocol": "rsync", "product": "rsync"}, []),
    ("telnetd", lambda f: lab.inetd(f, TELNET), GREETING, 23, {"protocol": "telnet"}, []),
    ("rpcbind", lab.rpcbind, GREETING, 111, {"protocol": "portmapper"}, []),
]  # fmt: skip


async def looked(probe: Probe[Any], asset: Asset, level: int = 3) -> list[Fact]:
    assert probe.wants(asset)
    return [y.fact async for y in probe.look(asset, open_line(level=level)) if isinstance(y, Sight)]


def judged(rule: Rule, fact: Fact) -> Outcome:
    where = Asset(kind=AssetKind.SERVICE, name=f"tcp/1@{ADDRESS}")
    seen = Observation(
        id="o", asset=where, fact=fact, seen_at=datetime(2026, 11, 24, tzinfo=UTC), probe="x@1",
        vantage=Vantage.INTERNET,
    )  # fmt: skip
    return rule.judge(seen).outcome


@pytest.mark.parametrize(
    ("start", "probe", "port", "expected", "verdicts"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
async def test_a_real_server_is_read_and_judged_as_it_was_configured(
    tmp_path: Path,
    start: Callable[[Path], Running],
    probe: Probe[Any],
    port: int,
    expected: dict[str, object],
    verdicts: Verdicts,
) -> None:
    with start(tmp_path):
        (fact,) = await looked(probe, service("tcp", port, ADDRESS, addresses=[ADDRESS]))
    assert isinstance(fact, ServiceAnswered)
    assert fact.talk is Talk.SPOKEN
    assert {name: getattr(fact, name) for name in expected} == expected
    assert [judged(rule, fact) for rule, _ in verdicts] == [outcome for _, outcome in verdicts]


DATAGRAMS: list[tuple[str, Callable[[Path], Running], str, dict[str, str], Verdicts]] = [
    ("snmpd", lambda f: lab.snmpd(f, "rocommunity etablissement"), ADDRESS,
     {"snmp-3": "answered", "snmp-public": "silent"}, [(datagram.snmp_public, MET)]),
    ("snmpd-public", lambda f: lab.snmpd(f, "rocommunity public"), ADDRESS,
     {"snmp-3": "answered", "snmp-public": "answered"}, [(datagram.snmp_public, NOT_MET)]),
    ("ntp", lambda f: lab.ntpsec(f, "nomodify noquery"), "127.0.0.1",
     {"ntp": "answered", "ntp-control": "silent"}, [(datagram.reflection, UNDETERMINED)]),
    ("ntp-control", lambda f: lab.ntpsec(f, ""), "127.0.0.1",
     {"ntp": "answered", "ntp-control": "answered"}, [(datagram.reflection, NOT_MET)]),
    ("memcached", lambda f: lab.memcached(f, "-U", "0"), ADDRESS, {"memcached": "refused"},
     [(datagram.reflection, MET)]),
    ("memcached-open", lambda f: lab.memcached(f, "-U", "11211"), ADDRESS, {"memcached": "answered"},
     [(datagram.reflection, NOT_MET)]),
    ("rpcbind", lab.rpcbind, ADDRESS, {"portmapper": "answered"}, [(datagram.reflection, NOT_MET)]),
    ("inetd", lambda f: lab.inetd(f, TELNET), ADDRESS, {"echo": "refused", "chargen": "refused", "tftp": "refused"},
     [(datagram.reflection, MET), (datagram.management, MET)]),
    ("inetd-small", lambda f: lab.inetd(f, TELNET, "echo dgram udp wait root internal",
                                        "chargen dgram udp wait root internal"), ADDRESS,
     {"echo": "answered", "chargen": "answered"}, [(datagram.reflection, NOT_MET)]),
    # it answers from a port of its own, and serves nothing of what it was not asked
    ("tftpd", lambda f: lab.inetd(f, TELNET, f"{TFTP} {f}"), ADDRESS, {"tftp": "answered"},
     [(datagram.management, NOT_MET)]),
    ("strongswan", lambda f: lab.strongswan(f), ADDRESS,
     {"ike": "answered", "ike-1": "answered", "ike-aggressive": "other"}, [(datagram.aggressive_mode, MET)]),
    ("strongswan-aggressive", lambda f: lab.strongswan(f, aggressive="yes"), ADDRESS,
     {"ike": "answered", "ike-1": "answered", "ike-aggressive": "answered"}, [(datagram.aggressive_mode, NOT_MET)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "address", "expected", "verdicts"), [row[1:] for row in DATAGRAMS], ids=[row[0] for row in DATAGRAMS]
)
async def test_a_real_server_of_datagrams_is_read_and_judged_as_it_was_configured(
    tmp_path: Path,
    start: Callable[[Path], Running],
    address: str,
    expected: dict[str, str],
    verdicts: Verdicts,
) -> None:
    probe = DatagramProbe(DatagramSettings(patience=0.5))
    with start(tmp_path):
        facts = await looked(probe, Asset(kind=AssetKind.ADDRESS, name=address))
    asked = next(fact for fact in facts if isinstance(fact, DatagramsAsked))
    outcomes = {protocol: outcome for _, protocol, _, outcome in asked.asked}
    assert {protocol: outcomes[protocol] for protocol in expected} == expected
    spoken = {fact.protocol for fact in facts if isinstance(fact, DatagramAnswered)}
    assert spoken == {protocol for protocol, outcome in outcomes.items() if outcome == "answered"}
    assert [judged(rule, asked) for rule, _ in verdicts] == [outcome for _, outcome in verdicts]


@pytest.fixture(scope="module")
def controller() -> Iterator[samba.Domain]:
    with samba.domain(services=("rpc", "nbt")) as domain:
        yield domain


@pytest.mark.parametrize(
    ("probe", "port", "protocol"),
    [(LDAP, 389, "ldap"), (LDAP, 636, "ldap"), (LDAP, 3268, "ldap"), (GREETING, 88, "kerberos"),
     (GREETING, 135, "rpc-endpoint-mapper")],
    ids=str,
)  # fmt: skip
async def test_a_domain_controller_speaks_every_protocol_of_a_directory(
    controller: samba.Domain, probe: Probe[Any], port: int, protocol: str
) -> None:
    at = controller.address
    (fact,) = await looked(probe, service("tcp", port, at, addresses=[at]))
    assert isinstance(fact, ServiceAnswered)
    assert (fact.protocol, fact.talk) == (protocol, Talk.SPOKEN)
    if probe is LDAP:
        assert judged(remote.ldap_anonymous, fact) is MET


async def test_a_domain_controller_answers_datagrams(controller: samba.Domain) -> None:
    probe = DatagramProbe(DatagramSettings(patience=1.0))
    facts = await looked(probe, Asset(kind=AssetKind.ADDRESS, name=controller.address))
    assert {fact.protocol for fact in facts if isinstance(fact, DatagramAnswered)} == {"cldap", "netbios"}


@pytest.mark.parametrize("newest", [True, False], ids=["TLS 1.3", "TLS 1.2"])
@pytest.mark.parametrize(("port", "protocol"), [(2376, "docker"), (2379, "etcd"), (6443, "kubernetes")])
async def test_who_asks_for_a_certificate_is_told_apart_from_who_hangs_up(
    tmp_path: Path, port: int, protocol: str, *, newest: bool
) -> None:
    with lab.certificate_wanted(tmp_path, port, "-tls1_3" if newest else "-tls1_2"):
        (fact,) = await looked(PlatformProbe(FAMILY), service("tcp", port, ADDRESS, addresses=[ADDRESS]))
    assert isinstance(fact, ServiceAnswered)
    assert (fact.protocol, fact.access) == (protocol, UNKNOWN)
    assert fact.talk is Talk.CERTIFICATE


async def test_who_has_no_suite_for_us_asks_for_no_certificate(tmp_path: Path) -> None:
    with lab.certificate_wanted(tmp_path, 2376, "-tls1_2", "-cipher", "PSK-AES128-GCM-SHA256", "-psk", "00ff"):
        (fact,) = await looked(PlatformProbe(FAMILY), service("tcp", 2376, ADDRESS, addresses=[ADDRESS]))
    assert isinstance(fact, ServiceAnswered)
    assert fact.talk is Talk.OTHER


@pytest.mark.parametrize(("known", "expected"), [([], OPEN), (["MODALITY1"], REQUIRED)])
async def test_a_dicom_server_accepts_anybody_or_its_callers_and_hears_no_request(
    known: list[str], expected: Access
) -> None:
    heard: list[str] = []
    entity = AE(ae_title="PACS")
    entity.add_supported_context("1.2.840.10008.1.1")
    entity.require_calling_aet = known
    server = entity.start_server(
        (ADDRESS, 11112), block=False, evt_handlers=[(evt.EVT_C_ECHO, lambda e: heard.append("echo"))]
    )
    assert server
    try:
        (fact,) = await looked(DicomProbe(DicomSettings()), service("tcp", 11112, ADDRESS, addresses=[ADDRESS]))
    finally:
        server.shutdown()
    assert isinstance(fact, DicomAnswered)
    assert (fact.talk, fact.access) == (Talk.SPOKEN, expected)
    assert heard == []


@pytest.mark.parametrize(
    ("settings", "web", "dicom"),
    [
        # as it is unpacked, for whoever comes; its viewer is shown in clear
        ({}, [(rules.dicomweb_authentication, NOT_MET), (rules.viewer_encryption, NOT_MET)],
         [(rules.dicom_callers, NOT_MET), (rules.dicom_encryption, NOT_MET)]),
        # behind a log-in nothing shows what it is; who is called is checked, who calls is not told
        ({"AuthenticationEnabled": True, "RegisteredUsers": {"lab": "lab"}, "DicomCheckCalledAet": True}, [],
         [(rules.dicom_callers, UNDETERMINED)]),
    ],
    ids=["open", "kept"],
)  # fmt: skip
async def test_an_orthanc_is_read_and_judged_as_it_was_configured(
    tmp_path: Path, settings: dict[str, object], web: Verdicts, dicom: Verdicts
) -> None:
    with lab.orthanc(tmp_path, **settings):
        pages = await looked(HealthWebProbe(HealthWebSettings()), service("tcp", 8042, ADDRESS, addresses=[ADDRESS]))
        (association,) = await looked(DicomProbe(DicomSettings()), service("tcp", 4242, ADDRESS, addresses=[ADDRESS]))
    assert [judged(rule, association) for rule, _ in dicom] == [outcome for _, outcome in dicom]
    # an application that is another says nothing
    told = [{judged(rule, page) for page in pages} - {Outcome.NOT_APPLICABLE} for rule, _ in web]
    assert told == [{outcome} for _, outcome in web]
    assert bool(pages) is bool(web)


async def test_a_store_that_wants_a_certificate_within_tls_is_not_taken_for_nobody(tmp_path: Path) -> None:
    with lab.redis_tls(tmp_path, "yes"):
        (fact,) = await looked(DATABASE, service("tcp", 6379, ADDRESS, addresses=[ADDRESS]))
    assert isinstance(fact, ServiceAnswered)
    # whether the alert comes before the end of the connection is the server's affair
    assert fact.talk in {Talk.CERTIFICATE, Talk.CUT}


async def test_what_a_distribution_maintains_is_not_called_old_and_what_nobody_maintains_is(tmp_path: Path) -> None:
    where = service("tcp", 3306, ADDRESS, addresses=[ADDRESS])
    with lab.mariadb(tmp_path):
        (debian,) = await looked(DATABASE, where)
    greeting = b"\x0a5.7.44-log\0" + bytes(4) + b"saltsalt\0" + bytes(46)
    async with responding(ADDRESS, 3306, [len(greeting).to_bytes(4, "little") + greeting]):
        (old,) = await looked(DATABASE, where)
    (kept,), (left,) = software.build(record(debian)), software.build(record(old))
    assert isinstance(kept, SoftwareView)
    assert isinstance(left, SoftwareView)
    assert supported.judge(kept).outcome is not NOT_MET
    assert supported.judge(left).outcome is NOT_MET
