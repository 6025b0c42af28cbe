"""Plays the demonstration: the stage goes up, the product's own scan runs, the outputs are written."""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file
from importlib.resources import files as files_of
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from reports import json, manifest, summary
from reports.evidence.pack import archive
from reports.formats import html
from rules.registry import load as registry
from scanner import run
from scanner.clock import utc_now
from scanner.config.load import ConfigError, Settings, parse
from scanner.demo import establishment, nameserver, services
from scanner.evidence import build
from scanner.imports import import_file
from scanner.judging import judge_scan
from scanner.progress import watch
from scanner.store.store import open_store

FAULTY, HEALTHY = "ch-valmorel", "clinique-bonport"
#: What the names of the demonstration's files begin with.
_OWN = ("demo.", "demo-", f"{FAULTY}.", f"{HEALTHY}.")
_HOSTS = ("www", "rdv", "webmail", "extranet", "pacs", "ged", "ancien-portail", "sauvegarde")


def play(folder: Path, *, hold: bool = False) -> str:
    """Stage, scan, write into ``folder``, and return what to print; an earlier demonstration's files are replaced."""
    return asyncio.run(_play(folder, hold=hold))


async def _play(folder: Path, *, hold: bool) -> str:
    staged = establishment.stage(datetime.now(UTC))
    async with contextlib.AsyncExitStack() as stack:
        try:
            for address, server in staged.nameservers:
                await stack.enter_async_context(nameserver.serving(server, address, establishment.DNS_PORT))
            for service in staged.services:
                await stack.enter_async_context(services.serving(service))
        except OSError as error:
            raise ConfigError(f"the stage cannot be set: {error.strerror}; end any other `hygie demo` first") from error
        _clear(folder)
        anchor = folder / "demo-ca.pem"
        anchor.write_bytes(staged.authority.chain[0].public_bytes(Encoding.PEM))
        config = folder / "demo.toml"
        config.write_text(configuration(anchor.resolve()))
        settings = parse(config, config.read_text())
        text = await _scan_both(settings, folder)
        if hold:
            print(f"{text}\nThe stage stays up until Ctrl-C.", flush=True)
            await asyncio.Event().wait()
    return text


def _clear(folder: Path) -> None:
    """Make the folder, without the files of an earlier demonstration."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_file() and (old.name == manifest.SUMS or old.name.startswith(_OWN)):
            old.unlink()


async def _scan_both(settings: Settings, folder: Path) -> str:
    files: dict[str, bytes] = {}
    texts = []
    with open_store(folder / "demo.sqlite") as store:
        with as_file(files_of("scanner.demo") / "directory.zip") as capture:
            read, _ = await import_file(settings, store, "ldif", capture, perimeter=FAULTY, box="contrôleur fictif")
        judge_scan(settings, store, read.id)
        for perimeter in (FAULTY, HEALTHY):
            progress, shown = watch()
            with shown:
                ended, _ = await run.scan(settings, store, perimeter, progress=progress)
            dossier = judge_scan(settings, store, ended.id)
            cards = registry().cards
            files[f"{perimeter}.json"] = json.render(dossier, cards)
            files[f"{perimeter}.html"] = html.render(dossier, cards, "fr")
            text = summary.render(dossier, cards)
            files[f"{perimeter}.txt"] = text.encode()
            texts.append(text)
            files[f"{perimeter}.manifest.json"] = manifest.manifest(dossier, dict(files))
            if perimeter == FAULTY:
                record = store.record(ended.id)
                made = build.build(settings, store, record, dossier, build.Wanted(), utc_now())
                files[f"{perimeter}.preuve.zip"] = archive(made)
    files[manifest.SUMS] = manifest.sums(files)
    for name, data in files.items():
        path = folder / name
        path.write_bytes(data)
        os.chmod(path, 0o600)
    pages = "\n".join(f"  {(folder / name).resolve().as_uri()}" for name in sorted(files) if name.endswith(".html"))
    return "\n".join(texts) + f"\n{folder}/ : {', '.join(sorted(files))}\n\nÀ ouvrir dans un navigateur :\n{pages}\n"


def configuration(anchor: Path) -> str:
    """Return the demonstration's own configuration file, in force around today."""
    today = datetime.now(UTC).date()
    start, end = today - timedelta(days=1), today + timedelta(days=1)
    granted = f'signatory = "Établissement fictif"\nvalid_from = {start}\nvalid_until = {end}'
    hosts = ", ".join(f'"{h}.{establishment.FAULTY}"' for h in _HOSTS)
    return f"""
[box]
name = "demonstration"
vantage = "internet"
[store]
url = "demo.sqlite"
[dns]
resolver = "{establishment.RESOLVER}"
resolver_port = {establishment.DNS_PORT}
port = {establishment.DNS_PORT}
[pace]
connections = 5000.0
connections_per_network = 5000.0
connections_per_address = 1000.0
questions = 5000.0
questions_per_server = 2000.0
burst = 200
[run]
second_look_seconds = 1.0
[probes.dns]
roots = ["{establishment.ROOT}"]
[probes.ports]
short = [{establishment.HTTPS}, {establishment.HTTP}]
patience = 0.5
[probes.tls]
ports = [{establishment.HTTPS}]
store = "{anchor}"
store_label = "autorité de la démonstration"
[probes.web]
tls_ports = [{establishment.HTTPS}]
clear_ports = [{establishment.HTTP}]
pause = 0.05
[[mandates]]
reference = "DEMO-1"
{granted}
domains = ["{establishment.FAULTY}"]
networks = ["127.77.0.0/24", "127.77.10.0/24"]
[[mandates]]
reference = "DEMO-2"
{granted}
domains = ["{establishment.HEALTHY}"]
networks = ["127.77.0.0/24", "127.77.20.0/24", "127.77.21.0/24"]
[[perimeters]]
id = "{FAULTY}"
name = "Centre hospitalier de Valmorel (fictif)"
mandate = "DEMO-1"
hosts = [{hosts}]
[[perimeters]]
id = "{HEALTHY}"
name = "Clinique du Bon Port (fictive)"
mandate = "DEMO-2"
hosts = ["www.{establishment.HEALTHY}"]
"""
