"""What rules on services share: what is concluded from whether the protocol was spoken, and from whom it served."""

from __future__ import annotations

from probes.facts.services.answered import Access, ServiceAnswered, Talk
from rules.interface import Verdict, met, not_applicable, not_met, undetermined


def unspoken(fact: ServiceAnswered) -> Verdict | None:
    """Return what to say of a service that did not speak its protocol, None when it did."""
    if fact.talk is Talk.SPOKEN:
        return None
    quiet = fact.talk in {Talk.SILENT, Talk.CUT}
    return undetermined(fact.talk.value) if quiet else not_applicable("protocol-not-spoken")


def identity_asked(fact: ServiceAnswered) -> Verdict:
    """Judge that nobody is served without showing who they are; a certificate that TLS asks for shows it."""
    if fact.talk is Talk.CERTIFICATE:
        return met()
    if fact.access is Access.UNKNOWN:
        return unspoken(fact) or undetermined("access-not-told")
    if fact.access is Access.REQUIRED:
        return met()
    return not_met(protocol=fact.protocol, product=fact.product or fact.protocol)


def encrypted(fact: ServiceAnswered) -> Verdict:
    """Judge that what is said can be encrypted."""
    if (verdict := unspoken(fact)) is not None:
        return verdict
    if fact.encryption is None:
        return undetermined("encryption-not-told")
    return met() if fact.encryption else not_met(protocol=fact.protocol, product=fact.product or fact.protocol)
