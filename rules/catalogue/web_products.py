"""Rules on the products behind a web origin: what may face the Internet, how old it is, what it tells of the house."""

from __future__ import annotations

from probes.facts.web_products import ProductKind, WebProduct
from probes.interface import Part
from rules.interface import (
    Confidence,
    ObjectRef,
    Severity,
    Verdict,
    met,
    not_applicable,
    not_met,
    rule,
    undetermined,
)
from rules.views.web import WebView

_PANEL = "exchange-control-panel"


def _closed(view: WebView, kind: ProductKind, *, but: str = "", only: str = "") -> Verdict:
    """Met when no product of a kind was recognised and every path that could show one was answered."""
    found = [p for p in view.products if p.kind is kind and p.id != but and (not only or p.id == only)]
    if found:
        return not_met(*map(_ref, found), products=_names(found), path=found[0].path)
    if not view.reliable:
        return undetermined("unreliable-origin")
    return undetermined("path-unanswered") if view.unanswered else met()


def _ref(product: WebProduct) -> ObjectRef:
    return ObjectRef(id=product.id, name=f"{product.name} {product.version}".strip())


def _names(products: list[WebProduct]) -> str:
    return ", ".join(f"{p.name} {p.version}".strip() for p in products)[:300]


@rule("web-infrastructure-closed", reads=WebView, part=Part.EXPOSURE)
def infrastructure_closed(view: WebView) -> Verdict:
    """No console of a hypervisor, server board, firewall, storage, printer or camera faces the Internet."""
    return _closed(view, ProductKind.INFRASTRUCTURE)


@rule("web-administration-closed", reads=WebView, part=Part.EXPOSURE)
def administration_closed(view: WebView) -> Verdict:
    """No administration of an application, database or supervision faces the Internet."""
    return _closed(view, ProductKind.ADMINISTRATION, but=_PANEL)


@rule("web-exchange-administration-closed", reads=WebView, part=Part.EXPOSURE)
def exchange_administration_closed(view: WebView) -> Verdict:
    """The Exchange control panel is reached from inside only; Outlook on the web may be open without it."""
    if not any(p.id.startswith("exchange") for p in view.products):
        return not_applicable("no-exchange")
    return _closed(view, ProductKind.ADMINISTRATION, only=_PANEL)


@rule("web-health-application-closed", reads=WebView, part=Part.EXPOSURE)
def health_application_closed(view: WebView) -> Verdict:
    """No image viewer, image archive or integration engine faces the Internet by itself."""
    return _closed(view, ProductKind.HEALTH)


@rule("web-remote-access-declared", reads=WebView, part=Part.EXPOSURE)
def remote_access_declared(view: WebView) -> Verdict:
    """A remote access gateway or webmail stands on a host that somebody declared: it may be exposed, not forgotten."""
    found = [p for p in view.products if p.kind in {ProductKind.GATEWAY, ProductKind.WEBMAIL}]
    if not found:
        return not_applicable("no-remote-access")
    return met(products=_names(found)) if view.declared else not_met(*map(_ref, found), products=_names(found))


@rule("web-software-supported", reads=WebView, part=Part.EXPOSURE)
def software_supported(view: WebView) -> Verdict:
    """What an origin runs is still supported; a version in a banner may be one that a distribution maintains."""
    if not view.software:
        return not_applicable("no-version-told")
    if not view.feed:
        return undetermined("no-fresh-end-of-support-feed")
    over = [s for s in view.software if s.support is not None and s.support.over(view.seen_at)]
    told = [s for s in over if not s.banner]
    weak = [s for s in over if s.banner and not s.maintained]
    if told or weak:
        shown = told or weak
        support = shown[0].support
        ends = [f"{s.product} {s.version}" for s in shown]
        return not_met(
            *(ObjectRef(id=f"{s.product} {s.version}", name=f"{s.product} {s.version}") for s in shown),
            severity=None if told else Severity.LOW,
            confidence=None if told else Confidence.INDICATIVE,
            software=", ".join(ends)[:300],
            ended=support.end.isoformat() if support and support.end else "-",
        )
    if over:
        return undetermined("distribution-may-maintain-it")
    unknown = [s for s in view.software if s.support is None]
    if len(unknown) == len(view.software):
        return undetermined("version-unknown-to-the-feed")
    return met(software=", ".join(f"{s.product} {s.version}" for s in view.software)[:300])


@rule("web-directory-names-private", reads=WebView, part=Part.EXPOSURE)
def directory_names_private(view: WebView) -> Verdict:
    """No page names the directory to anybody by a Windows challenge, nor takes passwords of the directory that way."""
    if view.windows is None:
        return undetermined("not-asked")
    told = [e for e in view.windows.endpoints if e.names.dns_domain or e.names.domain]
    if told:
        names = told[0].names
        audited = names.dns_domain.lower() in view.audited or names.forest.lower() in view.audited
        return not_met(
            *(ObjectRef(id=e.path, name=e.path) for e in told),
            path=told[0].path,
            domain=names.dns_domain or names.domain,
            forest=names.forest or "-",
            computer=names.dns_computer or names.computer or "-",
            audited=audited,
        )
    return undetermined("path-unanswered") if view.windows.unanswered else met()
