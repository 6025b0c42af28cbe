"""Rules on how a service that is reached behaves: whom it serves, and with what protection."""

from __future__ import annotations

from probes.facts.services.answered import (
    Access,
    BrokerAnswered,
    DatabaseAnswered,
    PlatformAnswered,
    Talk,
)
from probes.facts.services.health import DicomAnswered, HealthWebAnswered
from probes.facts.services.industrial import Endpoint, IndustrialAnswered
from probes.facts.services.remote import (
    RdpAnswered,
    SmbAnswered,
    VncAnswered,
)  # fmt: skip
from probes.interface import Observation
from rules.interface import Severity, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.spoken import encrypted, identity_asked, unspoken


@rule("rdp-network-authentication-required", reads=RdpAnswered)
def rdp_authentication(seen: Observation[RdpAnswered]) -> Verdict:
    """Remote desktop asks who one is before it shows its log-on screen (NLA, MS-RDPBCGR 5.4.5.2)."""
    fact = seen.fact
    if (verdict := unspoken(fact)) is not None:
        return verdict
    if fact.tls_alone or fact.old_security:
        return not_met(ways="TLS" if fact.tls_alone else "RDP")
    return met() if fact.tls_alone is False and fact.old_security is False else undetermined("negotiation-not-told")


@rule("smb-version-one-refused", reads=SmbAnswered)
def smb_version_one(seen: Observation[SmbAnswered]) -> Verdict:
    """SMBv1 is not spoken (MS17-010)."""
    if seen.fact.version_one:
        return not_met()
    return unspoken(seen.fact) or (met() if seen.fact.version_one is False else undetermined("version-not-told"))


@rule("vnc-authentication-required", reads=VncAnswered)
def vnc_authentication(seen: Observation[VncAnswered]) -> Verdict:
    """A shared screen asks for a password (RFC 6143 7.2.1)."""
    return identity_asked(seen.fact)


@rule("database-authentication-required", reads=DatabaseAnswered)
def database_authentication(seen: Observation[DatabaseAnswered]) -> Verdict:
    """A database serves nobody who shows no identity."""
    return identity_asked(seen.fact)


@rule("platform-authentication-required", reads=PlatformAnswered)
def platform_authentication(seen: Observation[PlatformAnswered]) -> Verdict:
    """Containers, clusters and application servers obey nobody who shows no identity."""
    fact = seen.fact
    if fact.protocol in {"zookeeper", "ajp", "rmi"} and fact.talk is Talk.SPOKEN:
        # These protocols have no log-in of their own to speak of: whoever reaches them is obeyed.
        return not_met(severity=Severity.HIGH, protocol=fact.protocol, product=fact.product)
    return identity_asked(fact)


@rule("dicom-unknown-callers-refused", reads=DicomAnswered)
def dicom_callers(seen: Observation[DicomAnswered]) -> Verdict:
    """An imaging server accepts only the callers it knows; even then it belongs behind a tunnel."""
    fact = seen.fact
    if fact.access is Access.OPEN:
        return not_met(implementation=fact.implementation or "DICOM")
    if fact.access is Access.REQUIRED:
        return met()
    return unspoken(fact) or undetermined("access-not-told")


def _health_web(fact: HealthWebAnswered, protocol: str) -> Verdict:
    if fact.protocol != protocol:
        return not_applicable("another-application")
    if fact.access is Access.UNKNOWN:
        return undetermined(f"status:{fact.status}")
    return met() if fact.access is Access.REQUIRED else not_met(product=fact.product, path=fact.path.partition("?")[0])


@rule("dicomweb-authentication-required", reads=HealthWebAnswered)
def dicomweb_authentication(seen: Observation[HealthWebAnswered]) -> Verdict:
    """Studies are not searched by a caller without identity."""
    return _health_web(seen.fact, "dicomweb")


@rule("fhir-authentication-required", reads=HealthWebAnswered)
def fhir_authentication(seen: Observation[HealthWebAnswered]) -> Verdict:
    """Patients are not searched by a caller without identity; the capability statement may be public."""
    return _health_web(seen.fact, "fhir")


@rule("database-encryption-offered", reads=DatabaseAnswered)
def database_encryption(seen: Observation[DatabaseAnswered]) -> Verdict:
    """A database offers TLS: without it passwords and records travel in clear."""
    return encrypted(seen.fact)


@rule("broker-encryption-used", reads=BrokerAnswered)
def broker_encryption(seen: Observation[BrokerAnswered]) -> Verdict:
    """A message broker is spoken to within TLS."""
    return encrypted(seen.fact)


@rule("broker-authentication-required", reads=BrokerAnswered)
def broker_authentication(seen: Observation[BrokerAnswered]) -> Verdict:
    """A message broker takes nobody who shows no identity (MQTT 3.1.1 3.2.2.3, SASL's ANONYMOUS)."""
    return identity_asked(seen.fact)


@rule("dicom-encryption-used", reads=DicomAnswered)
def dicom_encryption(seen: Observation[DicomAnswered]) -> Verdict:
    """Images are exchanged within TLS (PS3.15 B.9 and B.12)."""
    return encrypted(seen.fact)


@rule("integration-engine-console-not-reachable", reads=HealthWebAnswered)
def integration_engine(seen: Observation[HealthWebAnswered]) -> Verdict:
    """The console of an integration engine is not shown, even behind a log-in."""
    fact = seen.fact
    if fact.protocol != "integration-engine":
        return not_applicable("another-application")
    return not_met(product=fact.product)


@rule("health-viewer-encrypted", reads=HealthWebAnswered)
def viewer_encryption(seen: Observation[HealthWebAnswered]) -> Verdict:
    """A viewer of medical images is shown within TLS only."""
    fact = seen.fact
    return encrypted(fact) if fact.protocol == "pacs-viewer" else not_applicable("another-application")


#: Policies that rest on SHA-1, withdrawn from OPC 10000-7 in its version 1.04 (2017).
_WITHDRAWN = frozenset({"Basic128Rsa15", "Basic256"})


@rule("opc-ua-security-required", reads=IndustrialAnswered)
def opcua_security(seen: Observation[IndustrialAnswered]) -> Verdict:
    """Nobody logs in to an OPC UA server by an unsigned channel; an endpoint without log-in is for discovery only."""
    fact = seen.fact
    if fact.protocol != "opc-ua":
        return not_applicable("another-protocol")
    if (verdict := unspoken(fact)) is not None:
        return verdict
    if not fact.endpoints:
        return undetermined("endpoints-not-told")
    name = fact.product or "OPC UA"
    bare = [e for e in fact.endpoints if e.tokens and "None" in {e.mode, e.policy}]
    if bare:
        anonymous = any("anonymous" in e.tokens for e in bare)
        return not_met(severity=Severity.HIGH if anonymous else None, product=name, endpoints=_listed(bare))
    old = [e for e in fact.endpoints if e.tokens and e.policy in _WITHDRAWN]
    return not_met(severity=Severity.LOW, product=name, endpoints=_listed(old)) if old else met()


def _listed(endpoints: list[Endpoint]) -> str:
    return "; ".join(f"{e.mode}/{e.policy} ({', '.join(e.tokens)})" for e in endpoints[:8])
