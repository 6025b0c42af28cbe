"""Rules on web origins: found, kept well, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probes.facts.web import Cookie, Hop, OpenFile, Proof, SecurityText, WebFiles, WebOrigin
from probes.interface import Asset, AssetKind, Fact, Observation, Vantage
from rules.catalogue import web, web_files
from rules.interface import Outcome, Rule, Severity

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = (
    Outcome.MET,
    Outcome.NOT_MET,
    Outcome.NOT_APPLICABLE,
    Outcome.UNDETERMINED,
)
DAY = datetime(2026, 11, 24, tzinfo=UTC)
ASSET = Asset(kind=AssetKind.SERVICE, name="tcp/443@www.ch.test")
GOOD = WebOrigin(
    scheme="https",
    host="www.ch.test",
    port=443,
    address="192.0.2.1",
    chain=(Hop(url="https://www.ch.test:443/", status=200),),
    own_headers=(("strict-transport-security", "max-age=31536000; includeSubDomains"), ("server", "nginx")),
    headers=(
        ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer, strict-origin-when-cross-origin"),
        ("server", "nginx"),
    ),
    cookies=(Cookie(name="PHPSESSID", secure=True, http_only=True, same_site="lax", session_like=True),),
    html=True,
    title="Centre hospitalier",
    reliable=True,
)
CLEAR = replace(
    GOOD, scheme="http", port=80, chain=(Hop(url="http://www.ch.test:80/", status=200),), own_headers=(), headers=()
)
TO_TLS = (
    Hop(url="http://www.ch.test:80/", status=301, location="https://www.ch.test/", followed=True),
    Hop(url="https://www.ch.test/", status=200),
)
API = replace(GOOD, html=False, headers=(("content-type", "application/json"),), title="")
ELSEWHERE = replace(
    GOOD,
    chain=(
        Hop(url="https://www.ch.test:443/", status=302, location="https://sso.ght.test/", followed=True),
        Hop(url="https://sso.ght.test/", status=200),
    ),
    headers=(),
)


def judged(rule: Rule, fact: Fact, **parameters: int) -> tuple[Outcome, Severity | None]:
    seen = Observation(id="o", asset=ASSET, fact=fact, seen_at=DAY, probe="web@1", vantage=Vantage.INTERNET)
    verdict = rule.judge(seen, **parameters)
    return verdict.outcome, verdict.severity


def headers(fact: WebOrigin, **changed: str | None) -> WebOrigin:
    kept = {**dict(fact.headers), **{k.replace("_", "-"): v for k, v in changed.items()}}
    return replace(fact, headers=tuple((k, v) for k, v in kept.items() if v is not None))


def twice(name: str, value: str) -> WebOrigin:
    """A page with one header more than once."""
    return replace(GOOD, headers=(*GOOD.headers, (name, value)))


INSTALLED = (
    "Welcome to nginx!",
    "Welcome to nginx on Debian!",
    "IIS Windows",
    "IIS Windows Server",
    "Apache2 Ubuntu Default Page: It works",
    "Apache Tomcat/9.0.43",
    "Test Page for the HTTP Server on AlmaLinux",
)


def cookie(**flags: bool | str) -> WebOrigin:
    good = Cookie(name="sid", secure=True, http_only=True, session_like=True)
    return replace(GOOD, cookies=(replace(good, **flags),))  # type: ignore[arg-type]


def test_a_policy_is_told_alike_at_each_scan_whatever_its_nonce() -> None:
    seen = [headers(GOOD, content_security_policy=f"script-src 'nonce-{nonce}'") for nonce in ("abc", "xyz")]
    told = {
        web.content_security_policy_present.judge(
            Observation(id="o", asset=ASSET, fact=fact, seen_at=DAY, probe="web@1", vantage=Vantage.INTERNET)
        ).values["policy"]
        for fact in seen
    }
    assert told == {"script-src 'nonce-…'"}


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (web.clear_text_redirects_to_tls, replace(CLEAR, chain=TO_TLS), MET),
        (web.clear_text_redirects_to_tls, CLEAR, NOT_MET),
        # an origin that stopped answering, before the question or after what was seen
        (web.cross_origin_closed, replace(GOOD, unanswered=("cors",)), UNDETERMINED),
        (web.trace_refused, replace(GOOD, unanswered=("trace",)), UNDETERMINED),
        (web.methods_limited, replace(GOOD, unanswered=("methods",)), UNDETERMINED),
        (web.methods_limited, replace(GOOD, unanswered=("methods",), methods=("PUT",)), NOT_MET),
        (web.debug_pages_off, replace(GOOD, unanswered=("nowhere",)), UNDETERMINED),
        (web.clear_text_redirects_to_tls, GOOD, NOT_APPLICABLE),
        # a load balancer that answers 404 or nothing in clear gives nothing away
        (web.clear_text_redirects_to_tls, replace(CLEAR, chain=(Hop(url="http://x/", status=404),)), NOT_APPLICABLE),
        (
            web.clear_text_redirects_to_tls,
            replace(CLEAR, chain=(Hop(url="http://x/", status=302, location="http://y.test/"),)),
            UNDETERMINED,
        ),
        # the redirect leads to TLS at a place that may not be followed: still a redirect to TLS
        (
            web.clear_text_redirects_to_tls,
            replace(CLEAR, chain=(Hop(url="http://x/", status=302, location="https://y.test/"),)),
            MET,
        ),
        (web.login_over_tls, replace(GOOD, login_form=True), MET),
        (web.login_over_tls, replace(CLEAR, login_form=True), NOT_MET),
        (web.login_over_tls, replace(GOOD, login_form=True, login_to_clear=True), NOT_MET),
        (web.login_over_tls, CLEAR, NOT_APPLICABLE),
        (web.hsts_present, GOOD, MET),
        (web.hsts_present, replace(GOOD, own_headers=()), NOT_MET),
        (web.hsts_present, replace(GOOD, own_headers=(("strict-transport-security", "max-age=0"),)), NOT_MET),
        # HSTS on a host that only redirects is where it belongs
        (web.hsts_present, ELSEWHERE, MET),
        (web.hsts_present, CLEAR, NOT_APPLICABLE),
        (web.hsts_long, GOOD, MET),
        (web.hsts_long, replace(GOOD, own_headers=(("strict-transport-security", "max-age=3600"),)), NOT_MET),
        (web.hsts_long, replace(GOOD, own_headers=()), NOT_APPLICABLE),
        (web.content_security_policy_present, GOOD, MET),
        (web.content_security_policy_present, headers(GOOD, content_security_policy=None), NOT_MET),
        (
            web.content_security_policy_present,
            headers(GOOD, content_security_policy="script-src 'self' 'unsafe-inline'"),
            NOT_MET,
        ),
        (web.content_security_policy_present, headers(GOOD, content_security_policy="frame-ancestors 'none'"), NOT_MET),
        # browsers ignore unsafe-inline when a nonce stands beside it
        (
            web.content_security_policy_present,
            headers(GOOD, content_security_policy="script-src 'unsafe-inline' 'nonce-abc'"),
            MET,
        ),
        # a proxy adds a policy of its own: all of them bind, so the strict one does
        (web.content_security_policy_present, twice("content-security-policy", "upgrade-insecure-requests"), MET),
        (
            web.content_security_policy_present,
            headers(GOOD, content_security_policy="default-src 'self', upgrade-insecure-requests"),
            MET,
        ),
        # single-page applications give the policy in the page
        (
            web.content_security_policy_present,
            headers(replace(GOOD, own_policies=("default-src 'self'",)), content_security_policy=None),
            MET,
        ),
        (web.content_security_policy_present, API, NOT_APPLICABLE),
        (web.content_security_policy_present, ELSEWHERE, NOT_APPLICABLE),
        (web.framing_refused, GOOD, MET),
        (web.framing_refused, headers(GOOD, content_security_policy=None, x_frame_options="SAMEORIGIN"), MET),
        (web.framing_refused, headers(GOOD, content_security_policy=None), NOT_MET),
        (web.framing_refused, API, NOT_APPLICABLE),
        # application and proxy both say it
        (web.framing_refused, twice("content-security-policy", "upgrade-insecure-requests"), MET),
        (
            web.framing_refused,
            headers(GOOD, content_security_policy=None, x_frame_options="SAMEORIGIN, SAMEORIGIN"),
            MET,
        ),
        (web.framing_refused, headers(GOOD, content_security_policy=None, x_frame_options="ALLOW-FROM x"), NOT_MET),
        # a policy in the page says nothing of frames
        (
            web.framing_refused,
            headers(replace(GOOD, own_policies=("frame-ancestors 'none'",)), content_security_policy=None),
            NOT_MET,
        ),
        (web.content_type_not_guessed, GOOD, MET),
        (web.content_type_not_guessed, headers(GOOD, x_content_type_options=None), NOT_MET),
        (web.content_type_not_guessed, headers(GOOD, x_content_type_options="NoSniff, nosniff"), MET),
        (web.referrer_limited, GOOD, MET),
        (web.referrer_limited, headers(GOOD, referrer_policy=None), NOT_MET),
        (web.referrer_limited, headers(GOOD, referrer_policy="unsafe-url"), NOT_MET),
        # browsers pass over what they do not know
        (web.referrer_limited, headers(GOOD, referrer_policy="strict-origin, nouvelle-valeur"), MET),
        (web.session_cookies_secure, GOOD, MET),
        (web.session_cookies_secure, cookie(secure=False), NOT_MET),
        (web.session_cookies_secure, cookie(secure=False, session_like=False), NOT_APPLICABLE),
        (web.session_cookies_hidden_from_scripts, GOOD, MET),
        (web.session_cookies_hidden_from_scripts, cookie(http_only=False), NOT_MET),
        (web.cross_origin_closed, replace(GOOD, cors_origin="*"), MET),
        (web.cross_origin_closed, replace(GOOD, cors_origin="reflected"), MET),
        (web.cross_origin_closed, replace(GOOD, cors_origin="reflected", cors_credentials=True), NOT_MET),
        # any page can come from "null", through a sandboxed frame
        (web.cross_origin_closed, replace(GOOD, cors_origin="null", cors_credentials=True), NOT_MET),
        (web.cross_origin_closed, replace(GOOD, cors_origin="null"), MET),
        # browsers refuse this one by themselves
        (web.cross_origin_closed, replace(GOOD, cors_origin="*", cors_credentials=True), MET),
        (web.trace_refused, GOOD, MET),
        (web.trace_refused, replace(GOOD, trace_echoed=True), NOT_MET),
        (web.no_mixed_content, GOOD, MET),
        (web.no_mixed_content, replace(GOOD, mixed_content=("http://x.test/a.js",)), NOT_MET),
        (web.basic_authentication_over_tls, replace(CLEAR, authentication=("basic",)), NOT_MET),
        (web.basic_authentication_over_tls, replace(GOOD, authentication=("basic",)), MET),
        (web.basic_authentication_over_tls, replace(CLEAR, authentication=("negotiate",)), NOT_APPLICABLE),
        (web.version_not_told, GOOD, MET),
        (web.version_not_told, headers(GOOD, server="Apache/2.4.6 (CentOS)"), NOT_MET),
        (web.default_page_removed, GOOD, MET),
        *((web.default_page_removed, replace(GOOD, title=title), NOT_MET) for title in INSTALLED),
        (web.default_page_removed, replace(GOOD, title="Welcome to nginx, le bulletin"), MET),
        (web.cookies_same_site_sound, cookie(same_site="none"), MET),
        (web.cookies_same_site_sound, cookie(same_site="none", secure=False), NOT_MET),
        (web.cookies_same_site_sound, replace(GOOD, cookies=()), NOT_APPLICABLE),
        (web.methods_limited, replace(GOOD, methods=("GET", "HEAD", "OPTIONS", "POST")), MET),
        (web.methods_limited, replace(GOOD, methods=("GET", "PROPFIND", "PUT")), NOT_MET),
        # an API that takes PUT is doing its work
        (web.methods_limited, replace(API, methods=("GET", "PUT")), NOT_APPLICABLE),
        (web.redirect_not_elsewhere_in_clear, replace(CLEAR, chain=TO_TLS), MET),
        (
            web.redirect_not_elsewhere_in_clear,
            replace(CLEAR, chain=(Hop(url="http://www.ch.test:80/", status=301, location="http://ght.test/"),)),
            NOT_MET,
        ),
        # an application that sends to its own /app first
        (
            web.redirect_not_elsewhere_in_clear,
            replace(CLEAR, chain=(Hop(url="http://www.ch.test:80/", status=302, location="/app"),)),
            MET,
        ),
        (web.redirect_not_elsewhere_in_clear, CLEAR, NOT_APPLICABLE),
        (web.debug_pages_off, GOOD, MET),
        (web.debug_pages_off, replace(GOOD, debug="Django"), NOT_MET),
        (web.third_party_scripts_pinned, GOOD, MET),
        (web.third_party_scripts_pinned, replace(GOOD, unpinned_scripts=("https://cdn.test/a.js",)), NOT_MET),
        (web.third_party_scripts_pinned, API, NOT_APPLICABLE),
        (web.security_contact_published, SecurityText(state="present", expires="2027-01-01T00:00:00Z"), MET),
        (web.security_contact_published, SecurityText(state="present", expires="2027-01-01t00:00:00.000z"), MET),
        (web.security_contact_published, SecurityText(state="present", expires="2025-01-01T00:00:00Z"), NOT_MET),
        (web.security_contact_published, SecurityText(state="present", expires="demain"), NOT_MET),
        (web.security_contact_published, SecurityText(state="absent"), NOT_MET),
        (web.security_contact_published, SecurityText(state="unknown"), UNDETERMINED),
    ],
)
def test_origins(rule: Rule, fact: Fact, expected: Outcome) -> None:
    assert judged(rule, fact)[0] is expected


def test_a_login_page_makes_it_worse() -> None:
    assert judged(web.clear_text_redirects_to_tls, replace(CLEAR, login_form=True)) == (NOT_MET, Severity.HIGH)
    assert judged(web.hsts_present, replace(GOOD, own_headers=(), login_form=True)) == (NOT_MET, Severity.MEDIUM)


NOTHING = WebFiles(asked=("/.git/HEAD", "/.env"), unanswered=(), proofs=(), reliable=True)
OPENED = (
    (web_files.repository_closed, OpenFile.GIT, "/.git/HEAD"),
    (web_files.environment_file_closed, OpenFile.ENVIRONMENT, "/.env"),
    (web_files.backup_closed, OpenFile.BACKUP, "/backup.zip"),
    (web_files.diagnostics_closed, OpenFile.ACTUATOR, "/actuator"),
    (web_files.listing_off, OpenFile.LISTING, "/uploads/"),
    (web_files.metadata_removed, OpenFile.DS_STORE, "/.DS_Store"),
    (web_files.api_documentation_intended, OpenFile.API_DOCS, "/openapi.json"),
    (web_files.private_key_closed, OpenFile.PRIVATE_KEY, "/id_rsa"),
    (web_files.password_file_closed, OpenFile.PASSWORDS, "/.htpasswd"),
    (web_files.log_closed, OpenFile.HISTORY, "/.bash_history"),
)


@pytest.mark.parametrize(("rule", "what", "path"), OPENED)
def test_files(rule: Rule, what: OpenFile, path: str) -> None:
    proof = Proof(what=what, path=path, excerpt="…")
    assert judged(rule, NOTHING)[0] is MET
    assert judged(rule, replace(NOTHING, proofs=(proof,)))[0] is NOT_MET
    assert judged(rule, replace(NOTHING, unanswered=(path,)))[0] is UNDETERMINED
    # a catch-all origin "has" every file: nothing is concluded, good or bad
    assert judged(rule, replace(NOTHING, proofs=(proof,), reliable=False))[0] is UNDETERMINED
    # another file lies open: not this rule's
    other = Proof(what=OpenFile.LOG if what is not OpenFile.HISTORY else OpenFile.GIT, path="/x", excerpt="…")
    assert judged(rule, replace(NOTHING, proofs=(other,)))[0] is MET


def test_credentials_in_an_environment_file_are_critical() -> None:
    proof = Proof(what=OpenFile.ENVIRONMENT, path="/.env", excerpt="DB_PASSWORD=…", credentials=True)
    found = judged(web_files.environment_file_closed, replace(NOTHING, proofs=(proof,)))
    assert found == (NOT_MET, Severity.CRITICAL)
