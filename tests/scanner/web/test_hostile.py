"""Names and banners of strangers on every page: inert under the policy, in Chromium, and no page has a grave fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from probes.interface import Asset, AssetKind
from rules.interface import ObjectRef, Outcome
from rules.subject import Attestation, Waiver
from scanner.config.load import Settings
from scanner.store.store import Store
from scanner.web.route import Page, routes
from tests.lab.browser import chromium, grave_faults
from tests.scanner.web import stage

pytestmark = pytest.mark.chromium

HOSTILE = (
    '<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"><svg/onload=window.pwned=1>'
    "' onmouseover='window.pwned=1' hx-on:load='window.pwned=1' {{7*7}} javascript:alert(1) \u202e\x1b[31m"
)


@pytest.fixture(scope="module")
def haunted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Store]]:
    folder = tmp_path_factory.mktemp("hostile")
    settings = stage.configuration(folder)
    perimeters = {id: replace(p, name=HOSTILE, ght="GHT " + id) for id, p in settings.perimeters.items()}
    settings = replace(settings, perimeters=perimeters)
    with stage.store_of(folder) as store:
        stage.populate(store, settings)
        bad = stage.finding(
            stage.OURS,
            asset=f"service:tcp/443@{HOSTILE}",
            values={"subject": HOSTILE, "names": HOSTILE},
            objects=(ObjectRef(id=HOSTILE, name=HOSTILE, dn=HOSTILE),),
            reason=HOSTILE,
            fingerprint=f"{stage.OURS}-certificate-current",
        )
        unknown = stage.finding(
            stage.OURS, "tls-1-2-or-later", Outcome.UNDETERMINED, reason=f"not-readable:{HOSTILE}", fingerprint="u"
        )
        stage.judged(store, settings, stage.OURS, (bad, unknown), name="scan-later")
        store.attestations.keep(
            Attestation(
                id="a1", type="ads-report", issuer=HOSTILE, dated=stage.NOW.date(), document_sha256="0" * 64,
                values={"note": HOSTILE}, perimeter=stage.OURS, entered_by=HOSTILE, page=HOSTILE,
            )
        )  # fmt: skip
        store.waivers.grant(
            Waiver(
                id="w1", fingerprint=bad.fingerprint, reason=HOSTILE, owner=HOSTILE, granted_at=stage.NOW,
                expires=stage.NOW.date() + timedelta(days=30),
            )
        )  # fmt: skip
        store.audit.note("export", file=HOSTILE)
        candidate = Asset(kind=AssetKind.HOST, name=HOSTILE, found_by=HOSTILE)
        again = stage.judged(store, settings, stage.FOREIGN, (), name="scan-third", outside=(candidate,))
        assert again == "scan-third"
        yield settings, store


async def test_every_page_is_inert_and_readable(haunted: tuple[Settings, Store]) -> None:
    faults: list[str] = []
    async with stage.served(*haunted) as client, chromium() as browser:
        base = str(client.make_url("")).rstrip("/")
        page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.on("request", lambda r: faults.append(r.url) if not r.url.startswith((base, "data:")) else None)
        page.on("console", lambda m: faults.append(f"{page.url}: {m.text}") if m.type == "error" else None)
        await page.goto(f"{base}/login")
        faults += await grave_faults(page)
        await page.fill("#login", "admin")
        await page.fill("#password", stage.PASSWORD)
        await page.click("main button")
        for route in routes():
            if not isinstance(route, Page):
                continue
            for place in (stage.OURS, stage.FOREIGN) if "{" in route.path else (stage.OURS,):
                path = route.path.format(
                    perimeter=place,
                    fingerprint=f"{place}-certificate-current",
                    scan=f"scan-{place}",
                    ght=f"GHT {place}",
                )
                answer = await page.goto(base + path)
                assert answer is not None
                assert answer.status == 200, path
                assert "default-src 'none'" in answer.headers["content-security-policy"]
                width = await page.evaluate("document.documentElement.scrollWidth")
                faults += [f"{path}: {width} px wide on a phone"] if width > 390 else []
                faults += await grave_faults(page)
        await page.goto(f"{base}/p/{stage.OURS}/findings?outcome=all&text=<script>window.pwned=1</script>")
        await page.fill("#text", '"><img src=x onerror=window.pwned=1>')
        await page.press("#text", "Enter")
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate("window.pwned") is None
    assert not faults, "\n".join(dict.fromkeys(faults))
