"""Mandates, directories and perimeters entered on screen, held to the rules of the configuration file."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from scanner.config.secrets import SecretError, read
from scanner.web.declaring import declare, earlier
from scanner.web.lines import hosted, lines, window
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Going, Refused

_URL = re.compile(r"ldaps?://[^/\s]+/?")


def _mandate(asked: Asked) -> Going:
    form, document = asked.form, asked.files.get("document")
    reference = form.get("reference", "").strip()
    table: dict[str, Any] = {
        "reference": reference,
        "signatory": form.get("signatory", "").strip(),
        "valid_from": form.get("valid_from", ""),
        "valid_until": form.get("valid_until", ""),
        "level": int(form["level"]) if form.get("level", "") in {"1", "2", "3"} else 2,
        "identify_devices": form.get("identify_devices", "no") == "yes",
        "domains": lines(form, "domains"),
        "networks": lines(form, "networks"),
        "directories": lines(form, "directories"),
        "excluded_names": lines(form, "excluded_names"),
        "excluded_networks": lines(form, "excluded_networks"),
        "hosted": [hosted(asked, line) for line in lines(form, "hosted")],
        "windows": [window(asked, line) for line in lines(form, "windows")],
    }
    if not table["reference"] or not table["signatory"]:
        raise Refused(
            asked.say("Un mandat a une référence et un signataire.", "A mandate has a reference and a signatory.")
        )
    if document is not None and document[1]:
        table["document_sha256"] = hashlib.sha256(document[1]).hexdigest()
    elif digest := earlier(asked, "mandates", reference).get("document_sha256"):
        table["document_sha256"] = digest
    return declare(asked, "mandates", table, asked.say("Mandat enregistré.", "Mandate recorded."))


def _directory(asked: Asked) -> Going:
    """A directory; its password is one of the references that the file allows, and must be readable now."""
    form = asked.form
    table: dict[str, Any] = {
        "name": form.get("name", "").strip(),
        "url": form.get("url", "").strip(),
        "user": form.get("user", "").strip(),
        "password": form.get("password", ""),
        "bind": form.get("bind", "negotiate"),
        "base": form.get("base", "").strip(),
        "address": form.get("address", "").strip(),
        "ca_file": form.get("ca_file", "").strip(),
        "starttls": form.get("starttls", "no") == "yes",
        "page_size": form.get("page_size", "").strip() or "1000",
        "throttle": form.get("throttle", "").strip().replace(",", ".") or "0",
    }
    if not _URL.fullmatch(table["url"]):
        raise Refused(
            asked.say(
                "L’adresse d’un annuaire s’écrit ldaps://dc1.ad.exemple.fr ou ldap://dc1.ad.exemple.fr.",
                "A directory’s address is written ldaps://dc1.ad.example.org or ldap://dc1.ad.example.org.",
            )
        )
    if table["password"] not in allowed(asked):
        raise Refused(
            asked.say(
                "Le mot de passe se choisit parmi les références autorisées par [serve] secrets dans le fichier de "
                "configuration ; il ne se saisit jamais ici.",
                "The password is chosen among the references that [serve] secrets allows in the configuration file; it "
                "is never entered here.",
            )
        )
    try:
        read(table["password"])
    except SecretError as error:
        raise Refused(f"{table['password']} : {error}") from error
    return declare(asked, "directories", table, asked.say("Annuaire enregistré.", "Directory recorded."))


def allowed(asked: Asked) -> tuple[str, ...]:
    """Return the references to secrets that a directory entered on screen may name: the file lists them.

    Any other would let whoever configures on screen send a file of this machine to a server of theirs.
    """
    return asked.settings.file.serve.secrets


def _perimeter(asked: Asked) -> Going:
    form = asked.form
    id = form.get("id", "").strip()
    before = {str(m["finess"]): m for m in earlier(asked, "perimeters", id).get("members", ())}
    table = {
        "id": id,
        "name": form.get("name", "").strip(),
        "unit": form.get("unit", "ej"),
        "region": form.get("region", "").strip(),
        "ght": form.get("ght", "").strip(),
        "mandate": form.get("mandate", ""),
        "hosts": lines(form, "hosts"),
        "directories": lines(form, "directories"),
        "members": [_member(asked, line, before) for line in lines(form, "members")],
    }
    if not table["name"]:
        raise Refused(asked.say("Un périmètre a un nom.", "A perimeter has a name."))
    return declare(asked, "perimeters", table, asked.say("Périmètre enregistré.", "Perimeter recorded."))


def _member(asked: Asked, line: str, before: dict[str, dict[str, str]]) -> dict[str, str]:
    """A member by its FINESS number; the register completes what the line leaves out."""
    number, _, name = line.partition(" ")
    known = asked.store.register.of([number]).get(number)
    if known is None:
        return {**before.get(number, {}), "finess": number, "name": name.strip() or number}
    return {
        "finess": number,
        "name": name.strip() or known.name,
        "category": known.category,
        "region": known.region,
    }


MANDATE = Action(
    path="/settings/mandates",
    right=Right.CONFIGURE,
    do=_mandate,
    fields={
        "reference": "its name",
        "signatory": "who signed it",
        "valid_from": "a day",
        "valid_until": "a day, inclusive",
        "level": "1, 2 or 3",
        "identify_devices": "yes or no: industrial and building devices are asked for their name at level 3",
        "windows": "mon-fri 20:00-06:00, one a line; none is always",
        "domains": "one a line",
        "networks": "one a line",
        "directories": "ldaps:// addresses, one a line",
        "excluded_names": "one a line",
        "excluded_networks": "one a line",
        "hosted": "name; provider; ports; authorisation, one a line",
        "document": "the signed file (multipart); its SHA-256 alone is kept",
    },
    title=("Enregistrer un mandat", "Record a mandate"),
)
DIRECTORY = Action(
    path="/settings/directories",
    right=Right.CONFIGURE,
    do=_directory,
    fields={
        "name": "lower-case letters, digits and hyphens",
        "url": "ldaps:// or ldap:// address of a controller",
        "user": "the account that reads",
        "password": "a reference that [serve] secrets allows; never the password itself",
        "bind": "negotiate, kerberos, ntlm or simple (over TLS only)",
        "base": "a naming context, the domain’s own by default",
        "address": "numeric address, in place of the resolver",
        "ca_file": "PEM authorities, a path beside the configuration",
        "starttls": "yes or no",
        "page_size": "objects asked at a time",
        "throttle": "seconds of rest before each page",
    },
    title=("Enregistrer un annuaire", "Record a directory"),
)
PERIMETER = Action(
    path="/settings/perimeters",
    right=Right.CONFIGURE,
    do=_perimeter,
    fields={
        "id": "lower-case letters, digits and hyphens",
        "name": "its name",
        "unit": "ght, ej or et",
        "region": "INSEE code",
        "ght": "name of its group",
        "mandate": "a mandate's reference",
        "hosts": "one a line",
        "directories": "names of directories, one a line",
        "members": "FINESS number and name, one a line",
    },
    title=("Enregistrer un périmètre", "Record a perimeter"),
)
