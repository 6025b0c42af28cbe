"""The whole way on a new file, in Chromium: account, mandate, perimeter, schedule, scan watched live, finding, waiver,
export; then a scan that is stopped."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.async_api import Page

from scanner.demo import establishment, nameserver, play, services
from tests.lab.browser import chromium, grave_faults

pytestmark = pytest.mark.chromium

PASSWORD = "une longue phrase de passe"
#: Where screenshots go when somebody wants to look at them.
PICTURES = os.environ.get("HYGIE_PICTURES", "")


@asynccontextmanager
async def lab(folder: Path) -> AsyncIterator[Path]:
    """The demonstration's stage on loopback, and a configuration that names it and declares nothing."""
    staged = establishment.stage(datetime.now(UTC))
    anchor = folder / "ca.pem"
    anchor.write_bytes(staged.authority.chain[0].public_bytes(Encoding.PEM))
    text = play.configuration(anchor)
    config = folder / "hygie.toml"
    config.write_text(text[: text.index("[[mandates]]")])
    async with AsyncExitStack() as stack:
        for address, server in staged.nameservers:
            await stack.enter_async_context(nameserver.serving(server, address, establishment.DNS_PORT))
        for service in staged.services:
            await stack.enter_async_context(services.serving(service))
        yield config


@asynccontextmanager
async def service(config: Path) -> AsyncIterator[tuple[str, str]]:
    """`hygie serve`, its address and the token of the first account."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "scanner", "serve", "-c", str(config), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        line = (await asyncio.wait_for(process.stderr.readline(), 60)).decode()
        token = re.search(r"token (\S+)", line)
        assert token is not None, line
        yield f"http://127.0.0.1:{port}", token[1]
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 30)


class Walk:
    """A walk through the dashboard that is checked and pictured at every stop."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda m: self.faults.append(f"{page.url}: {m.text}") if m.type == "error" else None)

    async def stop(self, name: str) -> None:
        self.faults += await grave_faults(self.page)
        if PICTURES:
            for width in (1280, 390):
                await self.page.set_viewport_size({"width": width, "height": 900})
                await self.page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
            await self.page.set_viewport_size({"width": 1280, "height": 900})

    async def fill(self, **fields: str) -> None:
        for id, text in fields.items():
            await self.page.fill(f"#{id.replace('_', '-', 1)}", text)


async def test_the_whole_way(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    async with lab(tmp_path) as config, service(config) as (base, token), chromium() as browser:
        context = await browser.new_context(accept_downloads=True)
        context.set_default_timeout(30_000)
        page = await context.new_page()
        walk = Walk(page)
        await page.goto(f"{base}/setup")
        await walk.stop("setup")
        await walk.fill(token=token, name="Anne Dupont", login="anne", password=PASSWORD)
        await page.click("main button")
        await walk.stop("home-empty")
        await page.click("text=Déclarer un mandat et un périmètre")
        await walk.fill(
            m_reference="M-1", m_signatory="Directrice générale", m_from=str(today - timedelta(days=1)),
            m_until=str(today + timedelta(days=30)), m_domains=establishment.FAULTY,
            m_networks="127.77.0.0/24\n127.77.10.0/24",
        )  # fmt: skip
        await page.click("text=Enregistrer le mandat")
        hosts = "\n".join(f"{host}.{establishment.FAULTY}" for host in ("www", "rdv", "webmail"))
        await walk.fill(p_name="Centre hospitalier de Valmorel", p_id="valmorel", p_hosts=hosts)
        await page.click("text=Enregistrer le périmètre")
        await page.click("text=Planifier des scans")
        await walk.fill(s_cron="* * * * *", s_start="00:00", s_end="23:59")
        await page.click("text=Enregistrer la planification")
        await page.get_by_role("status").get_by_text("Planification enregistrée").wait_for()
        await walk.stop("settings")
        await watched(walk, base)
        await page.goto(f"{base}/settings")
        await page.get_by_role("row", name=re.compile("Liste courte")).get_by_role("button").click()
        await read_and_waived(walk, base, str(today + timedelta(days=90)))
        await exported(walk, base, tmp_path)
        await stopped(walk, base)
        await page.goto(f"{base}/audit")
        await walk.stop("audit")
        log = await page.inner_text("table")
        for event in (
            "connexion",
            "déclaration enregistrée",
            "scan commencé",
            "risque accepté",
            "export",
            "arrêt demandé",
        ):
            assert event in log, event
        assert not walk.faults, "\n".join(dict.fromkeys(walk.faults))


async def watched(walk: Walk, base: str) -> None:
    """The scheduled scan begins by itself, and its page fills without being asked again."""
    page = walk.page
    for _ in range(60):
        await page.goto(f"{base}/p/valmorel/scans")
        running = page.locator("p.told a")
        if await running.count():
            break
        await asyncio.sleep(0.5)
    await running.click()
    first = await page.inner_text("#ended")
    for _ in range(100):
        if not await page.locator("#ended").count() or await page.inner_text("#ended") != first:
            break
        await asyncio.sleep(0.1)
    await walk.stop("scan-live")
    await page.locator("#live").wait_for(state="detached")
    for _ in range(60):
        await page.reload()
        if await page.locator("svg.level").count():
            break
        await asyncio.sleep(0.5)
    await walk.stop("scan-ended")


async def read_and_waived(walk: Walk, base: str, expires: str) -> None:
    page = walk.page
    await page.goto(f"{base}/p/valmorel")
    await walk.stop("perimeter")
    await page.goto(f"{base}/p/valmorel/findings")
    await walk.stop("findings")
    await page.select_option("#severity", "high")
    await page.wait_for_url(re.compile("severity=high"))
    await page.locator(".findings .title a").first.click()
    await walk.stop("finding")
    await page.click("text=Accepter ce risque pour un temps")
    await walk.fill(reason="Remplacement commandé, livré en janvier", owner="RSSI", expires=expires)
    await page.get_by_role("button", name="Accepter le risque").click()
    await page.get_by_role("status").get_by_text("Risque accepté").wait_for()
    await walk.stop("finding-waived")


async def exported(walk: Walk, base: str, folder: Path) -> None:
    page = walk.page
    await page.goto(f"{base}/p/valmorel/dossier")
    await walk.stop("dossier")
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="JSON").click()
    download = await coming.value
    await download.save_as(folder / "dossier.json")
    report = json.loads((folder / "dossier.json").read_text())
    assert report["schema"].startswith("hygie/report/")
    assert any(finding["waiver"] for finding in report["findings"])


async def stopped(walk: Walk, base: str) -> None:
    """A scan that is asked to stop has stopped within two seconds."""
    page = walk.page
    await page.goto(f"{base}/p/valmorel/scans")
    await page.click("text=Lancer maintenant")
    await page.locator("#live").wait_for()
    await page.get_by_role("button", name="Arrêter le scan").click()
    asked = asyncio.get_running_loop().time()
    while "interrompu" not in await page.inner_text(".head"):
        assert asyncio.get_running_loop().time() - asked < 2.5, await page.inner_text("main")
        await asyncio.sleep(0.1)
        await page.reload()
