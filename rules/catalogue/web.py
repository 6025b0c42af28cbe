"""Rules on what a web origin answers (ANSSI-PA-009, RFC 6797, RFC 9116)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from probes.facts.web import SecurityText, WebOrigin
from probes.interface import Observation
from rules.interface import (
    Confidence,
    Severity,
    Verdict,
    met,
    not_applicable,
    not_met,
    rule,
    undetermined,
)

Seen = Observation[WebOrigin]


def _answers(fact: WebOrigin) -> bool:
    """Tell whether the final page is one that a visitor reads."""
    return 200 <= fact.status < 300


def _page_over_tls(fact: WebOrigin) -> Verdict | None:
    """Not applicable unless the origin speaks TLS and ends on a page of its own for browsers."""
    if fact.scheme != "https":
        return not_applicable("clear-text-origin")
    if not fact.html or not _answers(fact):
        return not_applicable("no-page")
    if urlsplit(fact.chain[-1].url).hostname != fact.host:
        return not_applicable("redirects-elsewhere")
    return None


@rule("web-clear-text-redirects-to-tls", reads=WebOrigin)
def clear_text_redirects_to_tls(seen: Seen) -> Verdict:
    """What is asked in clear is answered by a redirect to TLS; an empty or refused answer gives nothing away."""
    fact = seen.fact
    if fact.scheme != "http":
        return not_applicable("tls-origin")
    if any(urlsplit(hop.location).scheme == "https" for hop in fact.chain if hop.location):
        return met()
    if fact.chain[-1].location and not fact.chain[-1].followed and fact.status < 400:
        return undetermined("redirect-not-followed")
    if not _answers(fact) or not fact.html:
        return not_applicable("no-page")
    return not_met(severity=Severity.HIGH if fact.login_form else None, url=fact.chain[-1].url, title=fact.title)


@rule("web-login-over-tls", reads=WebOrigin)
def login_over_tls(seen: Seen) -> Verdict:
    """No password travels in clear: neither from a page in clear nor to an address in clear."""
    fact = seen.fact
    if not fact.login_form:
        return not_applicable("no-login-form")
    if urlsplit(fact.chain[-1].url).scheme == "http" or fact.login_to_clear:
        return not_met(url=fact.chain[-1].url, title=fact.title)
    return met()


@rule("web-hsts-present", reads=WebOrigin)
def hsts_present(seen: Seen) -> Verdict:
    """An origin over TLS tells browsers to stay on TLS, in its own answer, redirects included (RFC 6797)."""
    fact = seen.fact
    if fact.scheme != "https" or fact.status >= 500:
        return not_applicable("clear-text-origin" if fact.scheme != "https" else "no-page")
    own = fact.strict_transport
    if _max_age(own):
        return met(max_age=_max_age(own))
    return not_met(severity=Severity.MEDIUM if fact.login_form else None, header=own or "-")


@rule("web-hsts-long", reads=WebOrigin)
def hsts_long(seen: Seen, *, least_seconds: int = 31_536_000) -> Verdict:
    """The promise of TLS lasts a year or more."""
    age = _max_age(seen.fact.strict_transport)
    if not age:
        return not_applicable("no-hsts")
    return met(max_age=age) if age >= least_seconds else not_met(max_age=age, least=least_seconds)


def _max_age(header: str) -> int:
    found = re.search(r"max-age\s*=\s*\"?(\d{1,10})", header, re.I)
    return int(found[1]) if found else 0


@rule("web-content-security-policy-present", reads=WebOrigin)
def content_security_policy_present(seen: Seen) -> Verdict:
    """A page names what it may load, and does not let any script run."""
    fact = seen.fact
    if (verdict := _page_over_tls(fact)) is not None:
        return verdict
    # Every policy must allow what is loaded (CSP 3.4): one that is strict is enough.
    policies = [p.lower() for p in (*fact.every("content-security-policy"), *fact.own_policies) if p]
    weaknesses = [_weakness(policy) for policy in policies]
    # A nonce is another at each answer; what is told stays the same.
    told = re.sub(r"'nonce-[^']*'", "'nonce-…'", ", ".join(policies))[:300]
    if "" in weaknesses:
        return met(policy=told)
    worst = min(weaknesses, key=lambda weakness: weakness == _NO_SOURCE, default=_NO_SOURCE)
    return not_met(policy=told or "-", weakness=worst)


_NO_SOURCE = "script-src, default-src"


def _weakness(policy: str) -> str:
    """What lets any script run under a policy, or ""."""
    scripts = _directive(policy, "script-src") or _directive(policy, "default-src")
    strict = any(source.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for source in scripts)
    for weak in ("'unsafe-inline'", "*", "http:", "https:", "data:"):
        if weak in scripts and not strict:
            return weak
    return "" if scripts else _NO_SOURCE


def _directive(policy: str, name: str) -> list[str]:
    for directive in policy.split(";"):
        words = directive.split()
        if words and words[0] == name:
            return words[1:] or ["'none'"]
    return []


@rule("web-framing-refused", reads=WebOrigin)
def framing_refused(seen: Seen) -> Verdict:
    """A page says who may frame it."""
    fact = seen.fact
    if (verdict := _page_over_tls(fact)) is not None:
        return verdict
    # A policy in the page itself says nothing of frames (CSP 3.3).
    framed = any(_directive(policy.lower(), "frame-ancestors") for policy in fact.every("content-security-policy"))
    options = {option.lower() for option in fact.every("x-frame-options")}
    if framed or (options and options <= {"deny", "sameorigin"}):
        return met()
    return not_met(severity=Severity.MEDIUM if fact.login_form else None, url=fact.chain[-1].url)


@rule("web-content-type-not-guessed", reads=WebOrigin)
def content_type_not_guessed(seen: Seen) -> Verdict:
    """Browsers are told not to guess types."""
    if (verdict := _page_over_tls(seen.fact)) is not None:
        return verdict
    told = seen.fact.every("x-content-type-options")[:1]
    return met() if told and told[0].lower() == "nosniff" else not_met(url=seen.fact.chain[-1].url)


@rule("web-referrer-limited", reads=WebOrigin)
def referrer_limited(seen: Seen) -> Verdict:
    """The address of a page is not told whole to other sites; modern browsers limit it by themselves."""
    if (verdict := _page_over_tls(seen.fact)) is not None:
        return verdict
    # The last policy that a browser knows counts (Referrer Policy 4.1).
    known = [p.lower() for p in seen.fact.every("referrer-policy") if p.lower() in _REFERRERS]
    last = known[-1] if known else "-"
    return not_met(policy=last) if last in {"-", "unsafe-url", "no-referrer-when-downgrade"} else met(policy=last)


_REFERRERS = frozenset(
    {
        "no-referrer",
        "no-referrer-when-downgrade",
        "same-origin",
        "origin",
        "strict-origin",
        "origin-when-cross-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    }
)


@rule("web-session-cookies-secure", reads=WebOrigin)
def session_cookies_secure(seen: Seen) -> Verdict:
    """Session cookies set over TLS never travel in clear."""
    return _cookies(seen, lambda cookie: cookie.secure, secure_only=True)


@rule("web-session-cookies-hidden-from-scripts", reads=WebOrigin)
def session_cookies_hidden_from_scripts(seen: Seen) -> Verdict:
    """Session cookies are out of reach of scripts."""
    return _cookies(seen, lambda cookie: cookie.http_only, secure_only=False)


def _cookies(seen: Seen, good: object, *, secure_only: bool) -> Verdict:
    fact = seen.fact
    own = [c for c in fact.cookies if c.session_like]
    if not own or (secure_only and fact.scheme != "https"):
        return not_applicable("no-session-cookie")
    bad = sorted({c.name for c in own if not (callable(good) and good(c))})
    return not_met(cookies=", ".join(bad)[:300]) if bad else met()


@rule("web-cross-origin-closed", reads=WebOrigin)
def cross_origin_closed(seen: Seen) -> Verdict:
    """No unknown site may read answers with a visitor's session; any site can come as "null" (a sandboxed frame)."""
    fact = seen.fact
    if fact.cors_origin in {"reflected", "null"} and fact.cors_credentials:
        return not_met(url=fact.chain[0].url)
    return _unless_unanswered(fact, "cors") or met()


def _unless_unanswered(fact: WebOrigin, question: str) -> Verdict | None:
    """Could not tell, where the origin stopped answering before this question."""
    return undetermined("path-unanswered") if question in fact.unanswered else None


@rule("web-trace-refused", reads=WebOrigin)
def trace_refused(seen: Seen) -> Verdict:
    """TRACE requests are not echoed."""
    if seen.fact.trace_echoed:
        return not_met(url=seen.fact.chain[0].url)
    return _unless_unanswered(seen.fact, "trace") or met()


@rule("web-no-mixed-content", reads=WebOrigin)
def no_mixed_content(seen: Seen) -> Verdict:
    """A page over TLS loads no active content in clear."""
    if (verdict := _page_over_tls(seen.fact)) is not None:
        return verdict
    found = seen.fact.mixed_content
    return not_met(count=len(found), first=found[0]) if found else met()


@rule("web-basic-authentication-over-tls", reads=WebOrigin)
def basic_authentication_over_tls(seen: Seen) -> Verdict:
    """Basic authentication is not asked for in clear."""
    fact = seen.fact
    if "basic" not in fact.authentication:
        return not_applicable("no-basic-authentication")
    return not_met(url=fact.chain[0].url) if fact.scheme == "http" else met()


@rule("web-version-not-told", reads=WebOrigin)
def version_not_told(seen: Seen) -> Verdict:
    """Headers do not tell exact versions; distributions patch without changing them, so nothing more is concluded."""
    banners = {**dict(seen.fact.own_headers), **dict(seen.fact.headers)}
    told = [
        banners[name][:100]
        for name in ("server", "x-powered-by", "x-aspnet-version", "x-generator")
        if re.search(r"\d+\.\d+", banners.get(name, ""))
    ]
    return not_met(banner=" ; ".join(told)) if told else met()


_DEFAULT = re.compile(
    r"^(welcome to nginx(?: on \w+)?!?|apache2? (?:debian|ubuntu|centos)? ?default page.*|iis windows(?: server)?"
    r"|iis\d+|apache tomcat(?:/[\d.]+)?|test page for .*|apache http server test page.*|it works!?)$",
    re.I,
)


@rule("web-default-page-removed", reads=WebOrigin)
def default_page_removed(seen: Seen) -> Verdict:
    """No web server stands there with its installation page."""
    fact = seen.fact
    if not fact.html or not _answers(fact):
        return not_applicable("no-page")
    return not_met(title=fact.title) if _DEFAULT.match(fact.title.strip()) else met()


@rule("web-security-contact-published", reads=SecurityText)
def security_contact_published(seen: Observation[SecurityText]) -> Verdict:
    """A security.txt tells where to report a flaw, and has not expired."""
    fact = seen.fact
    if fact.state == "unknown":
        return undetermined("security-txt-unanswered")
    if fact.state == "absent":
        return not_met(expires="-")
    expires = _instant(fact.expires)
    if expires is None:
        return not_met(expires=fact.expires or "-", confidence=Confidence.PROBABLE)
    return met(expires=fact.expires) if expires > seen.seen_at else not_met(severity=Severity.LOW, expires=fact.expires)


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text.upper())  # RFC 3339 5.6 lets "t" and "z" be small
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


@rule("web-cookies-same-site-sound", reads=WebOrigin)
def cookies_same_site_sound(seen: Seen) -> Verdict:
    """A cookie meant for other sites travels over TLS only: browsers drop it otherwise (SameSite=None needs Secure)."""
    fact = seen.fact
    if not fact.cookies:
        return not_applicable("no-cookie")
    bad = sorted({c.name for c in fact.cookies if c.same_site == "none" and not c.secure})
    return not_met(cookies=", ".join(bad)[:300]) if bad else met()


_WRITES = frozenset({"PUT", "DELETE", "PATCH", "CONNECT", "PROPFIND", "PROPPATCH", "MKCOL", "MOVE", "COPY", "LOCK"})


@rule("web-methods-limited", reads=WebOrigin)
def methods_limited(seen: Seen) -> Verdict:
    """A page for browsers announces no method that writes; an API that does is doing its work."""
    fact = seen.fact
    if not fact.html or not _answers(fact):
        return not_applicable("no-page")
    writes = sorted(_WRITES & set(fact.methods))
    if writes:
        return not_met(methods=", ".join(writes))
    return _unless_unanswered(fact, "methods") or met()


@rule("web-redirect-not-elsewhere-in-clear", reads=WebOrigin)
def redirect_not_elsewhere_in_clear(seen: Seen) -> Verdict:
    """A clear-text site never leads to another clear-text site: the first step is the one that can be forged."""
    fact = seen.fact
    if fact.scheme != "http" or not fact.chain[0].location:
        return not_applicable("no-redirect-in-clear")
    target = urlsplit(urljoin(fact.chain[0].url, fact.chain[0].location))
    if target.hostname == fact.host or target.scheme == "https":
        return met()
    return not_met(location=fact.chain[0].location[:300])


@rule("web-debug-pages-off", reads=WebOrigin)
def debug_pages_off(seen: Seen) -> Verdict:
    """A page that does not exist is answered without the insides of the application."""
    if seen.fact.debug:
        return not_met(framework=seen.fact.debug)
    return _unless_unanswered(seen.fact, "nowhere") or met()


@rule("web-third-party-scripts-pinned", reads=WebOrigin)
def third_party_scripts_pinned(seen: Seen) -> Verdict:
    """Scripts of other sites are loaded with a digest of what is expected (subresource integrity)."""
    if (verdict := _page_over_tls(seen.fact)) is not None:
        return verdict
    found = seen.fact.unpinned_scripts
    return not_met(count=len(found), first=found[0][:200]) if found else met()
