"""Rules on what can be reached from the Internet at all: each names a family of services that belongs inside."""

from __future__ import annotations

from collections.abc import Iterable

from probes.facts.services.answered import Talk
from probes.interface import Part, PortState
from rules.interface import Confidence, ObjectRef, Verdict, met, not_met, rule, undetermined
from rules.views.reach import Door, ReachView

#: What shows that a door is somebody else's: another protocol, or a connection closed without a word.
_NOT_IT = frozenset({Talk.OTHER, Talk.CLOSED})


def _shut(
    view: ReachView, ports: Iterable[int], protocols: Iterable[str] = (), *, kept_silence: bool = False
) -> Verdict:
    """Judge a family of ports: shut, open and confirmed, open and not confirmed, or not to be told.

    ``kept_silence`` says that silence is how these services greet: it then makes the finding probable.
    """
    wanted = frozenset(protocols)
    doors = view.at(ports)
    confirmed = [d for d in doors if any(p in wanted and t is Talk.SPOKEN for p, t in d.said)]
    opened = [d for d in doors if d.state is PortState.OPEN and d.address not in view.proxied]
    unsure = [d for d in opened if d not in confirmed and not _belongs_elsewhere(d, wanted)]
    if confirmed or unsure:
        silent = kept_silence and any(t is Talk.SILENT for d in unsure for _, t in d.said)
        doubt = Confidence.PROBABLE if silent else Confidence.INDICATIVE
        found = sorted({d.port for d in (*confirmed, *unsure)})
        return not_met(
            *(d.ref(_protocol(d, wanted)) for d in (*confirmed, *unsure)),
            confidence=None if confirmed else doubt,
            count=len(found),
            ports=", ".join(map(str, found)),
        )
    return _untold(view, doors, ports) or met()


def _untold(view: ReachView, doors: list[Door], ports: Iterable[int]) -> Verdict | None:
    """Why the absence of an open door is no proof, or None when it is one."""
    if any(d.state is PortState.OPEN and d.address in view.proxied for d in doors):
        return undetermined("answers-on-every-port")
    quiet = {PortState.FILTERED, PortState.UNREACHABLE}
    if any(d.state in quiet and d.address not in view.sang for d in doors):
        return undetermined("silent-without-canary")
    if frozenset(ports) - {d.port for d in doors}:
        return undetermined("port-not-asked")
    return None


def _belongs_elsewhere(door: Door, wanted: frozenset[str]) -> bool:
    own = [talk for protocol, talk in door.said if protocol in wanted]
    others = [talk for protocol, talk in door.said if protocol not in wanted and talk is Talk.SPOKEN]
    return bool(others) or (bool(own) and all(talk in _NOT_IT for talk in own))


def _protocol(door: Door, wanted: frozenset[str]) -> str:
    return next((p for p, t in door.said if p in wanted and t is Talk.SPOKEN), "")


@rule("remote-desktop-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def remote_desktop(view: ReachView) -> Verdict:
    """No remote desktop (RDP) answers."""
    return _shut(view, (3389,), ("rdp",))


@rule("file-sharing-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def file_sharing(view: ReachView) -> Verdict:
    """No file sharing of a local network (SMB, NFS, AFP, rsync, portmapper) answers."""
    return _shut(view, (111, 139, 445, 548, 873, 2049), ("smb", "rsync", "nfs", "portmapper"))


@rule("telnet-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def telnet(view: ReachView) -> Verdict:
    """No Telnet answers."""
    return _shut(view, (23, 2323), ("telnet",))


@rule("database-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def database(view: ReachView) -> Verdict:
    """No database answers."""
    protocols = (
        "postgresql", "mysql", "sql-server", "oracle", "mongodb", "redis", "memcached", "elasticsearch", "couchdb",
        "cassandra",
    )  # fmt: skip
    return _shut(view, (1433, 1521, 3050, 3306, 5432, 5984, 6379, 9042, 9200, 11211, 27017, 50000), protocols)


@rule("medical-protocol-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def medical_protocol(view: ReachView) -> Verdict:
    """No medical protocol (DICOM, HL7, integration engine) answers."""
    return _shut(
        view,
        (104, 1972, 2575, 2761, 2762, 4242, 6661, 8042, 8104, 11112, 11113, 52773),
        ("dicom", "hl7-mllp", "dicomweb", "fhir", "pacs-viewer", "integration-engine"),
        kept_silence=True,
    )


@rule("industrial-protocol-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def industrial_protocol(view: ReachView) -> Verdict:
    """No industrial protocol (S7, Modbus, IEC 104, OPC UA, DNP3, EtherNet/IP) answers; asking needs the mandate."""
    return _shut(view, (102, 502, 2404, 4840, 20000, 44818), ("modbus", "ethernet-ip", "s7", "opc-ua"))


@rule("remote-control-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def remote_control(view: ReachView) -> Verdict:
    """No screen sharing or remote maintenance (VNC, X11, pcAnywhere, TeamViewer, AnyDesk, ScreenConnect) answers."""
    return _shut(view, (5631, 5900, 5901, 5902, 5938, 6000, 7070, 8040), ("vnc", "x11"))


@rule("windows-administration-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def windows_administration(view: ReachView) -> Verdict:
    """No remote administration of Windows (WinRM, RPC endpoint mapper, NetBIOS) answers."""
    return _shut(view, (135, 139, 5985, 5986), ("rpc-endpoint-mapper", "smb", "winrm"))


@rule("directory-service-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def directory_service(view: ReachView) -> Verdict:
    """No directory (LDAP, LDAPS, global catalogue, Kerberos and its password changes) answers."""
    return _shut(view, (88, 389, 464, 636, 3268, 3269), ("kerberos", "ldap"))


@rule("platform-administration-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def platform_administration(view: ReachView) -> Verdict:
    """No administration of containers, clusters and application servers answers, whomever it obeys."""
    protocols = ("docker", "kubernetes", "kubelet", "etcd", "zookeeper", "ajp", "rmi")
    return _shut(view, (1099, 2181, 2375, 2376, 2379, 6443, 8009, 10250), protocols)


@rule("message-broker-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def message_broker(view: ReachView) -> Verdict:
    """No message broker or its console answers; MQTT in TLS (8883) is how devices outside are meant to come in."""
    return _shut(view, (1883, 5672, 8161), ("mqtt", "amqp"))


@rule("printer-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def printer(view: ReachView) -> Verdict:
    """No printing (LPD, IPP, raw) answers; it is only connected to, since what is sent there gets printed."""
    return _shut(view, (515, 631, 9100))


@rule("building-automation-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def building_automation(view: ReachView) -> Verdict:
    """No building automation (Niagara Fox, in clear and in TLS) answers; asking needs the mandate."""
    return _shut(view, (1911, 4911), ("fox",))


@rule("camera-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def camera(view: ReachView) -> Verdict:
    """No video stream (RTSP) answers."""
    return _shut(view, (554,), ("rtsp",))


@rule("telephony-not-reachable", reads=ReachView, part=Part.EXPOSURE)
def telephony(view: ReachView) -> Verdict:
    """No telephony in clear (SIP, H.323) answers; SIP in TLS (5061) is how federated gateways are meant to be met."""
    return _shut(view, (1720, 5060), ("sip",))


@rule("open-ports-are-told-apart", reads=ReachView, part=Part.EXPOSURE)
def told_apart(view: ReachView) -> Verdict:
    """No address accepts connections on nearly every port, which hides what stands behind it."""
    if view.proxied:
        addresses = sorted(view.proxied)
        return not_met(*(ObjectRef(id=one, name=one) for one in addresses), addresses=", ".join(addresses))
    opened = {d.address for d in view.doors if d.state is PortState.OPEN}
    others = {d.address for d in view.doors if d.state is not PortState.OPEN}
    # another tool's list may name the open ports alone: it cannot show that the others were not
    return undetermined("only-open-ports-listed") if opened - others else met()
