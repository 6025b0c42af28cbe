"""What answers and pages show, read from text: cookies, challenges, active content, policies, listings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from probes.facts.web import OpenFile
from probes.web import pages
from probes.web.fetch import Answer
from probes.web.proofs import proof


def answer(body: str = "", **headers: str) -> Answer:
    told = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(url="https://www.ch.test/", status=200, headers=told, body=body.encode(), cut=False)


@pytest.mark.parametrize(
    ("line", "session_like"),
    [
        ("PHPSESSID=a; path=/", True),
        ("__Host-SESS=a; Secure; Path=/", True),
        ("jsessionid=a; secure", True),
        # scripts must read these to send them back
        ("XSRF-TOKEN=a; Secure", False),
        ("csrftoken=a; Secure", False),
        ("SERVERID=s1; path=/", False),
    ],
)
def test_a_session_cookie_is_told_by_its_name(line: str, session_like: bool) -> None:
    assert [c.session_like for c in pages.cookies(answer(set_cookie=line))] == [session_like]


@pytest.mark.parametrize(
    "line",
    [
        "PHPSESSID=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/",
        "ASP.NET_SessionId=; expires=Tue, 12-Oct-1999 04:00:00 GMT",
        "sid=x; Max-Age=0; path=/",
        "sid=x; max-age=-1",
    ],
)
def test_a_cookie_taken_back_is_none(line: str) -> None:
    assert pages.cookies(answer(set_cookie=line)) == ()


def test_a_cookie_that_lasts_stays() -> None:
    lines = ("sid=x; Max-Age=0600", "sid=x; Max-Age=10", "sid=x; expires=Thu, 01 Jan 2032 00:00:00 GMT")
    assert all(pages.cookies(answer(set_cookie=line)) for line in lines)


@pytest.mark.parametrize(
    ("header", "schemes"),
    [
        ('Basic realm="Extranet"', ("basic",)),
        ("NTLM", ("ntlm",)),
        ('Negotiate, Basic realm="x"', ("basic", "negotiate")),
        ("Negotiate,NTLM", ("negotiate", "ntlm")),
        ('Digest realm="a, Basic b", qop="auth", nonce="x"', ("digest",)),
        ("Negotiate oYG2MIGzoAMKAQ==", ("negotiate",)),
        ("", ()),
    ],
)
def test_one_header_may_hold_several_challenges(header: str, schemes: tuple[str, ...]) -> None:
    assert pages.schemes(answer(www_authenticate=header)) == schemes


@pytest.mark.parametrize(
    "tag",
    [
        "<script src='http://x.test/a'>",
        '<SCRIPT type=text/javascript SRC="http://x.test/a">',
        "<link href=http://x.test/a rel=stylesheet>",
        "<link rel='stylesheet' href='http://x.test/a'>",
        "<object data=http://x.test/a>",
        "<iframe loading=lazy src=http://x.test/a>",
    ],
)
def test_active_content_in_clear_is_seen_however_written(tag: str) -> None:
    assert pages.mixed_content(f"<html>{tag}</html>") == ("http://x.test/a",)


@pytest.mark.parametrize("tag", ["<img src=http://x.test/a>", "<link rel=canonical href=http://x.test/a>"])
def test_pictures_and_canonical_links_are_no_active_content(tag: str) -> None:
    assert pages.mixed_content(tag) == ()


def test_a_policy_in_the_page_is_read() -> None:
    tag = '<meta http-equiv="Content-Security-Policy" content="default-src &#39;self&#39;">'
    assert pages.policies(tag) == ("default-src 'self'",)
    assert pages.policies("<meta content='default-src x' http-equiv=Content-Security-Policy>") == ("default-src x",)
    assert pages.policies('<meta http-equiv="refresh" content="1">') == ()


def test_a_title_is_read_as_browsers_show_it() -> None:
    assert pages.title("<title>Site not found &middot; GitHub\n Pages</title>") == "Site not found · GitHub Pages"


def test_the_debug_page_of_django_is_known_with_either_apostrophe() -> None:
    for mark in ("'", "&#x27;", "’"):
        assert pages.debug(f"You{mark}re seeing this error because you have <code>DEBUG = True</code>") == "Django"


@pytest.mark.parametrize(
    "body",
    [
        "<title>Index of /uploads</title>",
        "<title>Directory listing for /uploads/</title>",
        "<html><title>Directory Listing For [/uploads/]</title>",
        "<title>Directory: /uploads/</title>",
        '<title>srv - /uploads/</title><pre><A HREF="/">[To Parent Directory]</A><br>',
        "<title>srv - /</title></head><body><H1>srv - /</H1><hr>\n\n<pre><A HREF='/dump/'>dump</A>",
        "<?xml version='1.0'?><ListBucketResult>",
    ],
)
def test_listings_of_every_server_are_known(body: str) -> None:
    found = proof("/uploads/", answer(body, content_type="text/html"))
    assert found is not None
    assert found.what is OpenFile.LISTING


def test_a_page_about_folders_is_no_listing() -> None:
    assert (
        proof("/uploads/", answer("<title>Index of documents</title><p>Directory: /x", content_type="text/html"))
        is None
    )


GITHUB = (
    "<title>Site not found &middot; GitHub Pages</title><style>body{}</style><p><strong>There isn't a GitHub Pages\n"
)
GITHUB += "site here.</strong><script>var a = '<b>rien</b>';</script> <a href='/'>Lire</a>"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, GITHUB, "Site not found · GitHub Pages There isn't a GitHub Pages site here. Lire"),
        (404, "<Error><Code>NoSuchBucket</Code><BucketName>x</BucketName></Error>", "NoSuchBucket x"),
        (404, "Repository not found", "Repository not found"),
        (200, "<p>court</p>", "court"),
        # a longer page is no provider's: what it says is not kept; an error's first words are
        (200, "<p>mot</p>" * 1000, ""),
        (404, "<p>mot</p>" * 1000, ("mot " * 500).rstrip() + " "),
        # tags left open, and nothing but them
        (404, "avant <scr", "avant"),
        (404, "<" * 60_000 + "<script " * 60_000, ""),
    ],
)
def test_what_a_short_page_or_an_error_says(status: int, body: str, said: str) -> None:
    assert pages.short_text(replace(answer(body), status=status)) == said


def test_what_stands_in_a_comment_is_not_on_the_page() -> None:
    text = (
        '<!-- <script src="http://a.test/old.js"></script> --><p>x</p><!--[if IE]><input type=password><![endif]-->fin'
    )
    assert pages.without_comments(text) == "<p>x</p>fin"
    # a string of a script, not a comment: nothing is lost
    assert pages.without_comments("<script>s='<!--'</script><p>") == "<script>s='<!--'</script><p>"
    assert len(pages.without_comments("<!--" * 16_000)) == 64_000
