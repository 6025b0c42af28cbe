"""Chromium for tests, and axe-core in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
#: What axe-core calls a fault that stops somebody.
_GRAVE = {"serious", "critical"}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_ARGUMENTS.split())
        try:
            yield browser
        finally:
            await browser.close()


async def grave_faults(page: Page) -> list[str]:
    """Return the serious and critical faults that axe-core finds on a page."""
    results: dict[str, Any] = (await Axe().run(page)).response
    return [
        f"{page.url}: {fault['id']}: {node['html'][:120]}"
        for fault in results["violations"]
        if fault["impact"] in _GRAVE
        for node in fault["nodes"]
    ]
