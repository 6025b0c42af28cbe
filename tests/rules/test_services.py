"""Rules on what is reached and whom it serves: met, not met, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probes.facts.ports import Canary, PortsSwept
from probes.facts.services.answered import (
    Access,
    BrokerAnswered,
    DatabaseAnswered,
    PlatformAnswered,
    ServiceAnswered,
    Talk,
)
from probes.facts.services.health import DicomAnswered, HealthWebAnswered
from probes.facts.services.industrial import Endpoint, IndustrialAnswered
from probes.facts.services.remote import RdpAnswered, SmbAnswered, VncAnswered
from probes.interface import Asset, AssetKind, Mandate, Observation, PortAnswer, PortState, Scope, Vantage
from rules.catalogue import reach, service
from rules.interface import Confidence, Outcome, Rule, Severity
from rules.subject import Perimeter, Record, Scan, Timeline
from rules.views.reach import Door, ReachView, reaches

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
ADDRESS = "192.0.2.1"
Swept = Observation[PortsSwept]
INSIDE = Vantage.INSIDE
OPEN, CLOSED, FILTERED = PortState.OPEN, PortState.CLOSED, PortState.FILTERED
SPOKEN, OTHER, SILENT = Talk.SPOKEN, Talk.OTHER, Talk.SILENT


def host(
    *said: tuple[str, Talk], ports: tuple[int, ...], state: PortState = OPEN, sang: bool = True, proxied: bool = False
) -> ReachView:
    doors = [Door(address=ADDRESS, port=ports[0], state=state, said=said)]
    doors += [Door(address=ADDRESS, port=port, state=CLOSED) for port in ports[1:]]
    return ReachView(
        asset=Asset(kind=AssetKind.HOST, name="www.ch.test"), seen_at=DAY, vantage=Vantage.INTERNET, evidence=("o",),
        doors=tuple(doors), sang=frozenset({ADDRESS} if sang else ()), proxied=frozenset({ADDRESS} if proxied else ()),
    )  # fmt: skip


FAMILIES: list[tuple[Rule, tuple[int, ...], str]] = [
    (reach.remote_desktop, (3389,), "rdp"),
    (reach.file_sharing, (445, 111, 139, 548, 873, 2049), "smb"),
    (reach.telnet, (23, 2323), "telnet"),
    (reach.database, (6379, 1433, 1521, 3050, 3306, 5432, 5984, 9042, 9200, 11211, 27017, 50000), "redis"),
    (reach.medical_protocol, (104, 1972, 2575, 2761, 2762, 4242, 6661, 8042, 8104, 11112, 11113, 52773), "dicom"),
    (reach.industrial_protocol, (502, 102, 2404, 4840, 20000, 44818), "modbus"),
    (reach.industrial_protocol, (102, 502, 2404, 4840, 20000, 44818), "s7"),
    (reach.industrial_protocol, (4840, 102, 502, 2404, 20000, 44818), "opc-ua"),
    (reach.remote_control, (5900, 5631, 5901, 5902, 5938, 6000, 7070, 8040), "vnc"),
    (reach.windows_administration, (5985, 135, 139, 5986), "winrm"),
    (reach.directory_service, (389, 88, 464, 636, 3268, 3269), "ldap"),
    (reach.platform_administration, (6443, 1099, 2181, 2375, 2376, 2379, 8009, 10250), "kubernetes"),
    (reach.message_broker, (1883, 5672, 8161), "mqtt"),
    (reach.printer, (9100, 515, 631), ""),
    (reach.building_automation, (1911, 4911), "fox"),
    (reach.camera, (554,), "rtsp"),
    (reach.telephony, (5060, 1720), "sip"),
]


@pytest.mark.parametrize(("rule", "ports", "protocol"), FAMILIES, ids=lambda v: v.id if isinstance(v, Rule) else "")
def test_a_family_is_shut_open_or_not_to_be_told(rule: Rule, ports: tuple[int, ...], protocol: str) -> None:
    assert rule.judge(host(ports=ports, state=CLOSED)).outcome is MET
    # silence is evidence while the canary sings, and none without it
    assert rule.judge(host(ports=ports, state=FILTERED)).outcome is MET
    assert rule.judge(host(ports=ports, state=FILTERED, sang=False)).outcome is UNDETERMINED
    # a machine in front that accepts everything hides what stands behind
    assert rule.judge(host(ports=ports, proxied=True)).outcome is UNDETERMINED
    assert rule.judge(host(ports=ports[:1], state=CLOSED)).outcome is (MET if len(ports) == 1 else UNDETERMINED)
    opened = rule.judge(host(ports=ports))
    assert (opened.outcome, opened.confidence) == (NOT_MET, Confidence.INDICATIVE)
    if protocol:
        confirmed = rule.judge(host((protocol, SPOKEN), ports=ports))
        assert (confirmed.outcome, confirmed.confidence) == (NOT_MET, None)
        # odd but healthy: another service lives at that port
        assert rule.judge(host((protocol, OTHER), ports=ports)).outcome is MET


def test_a_port_that_wants_a_certificate_may_be_what_it_is_meant_for() -> None:
    ports = next(ports for rule, ports, _ in FAMILIES if rule is reach.platform_administration)
    asked = reach.platform_administration.judge(host(("etcd", Talk.CERTIFICATE), ports=ports))
    assert (asked.outcome, asked.confidence) == (NOT_MET, Confidence.INDICATIVE)


def test_a_port_that_keeps_the_silence_of_hl7_is_probable() -> None:
    ports = FAMILIES[4][1]
    kept = reach.medical_protocol.judge(host(("hl7-mllp", SILENT), ports=(2575, *(p for p in ports if p != 2575))))
    assert (kept.outcome, kept.confidence) == (NOT_MET, Confidence.PROBABLE)


@pytest.mark.parametrize(
    ("rule", "meant"), [(reach.message_broker, 8883), (reach.telephony, 5061)], ids=lambda v: str(getattr(v, "id", v))
)
def test_the_encrypted_port_that_outsiders_are_meant_to_use_is_no_finding(rule: Rule, meant: int) -> None:
    shut = next(ports for family, ports, _ in FAMILIES if family is rule)
    assert rule.judge(host(ports=(meant, *shut))).outcome is MET


def test_an_address_that_accepts_everything_is_told() -> None:
    assert reach.told_apart.judge(host(ports=(80, 443))).outcome is MET
    assert reach.told_apart.judge(host(ports=(80,), state=CLOSED)).outcome is MET
    assert reach.told_apart.judge(host(ports=(80,), state=FILTERED, sang=False)).outcome is MET
    behind = reach.told_apart.judge(host(ports=(80, 443), proxied=True))
    assert (behind.outcome, dict(behind.values)) == (NOT_MET, {"addresses": ADDRESS})
    # another tool's list of open ports alone
    assert reach.told_apart.judge(host(ports=(80,))).outcome is UNDETERMINED


def swept(*answers: PortAnswer, canary: Canary, day: int = 24, vantage: Vantage = Vantage.INTERNET) -> Swept:
    where = Asset(kind=AssetKind.ADDRESS, name=ADDRESS)
    fact = PortsSwept(answers=answers, canaries=((ADDRESS, canary),))
    seen_at = DAY.replace(day=day)
    return Observation(id=f"o{day}{canary}", asset=where, fact=fact, seen_at=seen_at, probe="x@1", vantage=vantage)


def imported(*answers: tuple[int, PortState], day: int = 24) -> Swept:
    """Another tool's list, which knows no canary and tells no tries."""
    told = [PortAnswer(address=ADDRESS, port=port, state=state, tries=0, patience=0.0) for port, state in answers]
    return swept(*told, canary=Canary.NONE, day=day)


def ours(*answers: tuple[int, PortState], day: int = 24, canary: Canary = Canary.ANSWERED) -> Swept:
    told = [PortAnswer(address=ADDRESS, port=port, state=state, tries=2, patience=2.0) for port, state in answers]
    return swept(*told, canary=canary, day=day)


def seen_by(*sweeps: Swept) -> list[ReachView]:
    mandate = Mandate(
        reference="M", signatory="S", document_sha256="", valid_from=DAY.date(), valid_until=DAY.date(), level=0,
        scope=Scope(),
    )  # fmt: skip
    record = Record(
        scan=Scan(
            id="s", perimeter=Perimeter(id="p", name="P", unit="ej"), mandate=mandate, parts=(), level=0,
            state="complete", versions={}, config_digest="",
        ),
        assets=(sweeps[0].asset,), observations=sweeps, attempts=(), feeds={}, timeline=Timeline(),
        read_capture=lambda _: b"",
    )  # fmt: skip
    return [view for view in reaches.build(record) if isinstance(view, ReachView)]


def listed(*opened: int) -> ReachView:
    """What the view makes of another tool's list of open ports alone."""
    (found,) = seen_by(imported(*((port, OPEN) for port in opened)))
    return found


SHUT = ((554, CLOSED), (3389, CLOSED), (23, FILTERED), (2323, FILTERED))


@pytest.mark.parametrize(
    ("sweeps", "desktop", "telnet"),
    [
        # a full sweep of ours, and a list that names one port: what the list did not ask stays seen
        ([ours(*SHUT), imported((443, OPEN))], MET, MET),
        # the newest of two answers counts, whoever heard it
        ([ours(*SHUT, day=20), imported((3389, OPEN), day=24)], NOT_MET, MET),
        ([ours(*SHUT, day=24), imported((3389, OPEN), day=20)], MET, MET),
        # a later silence that nobody vouches for takes nothing back
        ([ours((3389, OPEN), day=20), imported((3389, FILTERED), day=24)], NOT_MET, UNDETERMINED),
        ([ours(*SHUT, day=20), imported((23, FILTERED), (2323, FILTERED), day=24)], MET, MET),
        # a silence that only the list saw is no evidence, though our canary sang elsewhere
        ([ours((3389, CLOSED)), imported((23, FILTERED), (2323, FILTERED))], MET, UNDETERMINED),
        ([ours(*SHUT, canary=Canary.LOST), imported((3389, CLOSED))], MET, UNDETERMINED),
    ],
)
def test_sweeps_of_one_host_are_read_together(sweeps: list[Swept], desktop: Outcome, telnet: Outcome) -> None:
    for order in (sweeps, sweeps[::-1]):
        (view,) = seen_by(*order)
        assert (reach.remote_desktop.judge(view).outcome, reach.telnet.judge(view).outcome) == (desktop, telnet)
        assert len(view.evidence) == len(sweeps)


def test_what_was_seen_from_inside_is_not_mixed_with_the_internet() -> None:
    inside = ours(*SHUT)
    outside = imported((3389, OPEN))
    views = seen_by(replace(inside, vantage=INSIDE), outside)
    assert {view.vantage: reach.remote_desktop.judge(view).outcome for view in views} == {
        Vantage.INTERNET: NOT_MET, INSIDE: MET,
    }  # fmt: skip


def test_an_imported_list_of_open_ports_is_judged_as_a_sweep() -> None:
    found = listed(443, 3389)
    opened = reach.remote_desktop.judge(found)
    assert (opened.outcome, opened.confidence, opened.values["ports"]) == (NOT_MET, Confidence.INDICATIVE, "3389")
    # what the list does not name was perhaps never asked
    assert reach.camera.judge(found).outcome is UNDETERMINED
    # more open ports than a host has: somebody in front accepts everything
    crowd = listed(*range(3300, 3401))
    assert reach.remote_desktop.judge(crowd).outcome is UNDETERMINED
    assert reach.told_apart.judge(crowd).outcome is NOT_MET


def rdp(tls: bool | None, old: bool | None, talk: Talk = SPOKEN) -> RdpAnswered:
    return RdpAnswered(address=ADDRESS, protocol="rdp", talk=talk, credssp=True, tls_alone=tls, old_security=old)


def smb(one: bool | None, talk: Talk = SPOKEN) -> SmbAnswered:
    return SmbAnswered(address=ADDRESS, protocol="smb", talk=talk, version_one=one)


def access(cls: type[ServiceAnswered], protocol: str, who: Access, talk: Talk = SPOKEN) -> ServiceAnswered:
    return cls(address=ADDRESS, protocol=protocol, talk=talk, access=who)


def spoken(cls: type[ServiceAnswered], protocol: str, tls: bool | None, talk: Talk = SPOKEN) -> ServiceAnswered:
    return cls(address=ADDRESS, protocol=protocol, talk=talk, encryption=tls)


ANYBODY, SOMEBODY, UNKNOWN = Access.OPEN, Access.REQUIRED, Access.UNKNOWN


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (service.rdp_authentication, rdp(False, False), MET),
        (service.rdp_authentication, rdp(True, False), NOT_MET),
        (service.rdp_authentication, rdp(False, True), NOT_MET),
        (service.rdp_authentication, rdp(None, False), UNDETERMINED),
        (service.rdp_authentication, rdp(None, None, OTHER), NOT_APPLICABLE),
        (service.smb_version_one, smb(False), MET),
        (service.smb_version_one, smb(True), NOT_MET),
        (service.smb_version_one, smb(None), UNDETERMINED),
        (service.smb_version_one, smb(None, Talk.CLOSED), NOT_APPLICABLE),
        (service.vnc_authentication, access(VncAnswered, "vnc", SOMEBODY), MET),
        (service.vnc_authentication, access(VncAnswered, "vnc", ANYBODY), NOT_MET),
        (service.vnc_authentication, access(VncAnswered, "vnc", UNKNOWN, SILENT), UNDETERMINED),
        (service.database_authentication, access(DatabaseAnswered, "redis", SOMEBODY), MET),
        (service.database_authentication, access(DatabaseAnswered, "redis", ANYBODY), NOT_MET),
        # a greeting does not tell whether a password is asked for
        (service.database_authentication, access(DatabaseAnswered, "mysql", UNKNOWN), UNDETERMINED),
        (service.database_authentication, access(DatabaseAnswered, "redis", UNKNOWN, OTHER), NOT_APPLICABLE),
        (service.platform_authentication, access(PlatformAnswered, "docker", ANYBODY), NOT_MET),
        (service.platform_authentication, access(PlatformAnswered, "kubernetes", SOMEBODY), MET),
        # nothing is said without the client's certificate
        (service.platform_authentication, access(PlatformAnswered, "docker", UNKNOWN, Talk.CERTIFICATE), MET),
        (service.platform_authentication, access(PlatformAnswered, "ajp", UNKNOWN), NOT_MET),
        (service.dicom_callers, access(DicomAnswered, "dicom", ANYBODY), NOT_MET),
        (service.dicom_callers, access(DicomAnswered, "dicom", SOMEBODY), MET),
        (service.dicom_callers, access(DicomAnswered, "dicom", UNKNOWN), UNDETERMINED),
        (service.dicomweb_authentication, access(HealthWebAnswered, "dicomweb", ANYBODY), NOT_MET),
        (service.dicomweb_authentication, access(HealthWebAnswered, "dicomweb", SOMEBODY), MET),
        (service.dicomweb_authentication, access(HealthWebAnswered, "pacs-viewer", UNKNOWN), NOT_APPLICABLE),
        (service.fhir_authentication, access(HealthWebAnswered, "fhir", ANYBODY), NOT_MET),
        (service.fhir_authentication, access(HealthWebAnswered, "fhir", SOMEBODY), MET),
        (service.database_encryption, spoken(DatabaseAnswered, "postgresql", True), MET),
        (service.database_encryption, spoken(DatabaseAnswered, "redis", False), NOT_MET),
        (service.database_encryption, spoken(DatabaseAnswered, "sql-server", None), UNDETERMINED),
        (service.database_encryption, spoken(DatabaseAnswered, "mysql", None, SILENT), UNDETERMINED),
        (service.database_encryption, spoken(DatabaseAnswered, "mysql", None, OTHER), NOT_APPLICABLE),
        (service.broker_encryption, spoken(BrokerAnswered, "mqtt", True), MET),
        (service.broker_encryption, spoken(BrokerAnswered, "amqp", False), NOT_MET),
        (service.broker_encryption, spoken(BrokerAnswered, "mqtt", None, Talk.CUT), UNDETERMINED),
        (service.broker_encryption, spoken(BrokerAnswered, "mqtt", None, Talk.CLOSED), NOT_APPLICABLE),
        (service.broker_authentication, access(BrokerAnswered, "mqtt", ANYBODY), NOT_MET),
        (service.broker_authentication, access(BrokerAnswered, "amqp", SOMEBODY), MET),
        # another version of AMQP, or an MQTT refusal for another reason than identity
        (service.broker_authentication, access(BrokerAnswered, "amqp", UNKNOWN), UNDETERMINED),
        (service.broker_authentication, access(BrokerAnswered, "mqtt", UNKNOWN, OTHER), NOT_APPLICABLE),
        (service.dicom_encryption, spoken(DicomAnswered, "dicom", True), MET),
        (service.dicom_encryption, spoken(DicomAnswered, "dicom", False), NOT_MET),
        (service.dicom_encryption, spoken(DicomAnswered, "dicom", None), UNDETERMINED),
        (service.dicom_encryption, spoken(DicomAnswered, "dicom", None, OTHER), NOT_APPLICABLE),
        (service.integration_engine, spoken(HealthWebAnswered, "integration-engine", True), NOT_MET),
        (service.integration_engine, spoken(HealthWebAnswered, "fhir", True), NOT_APPLICABLE),
        (service.viewer_encryption, spoken(HealthWebAnswered, "pacs-viewer", True), MET),
        (service.viewer_encryption, spoken(HealthWebAnswered, "pacs-viewer", False), NOT_MET),
        (service.viewer_encryption, spoken(HealthWebAnswered, "pacs-viewer", None), UNDETERMINED),
        (service.viewer_encryption, spoken(HealthWebAnswered, "dicomweb", False), NOT_APPLICABLE),
    ],
)
def test_a_service_is_judged_by_whom_it_serves_and_how(rule: Rule, fact: ServiceAnswered, expected: Outcome) -> None:
    where = Asset(kind=AssetKind.SERVICE, name=f"tcp/1@{ADDRESS}")
    seen = Observation(id="o", asset=where, fact=fact, seen_at=DAY, probe="x@1", vantage=Vantage.INTERNET)
    assert rule.judge(seen).outcome is expected


def opcua(*endpoints: tuple[str, str, str], talk: Talk = SPOKEN, protocol: str = "opc-ua") -> IndustrialAnswered:
    """Endpoints by mode, policy and log-ins."""
    offered = tuple(Endpoint(mode=m, policy=p, tokens=tuple(t.split(",")) if t else ()) for m, p, t in endpoints)
    return IndustrialAnswered(address=ADDRESS, protocol=protocol, talk=talk, endpoints=offered)


SECURE = ("SignAndEncrypt", "Basic256Sha256", "certificate,user-name")


@pytest.mark.parametrize(
    ("fact", "expected", "severity"),
    [
        (opcua(SECURE), MET, None),
        # odd but healthy: nobody can log in by the bare endpoint, which is there for discovery
        (opcua(("None", "None", ""), SECURE), MET, None),
        # what was withdrawn is kept for discovery only, too
        (opcua(("Sign", "Basic128Rsa15", ""), SECURE), MET, None),
        (opcua(("None", "None", "user-name"), SECURE), NOT_MET, None),
        (opcua(("None", "None", "anonymous"), SECURE), NOT_MET, Severity.HIGH),
        # anonymous, but by a certificate that the server must know first
        (opcua(("SignAndEncrypt", "Basic256Sha256", "anonymous")), MET, None),
        (opcua(("SignAndEncrypt", "Basic256", "user-name")), NOT_MET, Severity.LOW),
        (opcua(), UNDETERMINED, None),
        (opcua(talk=SILENT), UNDETERMINED, None),
        (opcua(talk=OTHER), NOT_APPLICABLE, None),
        (opcua(protocol="modbus"), NOT_APPLICABLE, None),
    ],
)
def test_an_opc_ua_server_opens_sessions_through_protected_channels_only(
    fact: IndustrialAnswered, expected: Outcome, severity: Severity | None
) -> None:
    where = Asset(kind=AssetKind.SERVICE, name=f"tcp/4840@{ADDRESS}")
    seen = Observation(id="o", asset=where, fact=fact, seen_at=DAY, probe="x@1", vantage=Vantage.INTERNET)
    verdict = service.opcua_security.judge(seen)
    assert (verdict.outcome, verdict.severity) == (expected, severity)
