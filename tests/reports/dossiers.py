"""Fictitious dossiers for the reports: a small one with everything in it, and large ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from probes.interface import Asset, AssetKind, Attempt, Mandate, Part, Reason, Scope, Status, Vantage, service
from reports.dossier import Dossier, Judgement, SeenAsset
from rules.criteria import (
    ControlWindow,
    CriterionResult,
    CriterionStatus,
    EvidenceState,
    EvidenceWanted,
    Measured,
    ObjectiveResult,
    Standing,
    Text,
    WindowState,
)
from rules.history import Course, FindingHistory, Trend
from rules.interface import Card, Confidence, Effort, Finding, Maturity, ObjectRef, Outcome, Severity, Words
from rules.levels import DirectoryLevel, Interval, Step
from rules.subject import Attestation, Establishment, Perimeter, Scan, ScanPart, Timeline, Waiver

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
BEFORE = NOW - timedelta(days=49)
FOREST, DOMAIN = "forest:valmorel.local", "ad-domain:valmorel.local"
WWW, PACS = "service:tcp/443@www.ch-valmorel.test", "service:tcp/443@pacs.ch-valmorel.test"

#: Texts as a hostile server could send them, one for each kind of sink.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=http://192.0.2.66/x onerror=alert(2)>',
    "</style></title><svg onload=alert(3)>",
    "{{ 7*7 }}{% for x in y %}",
    '=HYPERLINK("http://192.0.2.66")',
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\tcell",
    "\rcell",
    '#read("/etc/passwd") #panic() $x$ *b* _i_ `c` @ref <label> \\',
    "\x1b[31mrouge\x1b]0;titre\x07",
    "\u202egnp.exe",
    "javascript:alert(4)",
    "https://192.0.2.66/",
    "\ud800 lone \ufeff",
)


def card(rule: str, title: str, severity: Severity = Severity.HIGH, **other: object) -> Card:
    """A card with words in both languages."""
    values: dict[str, object] = {
        "confidence": Confidence.CONFIRMED,
        "maturity": Maturity.STABLE,
        "effort": Effort.LOW,
        "since": "0.1.0",
        "references": ("RFC 9325 4.1",),
    } | other
    return Card(
        rule=rule,
        severity=severity,
        fr=Words(
            title=title,
            why="Un attaquant peut s'en servir : c'est un risque réel.",
            remedy="Ouvrir la console, puis lancer `nltest /dsgetdc:DOMAINE`.\nRelancer ensuite le service.",
            again="`openssl s_client -connect NOM:443 </dev/null` doit afficher « ok ».",
            found="Valeur lue : {seen}.",
        ),
        en=Words(
            title=f"{title} (en)",
            why="An attacker can use it: the risk is real.",
            remedy="Open the console, then run `nltest /dsgetdc:DOMAIN`.\nRestart the service afterwards.",
            again='`openssl s_client -connect NAME:443 </dev/null` must print "ok".',
            found="Value read: {seen}.",
        ),
        **values,  # type: ignore[arg-type]  # the fields of a card, by name
    )


CARDS: Mapping[str, Card] = {
    c.rule: c
    for c in (
        card("certificate-current", "Le certificat est en cours de validité"),
        card("tls-modern-version-offered", "TLS 1.2 ou 1.3 est proposé", Severity.CRITICAL, effort=Effort.MEDIUM),
        card("web-hsts-present", "Le site impose HTTPS", Severity.LOW),
        card("mail-dmarc-published", "Une politique DMARC est publiée", Severity.MEDIUM),
        card(
            "directory-krbtgt-renewed",
            "Le mot de passe de krbtgt est renouvelé",
            control="vuln_krbtgt",
            levels=(2,),
            effort=Effort.MEDIUM,
        ),
        card(
            "directory-dangerous-rights-absent",
            "Aucun droit dangereux sur AdminSDHolder",
            Severity.CRITICAL,
            control="vuln_permissions_adminsdholder",
            levels=(1,),
            effort=Effort.HIGH,
        ),
        card("directory-guest-disabled", "Le compte Invité est désactivé", control="vuln_guest", levels=(2,)),
    )
}


def finding(rule: str, asset: str, outcome: Outcome = Outcome.NOT_MET, **other: object) -> Finding:
    """A finding of a card above."""
    of = CARDS[rule]
    part = Part.DIRECTORY if of.control else Part.EXPOSURE
    values: dict[str, object] = {
        "reason": "",
        "severity": of.severity,
        "confidence": of.confidence,
        "maturity": of.maturity,
        "levels": of.levels if outcome is not Outcome.MET else (),
        "open_levels": (),
        "values": {"seen": "TLS 1.0"},
        "objects": (),
        "evidence": (hashlib.sha256(f"{rule} {asset}".encode()).hexdigest(),),
        "vantage": Vantage.INSIDE if part is Part.DIRECTORY else Vantage.INTERNET,
        "first_seen": BEFORE,
        "last_seen": NOW,
    } | other
    return Finding(
        rule=rule,
        family=rule.partition("-")[0],
        check="",
        control=of.control,
        asset=asset,
        outcome=outcome,
        fingerprint=fingerprint(rule, asset),
        part=part,
        seen_at=NOW,
        **values,  # type: ignore[arg-type]  # the fields of a finding, by name
    )


def fingerprint(rule: str, asset: str) -> str:
    """The identity of a finding."""
    return hashlib.sha256(f"{rule}\n{asset}".encode()).hexdigest()[:32]


def objects(count: int) -> tuple[ObjectRef, ...]:
    """Accounts of a domain."""
    return tuple(
        ObjectRef(
            id=f"S-1-5-21-1-2-3-{1100 + i}", name=f"compte{i}", dn=f"CN=compte{i},OU=Services,DC=valmorel,DC=local"
        )
        for i in range(count)
    )


def small(banner: str = "TLS 1.0") -> Dossier:
    """A dossier with every kind of content; ``banner`` is what a server said."""
    findings = (
        finding("certificate-current", WWW, values={"seen": "2026-11-12"}),
        finding("certificate-current", PACS, Outcome.MET),
        finding(
            "directory-dangerous-rights-absent", DOMAIN, values={"seen": banner}, objects=objects(60), first_seen=NOW
        ),
        finding("directory-guest-disabled", DOMAIN, Outcome.UNDETERMINED, reason="attribute-not-readable"),
        finding("directory-krbtgt-renewed", DOMAIN, values={"seen": "412"}, waiver="D-2026-1"),
        finding("mail-dmarc-published", "domain:ch-valmorel.test", Outcome.MET),
        finding("tls-modern-version-offered", PACS, values={"seen": banner}),
        finding("tls-modern-version-offered", WWW, Outcome.UNDETERMINED, reason="timed-out"),
        finding("web-hsts-present", WWW, Outcome.NOT_APPLICABLE, reason="inherited"),
        finding("web-hsts-present", PACS, values={"seen": banner}),
    )
    assets = (
        Asset(kind=AssetKind.DOMAIN, name="ch-valmorel.test"),
        service("tcp", 443, "www.ch-valmorel.test", addresses=("192.0.2.10",), found_by="domain:ch-valmorel.test"),
        service("tcp", 443, "pacs.ch-valmorel.test", addresses=("192.0.2.11",), found_by="domain:ch-valmorel.test"),
        Asset(kind=AssetKind.FOREST, name="valmorel.local"),
        Asset(kind=AssetKind.AD_DOMAIN, name="valmorel.local", found_by=FOREST),
    )
    outside = Asset(kind=AssetKind.HOST, name="cdn.exemple.test", found_by="domain:ch-valmorel.test")
    return Dossier(
        scan=_scan(),
        judgement=Judgement(
            id="0f" * 16,
            made_at=NOW,
            catalogue_digest="ca" * 32,
            feeds={"end-of-support": (date(2026, 11, 1), "fe" * 32)},
            sets={"care-d1@2024": "5e" * 32},
            timeline_digest="71" * 32,
        ),
        assets=(*(_seen(a, in_scope=True) for a in assets), _seen(outside, in_scope=False)),
        attempts=_attempts(banner),
        findings=findings,
        directory=(
            DirectoryLevel(
                asset=FOREST,
                level=Interval(guaranteed=1, best=1),
                evaluated=("vuln_krbtgt", "vuln_permissions_adminsdholder"),
                not_evaluated=("vuln_guest",),
                failing=(("vuln_krbtgt", 2), ("vuln_permissions_adminsdholder", 1)),
                steps=(
                    Step(
                        point="vuln_permissions_adminsdholder",
                        level=1,
                        failing=True,
                        objects=60,
                        rules=("directory-dangerous-rights-absent",),
                        assets=(DOMAIN,),
                        reason="",
                    ),
                    Step(
                        point="vuln_certificates_vuln",
                        level=1,
                        failing=False,
                        objects=0,
                        rules=(),
                        assets=(),
                        reason="not-judged",
                    ),
                ),
            ),
        ),
        exposure=Interval(guaranteed=1, best=2),
        criteria=_criteria(),
        objectives=_objectives(),
        timeline=Timeline(),
        history=_history(),
        trends=_trends(),
        attestations=(
            Attestation(
                id="ATT-1",
                type="ads",
                issuer="ANSSI",
                dated=date(2026, 10, 2),
                document_sha256="ab" * 32,
                values={"level": 2},
                perimeter="ch-valmorel",
                page="3",
            ),
        ),
        waivers=(
            Waiver(
                id="D-2026-1",
                fingerprint=fingerprint("directory-krbtgt-renewed", DOMAIN),
                reason="Renouvellement prévu avec la migration de janvier",
                owner="RSSI",
                granted_at=BEFORE,
                expires=date(2027, 1, 31),
            ),
        ),
    )


def large(assets: int, findings: int) -> tuple[Dossier, Mapping[str, Card]]:
    """A dossier of many assets and findings over a hundred rules, and its cards."""
    cards = {f"rule-{i:03}": replace(CARDS["certificate-current"], rule=f"rule-{i:03}") for i in range(100)}
    of = small()
    services = [service("tcp", 443, f"h{i:03}.ch-valmorel.test", addresses=("192.0.2.1",)) for i in range(assets)]
    outcomes = (Outcome.NOT_MET, Outcome.MET, Outcome.NOT_MET, Outcome.UNDETERMINED)
    template = of.findings[0]
    many = tuple(
        replace(
            template,
            rule=f"rule-{i % 100:03}",
            asset=services[(i // 100) % assets].id,
            outcome=outcomes[i % 4 if i % 3 else 0],
            severity=list(Severity)[i % 5],
            fingerprint=fingerprint(str(i), ""),
            objects=objects(3) if i % 7 == 0 else (),
        )
        for i in range(findings)
    )
    return replace(of, findings=many, assets=tuple(_seen(a, in_scope=True) for a in services)), cards


def _scan() -> Scan:
    parts = (
        ScanPart(
            kind=Part.EXPOSURE, box="b1", vantage=Vantage.INTERNET, started_at=NOW, ended_at=NOW + timedelta(minutes=9)
        ),
        ScanPart(
            kind=Part.DIRECTORY, box="b2", vantage=Vantage.INSIDE, started_at=BEFORE + timedelta(days=48), ended_at=None
        ),
    )
    return Scan(
        id="20261124T093000-abcdef",
        perimeter=Perimeter(
            id="ch-valmorel",
            name="Centre hospitalier de Valmorel (fictif)",
            unit="ej",
            region="84",
            ght="GHT des Cimes",
            members=(Establishment(finess="730000015", name="CH de Valmorel", category="355", region="84"),),
            digest="9e" * 32,
        ),
        mandate=Mandate(
            reference="M-2026-7",
            signatory="La directrice",
            document_sha256="d0" * 32,
            valid_from=date(2026, 1, 1),
            valid_until=date(2026, 12, 31),
            level=2,
            scope=Scope(domains=("ch-valmorel.test",)),
        ),
        parts=parts,
        level=2,
        state="complete",
        versions={"hygie": "0.1.0"},
        config_digest="c0" * 32,
    )


def _seen(asset: Asset, *, in_scope: bool) -> SeenAsset:
    inside = asset.kind in {AssetKind.FOREST, AssetKind.AD_DOMAIN}
    return SeenAsset(asset=asset, in_scope=in_scope, vantage="inside" if inside else "internet")


def _attempts(banner: str) -> tuple[Attempt, ...]:
    def attempt(probe: str, asset: str, status: Status, reason: Reason, detail: str = "") -> Attempt:
        return Attempt(
            probe=probe, asset=asset, status=status, reason=reason, started_at=NOW, ended_at=NOW, detail=detail
        )

    return (
        attempt("dns@1", "domain:ch-valmorel.test", Status.COMPLETED, Reason.NONE),
        attempt("tls@1", WWW, Status.FAILED, Reason.TIMED_OUT, banner),
        attempt("tls@1", PACS, Status.COMPLETED, Reason.NONE),
        attempt("ports@1", "host:cdn.exemple.test", Status.SKIPPED, Reason.OUT_OF_SCOPE, "not in the mandate"),
        attempt("nmap@1", WWW, Status.SKIPPED, Reason.MISSING_TOOL, "nmap is not installed"),
    )


def _criteria() -> tuple[CriterionResult, ...]:
    def text(fr: str, en: str = "") -> Text:
        return Text(fr=fr, en=en or fr)

    wanted = EvidenceWanted(
        fr="Rapport d'audit d'exposition",
        en="Exposure audit report",
        types=("silene",),
        count=2,
        status=Standing.UNVERIFIED,
    )
    level = CriterionResult(
        set="care-d1",
        version="2024",
        digest="5e" * 32,
        objective="expo",
        indicator="expo.level",
        code="D1.O2.B",
        code_status=Standing.OFFICIAL,
        label=text("Niveau minimum de sécurisation, maintenu dans le temps", "Minimum level, held over time"),
        label_status=Standing.OFFICIAL,
        mandatory=True,
        mandatory_status=Standing.UNVERIFIED,
        helper=False,
        status=CriterionStatus.NOT_EVALUATED,
        reason="target-unread",
        told=text("La cible n'a pas été lue dans un texte officiel.", "Nobody read the target in an official text."),
        measured=text("1 à 2", "1 to 2"),
        target=text("non lue", "not read"),
        target_status=Standing.UNVERIFIED,
        target_source="S1",
        entered_by="",
        entered_on=None,
        coverage=text("8 règles sur 10", "8 rules of 10"),
        measures=(
            Measured(by="hygie", value=text("1 à 2", "1 to 2"), dated=NOW.date(), reference="scan", decides=False),
        ),
        evidence=(EvidenceState(wanted=wanted, present=("ATT-0",)),),
        window=ControlWindow(
            by="silene",
            first=date(2026, 11, 24),
            opens=date(2027, 1, 8),
            closes=date(2027, 1, 23),
            state=WindowState.UPCOMING,
        ),
        findings=(fingerprint("certificate-current", WWW),),
    )
    helper = replace(
        level,
        indicator="expo.open_critical",
        code="",
        label=text("Constats critiques ouverts", "Open critical findings"),
        mandatory=False,
        helper=True,
        status=CriterionStatus.NOT_MET,
        reason="above-target",
        told=text("Un constat critique est ouvert.", "One critical finding is open."),
        measured=text("1"),
        target=text("0"),
        target_status=Standing.OURS,
        evidence=(),
        window=None,
    )
    audit = replace(
        helper,
        objective="ad",
        indicator="ad.audit",
        label=text("Audit de l'annuaire technique", "Audit of the technical directory"),
        mandatory=True,
        helper=False,
        status=CriterionStatus.MET,
        told=text("Un rapport ADS est attaché.", "An ADS report is attached."),
        target=text("1"),
    )
    return (level, helper, audit)


def _objectives() -> tuple[ObjectiveResult, ...]:
    exposure = ObjectiveResult(
        set="care-d1",
        version="2024",
        digest="5e" * 32,
        set_label=Text(fr="CaRE Domaine 1", en="CaRE domain 1"),
        draft=False,
        objective="expo",
        label=Text(fr="Maîtriser l'exposition sur Internet", en="Control Internet exposure"),
        label_status=Standing.OFFICIAL,
        status=CriterionStatus.NOT_EVALUATED,
        reason="target-unread",
        told=Text(fr="Une cible n'a pas été lue.", en="A target was not read."),
        indicators=("expo.level", "expo.open_critical"),
    )
    directory = replace(
        exposure,
        objective="ad",
        label=Text(fr="Maîtriser l'annuaire technique", en="Control the technical directory"),
        status=CriterionStatus.PARTIAL,
        told=Text(fr="Un indicateur sur deux est atteint.", en="One indicator of two is met."),
        indicators=("ad.audit",),
    )
    return (exposure, directory)


def _history() -> tuple[FindingHistory, ...]:
    def course(rule: str, asset: str, course: Course, **other: object) -> FindingHistory:
        values: dict[str, object] = {"first_seen": BEFORE, "last_seen": NOW} | other
        return FindingHistory(
            fingerprint=fingerprint(rule, asset),
            rule=rule,
            asset=asset,
            severity=CARDS[rule].severity.value,
            course=course,
            **values,  # type: ignore[arg-type]  # the fields of a history, by name
        )

    return (
        course("directory-dangerous-rights-absent", DOMAIN, Course.NEW, first_seen=NOW),
        course("tls-modern-version-offered", PACS, Course.OPEN),
        course("web-hsts-present", PACS, Course.WORSE, appeared=("S-1-5-21-1-2-3-1101",)),
        course("mail-dmarc-published", "domain:ch-valmorel.test", Course.GONE, last_seen=BEFORE, gone_at=NOW),
        course("tls-modern-version-offered", WWW, Course.UNSEEN, last_seen=BEFORE),
        course("directory-krbtgt-renewed", DOMAIN, Course.OPEN, accepted="D-2026-1"),
    )


def _trends() -> tuple[Trend, ...]:
    return tuple(
        Trend(
            scan=f"scan-{days}" if days else "20261124T093000-abcdef",
            seen_at=NOW - timedelta(days=days),
            open=(("critical", critical), ("high", high), ("medium", 2), ("low", 3), ("info", 0)),
            levels=(("exposure", low, best), (FOREST, 1, 1 + (days > 60))),
        )
        for days, critical, high, low, best in ((147, 4, 6, 1, 1), (98, 3, 5, 1, 1), (49, 2, 3, 1, 2), (0, 2, 1, 1, 2))
    )
