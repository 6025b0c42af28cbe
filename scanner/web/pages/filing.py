"""What is filed: a dossier frozen for good, and its evidence pack, signed by the key that the configuration names."""

from __future__ import annotations

from scanner.freezing import freeze, frozen
from scanner.judging import judge_scan
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Download, Going, Refused, Unknown


def _scan(asked: Asked) -> str:
    """The newest judged scan, which must be the one that the page showed."""
    newest = max(asked.store.boards.standings(asked.perimeter).values(), key=lambda s: s.at, default=None)
    if newest is None or newest.scan != asked.form.get("scan", ""):
        raise Refused(
            asked.say(
                "Un scan plus récent a été jugé entre-temps : relisez le dossier, puis recommencez.",
                "A newer scan has been judged meanwhile: read the file again, then try again.",
            )
        )
    return newest.scan


def _freeze(asked: Asked) -> Going:
    dossier = judge_scan(asked.settings, asked.store, _scan(asked))
    made = freeze(asked.settings, asked.store, dossier)
    told = asked.say("Dossier figé, SHA-256 {}.", "Dossier frozen, SHA-256 {}.").format(made.dossier.id)
    return Going(to=f"/p/{asked.perimeter}/dossier#filed", told=told, data={"dossier": made.dossier.id})


def _document(asked: Asked) -> tuple[str, str, bytes]:
    """The document of a frozen dossier, while it is the one that was frozen."""
    found = frozen(asked.settings, asked.store, asked.perimeter)
    known = next((f for f in found if f.dossier.id == asked.path["dossier"]), None)
    if known is None:
        raise Unknown
    if known.state != "same":
        raise Refused(
            asked.say(
                "Ce document n’est plus celui qui a été figé : restaurez {}.",
                "This document is no longer the one that was frozen: restore {}.",
            ).format(known.path)
        )
    body = known.path.read_bytes()
    asked.store.audit.note("export", perimeter=asked.perimeter, dossier=known.dossier.id)
    return f"dossier-{asked.perimeter}-{known.dossier.id[:16]}.json", "application/json", body


def _pack(asked: Asked) -> tuple[str, str, bytes]:
    from reports.evidence.pack import archive, digest
    from scanner.evidence import build

    scan = _scan(asked)
    if not build.signs(asked.settings):
        raise Refused(
            asked.say(
                "Ce serveur n’a pas de clé de signature : nommez-la sous [evidence], key ou signer, dans le fichier de "
                "configuration. « hygie evidence » signe aussi, sur la machine elle-même.",
                "This server has no signing key: name it under [evidence], key or signer, in the configuration file. "
                "“hygie evidence” signs too, on the machine itself.",
            )
        )
    dossier = judge_scan(asked.settings, asked.store, scan)
    wanted = build.Wanted(formats=("html", "pdf"), language=asked.language)
    files = build.build(asked.settings, asked.store, asked.store.record(scan), dossier, wanted, asked.now)
    body = archive(files)
    asked.store.audit.note("evidence-made", scan=scan, judgement=dossier.judgement.id, pack=digest(body))
    return f"preuve-{asked.perimeter}-{scan}.zip", "application/zip", body


_FIELDS = {"scan": "the id of the newest judged scan, as the page of the file tells it"}

FREEZE = Action(
    path="/p/{perimeter}/dossier/freeze",
    right=Right.FREEZE,
    do=_freeze,
    fields=_FIELDS,
    title=("Figer le dossier", "Freeze the dossier"),
)
DOCUMENT = Download(
    path="/p/{perimeter}/dossier/frozen/{dossier}",
    right=Right.EXPORT,
    make=_document,
    title=("Dossier figé", "Frozen dossier"),
)
PACK = Download(
    path="/p/{perimeter}/dossier/evidence",
    right=Right.FREEZE,
    make=_pack,
    fields=_FIELDS,
    title=("Dossier de preuve signé", "Signed evidence pack"),
)
