"""What is planted on the ground and can be seen from outside, and which of it each tool's output shows.

The list was written before any output was read. Ports of Hygie's short list that are not among nmap's 1000 (redis,
memcached, MQTT, DICOM) are in it, and services without authentication, which `nmap -sV` hardly tells. A peer is given
credit wherever one of its outputs shows the thing, whether or not it calls it a fault; Hygie only where it tells it.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.ground.network import address
from bench.ground.servers import CLOSED, NAMES, OPEN, SERVED
from probes.facts.dns import Delegation
from probes.facts.mail.exchange import MailServer
from probes.facts.services.answered import ServiceAnswered, Talk
from probes.facts.tls import Acceptance, TlsProfile, Version
from probes.facts.web import WebOrigin
from probes.interface import AssetKind
from rules.interface import Outcome
from rules.judge import judge
from rules.registry import load
from rules.subject import Record
from scanner.store.store import open_store

#: What a tool showed: (subject, thing).
Shown = frozenset[tuple[str, str]]
NAMED, SERVICE, VERSION, CERTIFICATE, DNS, MAIL, OPENED, WEB = (
    "names", "services identified", "TLS versions of an endpoint", "certificates", "DNS", "SPF and DMARC",
    "services without authentication or protection", "web",
)  # fmt: skip
#: What the peers, run so, look for hardly or not at all.
OURS_ALONE = frozenset({WEB, OPENED})
_OLD, _NEW = ("TLS 1.0", "TLS 1.1", "TLS 1.2"), ("TLS 1.2", "TLS 1.3")
#: The versions of each TLS endpoint, by port and label of the open zone.
TLS: dict[tuple[str, int], tuple[str, ...]] = {
    ("www", 443): _NEW, ("rdv", 443): _NEW, ("pacs", 443): _OLD, ("vpn", 443): _NEW, ("admin", 443): _NEW,
    ("webmail", 443): _OLD, ("ris", 8443): _OLD, ("mx", 25): (*_OLD, "TLS 1.3"), ("mx", 587): (*_OLD, "TLS 1.3"),
    ("imap", 993): _NEW,
}  # fmt: skip
#: Faults by subject, with the rules of Hygie that may tell them and where (a name or an address).
FAULTS: dict[tuple[str, str], tuple[tuple[str, ...], str]] = {
    (CERTIFICATE, "www has expired"): (("certificate-current",), f"www.{OPEN}"),
    (CERTIFICATE, "rdv has another name"): (("certificate-names-the-service",), f"rdv.{OPEN}"),
    (CERTIFICATE, "admin signs itself"): (("certificate-not-self-signed",), f"admin.{OPEN}"),
    (CERTIFICATE, "pacs has RSA 1024"): (("certificate-key-large",), f"pacs.{OPEN}"),
    (DNS, "zone transfer granted to anybody"): (("dns-transfer-closed",), OPEN),
    (DNS, "private address published"): (("dns-no-private-addresses",), f"intranet.{CLOSED}"),
    (DNS, "zone served by one server"): (("dns-servers-on-two-networks",), CLOSED),
    (MAIL, "SPF ends in ?all"): (("mail-spf-closed",), OPEN),
    (MAIL, "SPF uses ptr"): (("mail-spf-without-ptr",), OPEN),
    (MAIL, "SPF includes what does not exist"): (("mail-spf-targets-exist", "mail-spf-valid"), OPEN),
    (MAIL, "DMARC asks for nothing"): (("mail-dmarc-enforced",), OPEN),
    (MAIL, "SPF ends in +all"): (("mail-spf-closed",), CLOSED),
    (MAIL, "SPF needs more than ten look-ups"): (("mail-spf-lookups-within-limit",), CLOSED),
    (MAIL, "no DMARC"): (("mail-dmarc-published",), CLOSED),
    (OPENED, "redis serves anybody"): (("database-authentication-required",), f"labo.{OPEN}"),
    (OPENED, "memcached serves anybody"): (("database-authentication-required",), address(3, 5)),
    (OPENED, "MQTT serves anybody"): (("broker-authentication-required",), address(3, 4)),
    (OPENED, "LDAP searched by anybody"): (("ldap-anonymous-search-refused",), address(2, 8)),
    (OPENED, "VNC without password"): (("vnc-authentication-required",), address(2, 5)),
    (OPENED, "SMB version 1"): (("smb-version-one-refused",), address(2, 6)),
    (OPENED, "RDP without network authentication"): (("rdp-network-authentication-required",), address(1, 10)),
    (OPENED, "SSH with group1 and MD5"): (("ssh-weak-algorithms-refused",), f"labo.{OPEN}"),
    (OPENED, "telnet"): (("telnet-not-reachable",), f"sauvegarde.{OPEN}"),
    (OPENED, "FTP in clear"): (("ftp-encryption-offered",), f"sauvegarde.{OPEN}"),
    (OPENED, "IMAP password in clear"): (("mail-client-access-encrypted", "mail-authentication-protected"),
                                         f"imap.{OPEN}"),
    (WEB, ".git published"): (("web-repository-closed",), f"www.{OPEN}"),
    (WEB, ".env published"): (("web-environment-file-closed",), f"www.{OPEN}"),
    (WEB, "clear text not redirected"): (("web-clear-text-redirects-to-tls",), f"www.{OPEN}"),
}  # fmt: skip


def planted() -> Shown:
    """Everything that is there to be seen."""
    things = {(NAMED, f"{label}.{zone}") for zone, labels in NAMES.items() for label in labels}
    things |= {(SERVICE, _service(at, port, kind)) for (at, port), kind in SERVED.items()}
    things |= {(VERSION, _versions(label, port, versions)) for (label, port), versions in TLS.items()}
    return frozenset(things | set(FAULTS))


def _service(at: str, port: int, kind: str) -> str:
    return f"{kind} tcp/{port} {at}"


def _versions(label: str, port: int, versions: Iterable[str]) -> str:
    return f"{label}:{port} {', '.join(sorted(versions))}"


def ours(path: Path) -> Shown:
    """What Hygie's stored scan shows: assets, facts, and findings that are not met."""
    with open_store(path) as store:
        record = store.record("latest")
        failing = [f for f in judge(record, load()) if f.outcome is Outcome.NOT_MET]
    shown = {(NAMED, a.name) for a in record.assets if a.kind is AssetKind.HOST}
    shown |= {(SERVICE, one) for one in _identified(record)} | {(VERSION, one) for one in _profiles(record)}
    for thing, (rules, place) in FAULTS.items():
        if any(f.rule in rules and _place(f.asset) == place for f in failing):
            shown.add(thing)
    return frozenset(shown) & planted()


def _place(asset: str) -> str:
    """The name or address in an asset's id."""
    return asset.rpartition("@")[2].rpartition(":")[2]


def _identified(record: Record) -> Iterable[str]:
    for observation in record.observations:
        fact, port = observation.fact, observation.asset.port or 0
        match fact:
            case ServiceAnswered() if fact.talk is Talk.SPOKEN:
                yield _service(fact.address, port, _KINDS.get(fact.protocol, fact.protocol))
            case WebOrigin():
                yield _service(fact.address, fact.port, "http")
            case MailServer() if fact.spoken:
                yield _service(fact.address, fact.port, fact.protocol)
            case Delegation():
                for server in fact.servers:
                    if server.tcp:
                        yield _service(server.address, 53, "dns")
            case _:
                pass


def _profiles(record: Record) -> Iterable[str]:
    for observation in record.observations:
        fact = observation.fact
        if isinstance(fact, TlsProfile):
            accepted = [v.version.value for v in fact.versions if v.state is Acceptance.ACCEPTED]
            if Version.SSL2.value not in accepted:
                yield _versions(observation.asset.host.partition(".")[0], observation.asset.port or 0, accepted)


#: Other words for the same service, in Hygie's facts and in nmap's.
_KINDS = {
    "ms-wbt-server": "rdp", "domain": "dns", "memcache": "memcached", "netbios-ssn": "smb", "microsoft-ds": "smb",
    "http-proxy": "http", "https": "http", "submission": "smtp", "imaps": "imap", "mosquitto": "mqtt",
    "postgres": "postgresql", "smtps": "smtp", "acr-nema": "dicom", "ldapssl": "ldap",
}  # fmt: skip


def theirs(folder: Path) -> Shown:
    """What the outputs of the four peers show together."""
    shown = {(NAMED, one) for one in _dnsrecon_names(folder)} | set(_nmap(folder)) | set(_sslyze(folder))
    shown |= _dns_faults(folder) | _mail_faults(json.loads((folder / "checkdmarc.json").read_text()))
    return frozenset(shown) & planted()


def _nmap(folder: Path) -> Iterable[tuple[str, str]]:
    for host in ET.parse(folder / "nmap.xml").getroot().iter("host"):
        at = next(str(a.get("addr")) for a in host.iter("address") if a.get("addrtype") == "ipv4")
        for port in host.iter("port"):
            service = port.find("service")
            if service is None or service.get("method") != "probed":
                continue
            name, number = str(service.get("name")), int(str(port.get("portid")))
            kind = _KINDS.get(name, name)
            yield SERVICE, _service(at, number, kind)
            # A version that only an unauthenticated session tells, or a service that is a fault by being there.
            for fault in _TOLD.get((at, kind), ()):
                if fault == "telnet" or service.get("version"):
                    yield OPENED, fault


_TOLD = {
    (address(0, 10), "redis"): ("redis serves anybody",),
    (address(3, 5), "memcached"): ("memcached serves anybody",),
    (address(3, 4), "mqtt"): ("MQTT serves anybody",),
    (address(0, 12), "telnet"): ("telnet",),
}


def _sslyze(folder: Path) -> Iterable[tuple[str, str]]:
    for path in (folder / "sslyze-web.json", folder / "sslyze-mail.json"):
        for server in json.loads(path.read_text())["server_scan_results"]:
            result, where = server["scan_result"], server["server_location"]
            if result is None:
                continue
            label = where["hostname"].partition(".")[0]
            accepted = [v for key, v in _VERSIONS.items() if result[key]["result"]["accepted_cipher_suites"]]
            yield VERSION, _versions(label, where["port"], accepted)
            for deployment in result["certificate_info"]["result"]["certificate_deployments"]:
                yield from _certificate(label, deployment)


_VERSIONS = {
    "ssl_3_0_cipher_suites": "SSL 3.0", "tls_1_0_cipher_suites": "TLS 1.0", "tls_1_1_cipher_suites": "TLS 1.1",
    "tls_1_2_cipher_suites": "TLS 1.2", "tls_1_3_cipher_suites": "TLS 1.3",
}  # fmt: skip


def _certificate(label: str, deployment: dict[str, Any]) -> Iterable[tuple[str, str]]:
    leaf = deployment["received_certificate_chain"][0]
    names = leaf["subject_alternative_name"]["dns_names"]
    untrusted = not any(one["was_validation_successful"] for one in deployment["path_validation_results"])
    told = {
        "www has expired": label == "www" and untrusted,
        "rdv has another name": label == "rdv" and f"rdv.{OPEN}" not in names,
        "admin signs itself": label == "admin" and leaf["subject"] == leaf["issuer"],
        "pacs has RSA 1024": label == "pacs" and leaf["public_key"]["key_size"] == 1024,
    }
    return [(CERTIFICATE, thing) for thing, seen in told.items() if seen]


def _dnsrecon_names(folder: Path) -> set[str]:
    return {
        str(entry[key]).rstrip(".").lower()
        for zone in NAMES
        for entry in json.loads((folder / f"dnsrecon-{zone}.json").read_text())
        for key in ("name", "target", "exchange", "mname")
        if key in entry
    }


def _dns_faults(folder: Path) -> set[tuple[str, str]]:
    entries = json.loads((folder / f"dnsrecon-{CLOSED}.json").read_text())
    told = {
        "private address published": any(entry.get("address") == NAMES[CLOSED]["intranet"] for entry in entries),
        "zone served by one server": len({e.get("target") for e in entries if e.get("type") == "NS"}) == 1,
        "zone transfer granted to anybody": any(
            entry.get("zone_transfer") == "success"
            for entry in json.loads((folder / f"dnsrecon-{OPEN}.json").read_text())
        ),
    }
    return {(DNS, thing) for thing, seen in told.items() if seen}


def _mail_faults(domains: list[dict[str, Any]]) -> set[tuple[str, str]]:
    by_name = {str(one["domain"]): one for one in domains}
    first, second = by_name[OPEN], by_name[CLOSED]
    told = {
        "SPF ends in ?all": "?all" in json.dumps(first["spf"]),
        "SPF uses ptr": "ptr" in json.dumps([first["spf"].get("warnings"), first["spf"].get("error")]),
        "SPF includes what does not exist": "absent.test" in str(first["spf"].get("error", "")),
        "DMARC asks for nothing": '"p": {"value": "none"' in json.dumps(first["dmarc"]),
        "SPF ends in +all": "+all" in json.dumps(second["spf"]),
        "SPF needs more than ten look-ups": "10" in str(second["spf"].get("error", "")),
        "no DMARC": not second["dmarc"].get("record"),
    }
    return {(MAIL, thing) for thing, seen in told.items() if seen}
