"""Rules on products behind web origins: found, kept well, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from probes.facts.ntlm import NtlmNames
from probes.facts.web import Hop, WebOrigin
from probes.facts.web_products import (
    NtlmEndpoint,
    ProductKind,
    WebProduct,
    WebProducts,
    WebWindowsAuthentication,
)
from probes.interface import (
    Asset,
    AssetKind,
    Attempt,
    Fact,
    Mandate,
    Observation,
    Part,
    Reason,
    Scope,
    Status,
    Vantage,
    service,
)
from rules.catalogue import web_products
from rules.interface import Confidence, Outcome, Rule, Severity, Unseen
from rules.subject import Perimeter, Record, Scan, ScanPart, Timeline
from rules.views.web import WebView, web_origins
from scanner.config.load import parse
from scanner.feeds.load import feeds

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
FEED = next(f for f in feeds(parse(Path("config.toml"), "")) if f.name == "end-of-support")
NOTHING = WebProducts(products=(), unanswered=(), reliable=True, table="2026-11-24")
QUIET = WebWindowsAuthentication(endpoints=(), unanswered=())
NAMES = NtlmNames(computer="SRV1", domain="CH", dns_computer="srv1.ad.ch.test", dns_domain="ad.ch.test")


def product(id: str, kind: ProductKind, *, version: str = "", support: str = "", path: str = "/") -> WebProduct:
    return WebProduct(id=id, name=id, kind=kind, path=path, version=version, support=support)


ESXI = product("vmware-esxi", ProductKind.INFRASTRUCTURE)
PMA = product("phpmyadmin", ProductKind.ADMINISTRATION, path="/phpmyadmin/")
OWA = product("exchange-owa", ProductKind.WEBMAIL, version="15.1.2507", support="msexchange")
ECP = product("exchange-control-panel", ProductKind.ADMINISTRATION, path="/ecp/")
VPN = product("fortinet-ssl-vpn", ProductKind.GATEWAY)
PACS = product("orthanc", ProductKind.HEALTH)


def views(
    *facts: Fact, host: str = "www.ch.test", with_feed: bool = True, attempts: tuple[Attempt, ...] = ()
) -> list[WebView | Unseen]:
    """What the builder makes of one origin's facts, www.ch.test being declared and ad.ch.test audited."""
    asset = service("tcp", 443, host)
    part = ScanPart(kind=Part.EXPOSURE, box="b", vantage=Vantage.INTERNET, started_at=DAY, ended_at=DAY)
    mandate = Mandate(
        reference="M",
        signatory="S",
        document_sha256="",
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
        level=2,
        scope=Scope(domains=("ch.test",)),
    )
    record = Record(
        scan=Scan(
            id="s",
            perimeter=Perimeter(id="p", name="P", unit="ej", hosts=("www.ch.test",)),
            mandate=mandate,
            parts=(part,),
            level=2,
            state="complete",
            versions={},
            config_digest="",
        ),
        assets=(asset, Asset(kind=AssetKind.AD_DOMAIN, name="ad.ch.test")),
        observations=tuple(
            Observation(id=f"o{n}", asset=asset, fact=f, seen_at=DAY, probe="web@2", vantage=Vantage.INTERNET)
            for n, f in enumerate(facts)
        ),
        attempts=attempts,
        feeds={FEED.name: FEED} if with_feed else {},
        timeline=Timeline(),
        read_capture=lambda digest: b"",
    )
    return [v for v in web_origins.build(record) if isinstance(v, WebView | Unseen)]


def seen(*products: WebProduct, host: str = "www.ch.test", server: str = "", **more: object) -> WebView:
    facts: list[Fact] = [replace(NOTHING, products=products), QUIET]
    if server:
        facts.append(
            WebOrigin(
                scheme="https",
                host=host,
                port=443,
                address="192.0.2.1",
                chain=(Hop(url=f"https://{host}/", status=200),),
                own_headers=(("server", server),),
                headers=(),
                cookies=(),
                html=True,
                title="",
                reliable=True,
            )
        )
    (view,) = views(*facts, host=host)
    assert isinstance(view, WebView)
    return replace(view, **more)  # type: ignore[arg-type]


def challenged(names: NtlmNames) -> WebView:
    windows = WebWindowsAuthentication(endpoints=(NtlmEndpoint(path="/EWS/", names=names),), unanswered=())
    return seen(windows=windows)


@pytest.mark.parametrize(
    ("rule", "view", "expected"),
    [
        (web_products.infrastructure_closed, seen(), MET),
        (web_products.infrastructure_closed, seen(ESXI), NOT_MET),
        (web_products.infrastructure_closed, seen(PMA), MET),
        (web_products.infrastructure_closed, seen(unanswered=("/ui/",)), UNDETERMINED),
        (web_products.infrastructure_closed, seen(reliable=False), UNDETERMINED),
        (web_products.administration_closed, seen(), MET),
        (web_products.administration_closed, seen(PMA), NOT_MET),
        # a gateway and a webmail are made to be exposed: inventoried, not blamed
        (web_products.administration_closed, seen(VPN, OWA), MET),
        (web_products.exchange_administration_closed, seen(OWA), MET),
        (web_products.exchange_administration_closed, seen(OWA, ECP), NOT_MET),
        (web_products.exchange_administration_closed, seen(PMA), NOT_APPLICABLE),
        (web_products.administration_closed, seen(OWA, ECP), MET),
        (web_products.health_application_closed, seen(), MET),
        (web_products.health_application_closed, seen(PACS), NOT_MET),
        (web_products.remote_access_declared, seen(VPN), MET),
        (web_products.remote_access_declared, seen(VPN, host="vieux-vpn.ch.test"), NOT_MET),
        (web_products.remote_access_declared, seen(PMA), NOT_APPLICABLE),
        (web_products.software_supported, seen(OWA), NOT_MET),
        # the Subscription Edition calls itself 15.2 like Exchange 2019
        (web_products.software_supported, seen(replace(OWA, version="15.2.2562")), MET),
        (web_products.software_supported, seen(server="Apache/2.4.62"), MET),
        (web_products.software_supported, seen(server="Apache/2.2.15"), NOT_MET),
        # the distribution maintains what its author no longer does
        (web_products.software_supported, seen(server="Apache/2.2.15 (CentOS)"), UNDETERMINED),
        (web_products.software_supported, seen(server="nginx"), NOT_APPLICABLE),
        (web_products.software_supported, seen(replace(OWA, version="99.1.1")), UNDETERMINED),
        (web_products.software_supported, seen(OWA, feed=False), UNDETERMINED),
        (web_products.directory_names_private, seen(), MET),
        (web_products.directory_names_private, challenged(NAMES), NOT_MET),
        # it asks for Kerberos or NTLM and gives no name away
        (web_products.directory_names_private, challenged(NtlmNames()), MET),
        (
            web_products.directory_names_private,
            seen(windows=WebWindowsAuthentication(endpoints=(), unanswered=("/EWS/",))),
            UNDETERMINED,
        ),
        (web_products.directory_names_private, seen(windows=None), UNDETERMINED),
    ],
)
def test_products(rule: Rule, view: WebView, expected: Outcome) -> None:
    assert rule.judge(view).outcome is expected


def test_the_directory_named_by_a_page_is_linked_to_the_audited_one() -> None:
    verdict = web_products.directory_names_private.judge(challenged(NAMES))
    assert (verdict.values["domain"], verdict.values["audited"]) == ("ad.ch.test", True)
    other = web_products.directory_names_private.judge(challenged(replace(NAMES, dns_domain="autre.test")))
    assert other.values["audited"] is False


def test_a_banner_alone_is_weak_evidence() -> None:
    verdict = web_products.software_supported.judge(seen(server="PHP/5.4.16"))
    assert (verdict.severity, verdict.confidence) == (Severity.LOW, Confidence.INDICATIVE)
    strong = web_products.software_supported.judge(seen(OWA, server="PHP/5.4.16"))
    assert (strong.severity, strong.values["software"]) == (None, "exchange-owa 15.1.2507")


def test_an_origin_that_did_not_answer_is_unseen() -> None:
    attempt = Attempt(
        probe="web@2",
        asset="service:tcp/443@www.ch.test",
        status=Status.FAILED,
        reason=Reason.TIMED_OUT,
        started_at=DAY,
        ended_at=DAY,
    )
    (unseen,) = views(attempts=(attempt,))
    assert isinstance(unseen, Unseen)
    assert unseen.reason == "timed-out"


def test_a_stale_feed_concludes_nothing() -> None:
    (view,) = views(replace(NOTHING, products=(OWA,)), with_feed=False)
    assert isinstance(view, WebView)
    assert web_products.software_supported.judge(view).outcome is UNDETERMINED
