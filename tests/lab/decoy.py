"""A scene where everything points to one address that no grant covers; run in a namespace, it scans and tells.

The decoy is pointed at by an in-scope name, a CNAME, an MX, an SRV record, an SPF policy, a certificate, a redirect, a
link and a content security policy; and each of the last five names a decoy of its own, outside the mandate's domains
and beneath them.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from reports import json
from rules.registry import load as registry
from scanner import run
from scanner.config.load import parse
from scanner.demo import nameserver, services
from scanner.demo.certificates import authority, leaf
from scanner.demo.nameserver import NameServer
from scanner.demo.services import Page, Site
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.scene import DNS, configuration, zones

DECOY, SITE = "198.51.100.66", "127.78.0.10"
#: Each undeclared place, with the address of its own decoy.
PLACES = {place: f"198.51.100.{10 + at}" for at, place in enumerate(("link", "spf", "certificate", "csp", "redirect"))}
_ROOT, _OWN = "127.78.0.1", "127.78.0.2"
_ZONES = {
    ".": f"@ 60 SOA a.root. h. 1 1 1 1 1\n@ 60 NS a.root.\na.root. 60 A {_ROOT}\n"
    f"leurre.test. 60 NS ns.leurre.test.\nns.leurre.test. 60 A {_OWN}\n"
    f"ailleurs.test. 60 NS ns.ailleurs.test.\nns.ailleurs.test. 60 A {_OWN}\n",
    "leurre.test.": f"""
@ 60 SOA ns h 1 1 1 1 1
@ 60 NS ns
ns 60 A {_OWN}
@ 60 MX 10 mail.ailleurs.test.
@ 60 TXT "v=spf1 a:decoy.ailleurs.test mx ip4:{DECOY} include:spf.ailleurs.test include:spf.leurre.test -all"
spf 60 TXT "v=spf1 ip4:{DECOY} -all"
www 60 A {SITE}
alias 60 CNAME decoy.ailleurs.test.
piege 60 A {DECOY}
_ldap._tcp 60 SRV 0 100 389 piege
_ldap._tcp.dc._msdcs 60 SRV 0 100 389 decoy.ailleurs.test.
_mta-sts 60 TXT "v=STSv1; id=1"
mta-sts 60 A {DECOY}
"""
    + "".join(f"{place} 60 A {address}\n" for place, address in PLACES.items()),
    "ailleurs.test.": f"""
@ 60 SOA ns h 1 1 1 1 1
@ 60 NS ns
ns 60 A {_OWN}
decoy 60 A {DECOY}
mail 60 A {DECOY}
spf 60 TXT "v=spf1 ip4:{DECOY} -all"
"""
    + "".join(f"{place} 60 A {address}\n" for place, address in PLACES.items()),
}


_ALLOWED = ("decoy.ailleurs.test", "csp.ailleurs.test", "csp.leurre.test")
_CERTIFIED = (
    "www.leurre.test", "decoy.ailleurs.test", "piege.leurre.test", "certificate.ailleurs.test",
    "certificate.leurre.test",
)  # fmt: skip


def _configuration(folder: Path) -> str:
    """The configuration of the scene: the decoy lies in no network of the mandate, and nothing is hosted."""
    more = f"""
[probes.dns]
roots = ["{_ROOT}"]
[probes.tls]
ports = [8443]
store = "{folder / "ca.pem"}"
[probes.ports]
short = [8443, 8080, 8081, 8088, 25, 389, 443]
patience = 0.3
[probes.web]
tls_ports = [8443]
clear_ports = [8080, 8081, 8088]
pause = 0.0
"""
    return configuration(
        resolver=_ROOT, domains=["leurre.test"], networks=["127.78.0.0/24"], perimeter="leurre",
        hosts=["www.leurre.test", "alias.leurre.test", "piege.leurre.test"], more=more, mandate="level = 3",
    )  # fmt: skip


async def scene(folder: Path) -> bytes:
    """Stage, scan at level 3, and return the JSON report."""
    now = datetime.now(UTC)
    staged = zones(_ZONES)
    signer = authority("AC", now)
    (folder / "ca.pem").write_bytes(signer.chain[0].public_bytes(Encoding.PEM))
    page = '<a href="https://link.ailleurs.test/">x</a><a href="//link.leurre.test/">y</a>'
    page += f'<a href="https://decoy.ailleurs.test/">x</a><img src="http://{DECOY}/i.png"><script src="//{DECOY}/s.js">'
    tls = Site(
        name="www.leurre.test",
        address=SITE,
        port=8443,
        identity=leaf(signer, _CERTIFIED, now),
        headers={"Content-Security-Policy": f"default-src https://{DECOY} {' '.join(_ALLOWED)}"},
        pages={"/": Page(body=page.encode())},
    )
    moved = [
        Site(name="www.leurre.test", address=SITE, port=port, pages={"/": Page(status=302, headers={"Location": to})})
        for port, to in (
            (8080, f"http://{DECOY}/"),
            (8081, "http://redirect.ailleurs.test:8080/"),
            (8088, "http://redirect.leurre.test:8080/"),
        )
    ]
    root = NameServer(zones=tuple(staged.values()), resolver=True)
    own = NameServer(zones=(staged["leurre.test."], staged["ailleurs.test."]))
    settings = parse(folder / "config.toml", _configuration(folder))
    async with contextlib.AsyncExitStack() as stack:
        for address, server in ((_ROOT, root), (_OWN, own)):
            await stack.enter_async_context(nameserver.serving(server, address, DNS))
        for site in (tls, *moved):
            await stack.enter_async_context(services.serving(site))
        with open_store(folder / "hygie.sqlite") as store:
            ended, _ = await run.scan(settings, store, "leurre", level=3)
            return json.render(judge_scan(settings, store, ended.id), registry().cards)


if __name__ == "__main__":
    sys.stdout.buffer.write(asyncio.run(scene(Path(sys.argv[1]))))
