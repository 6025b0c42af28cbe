"""The same domain as a French installation has it: names of groups, another name for the administrator, accents."""

from __future__ import annotations

import ldb

from tests.lab.samba_seeds import FRENCH_ADMINISTRATOR
from tests.lab.samba_seeds.planting import Ground

_BY_RID = {
    498: "Contrôleurs de domaine d'entreprise en lecture seule", 501: "Invité", 512: "Admins du domaine",
    513: "Utilisateurs du domaine", 514: "Invités du domaine", 515: "Ordinateurs du domaine",
    516: "Contrôleurs de domaine", 517: "Éditeurs de certificats", 518: "Administrateurs du schéma",
    519: "Administrateurs de l'entreprise", 520: "Propriétaires créateurs de la stratégie de groupe",
    521: "Contrôleurs de domaine en lecture seule", 553: "Serveurs RAS et IAS",
    571: "Groupe de réplication autorisée", 572: "Groupe de réplication refusée",
}  # fmt: skip
_BUILTIN = {
    544: "Administrateurs", 545: "Utilisateurs", 546: "Invités", 548: "Opérateurs de compte",
    549: "Opérateurs de serveur", 550: "Opérateurs d'impression", 551: "Opérateurs de sauvegarde",
    554: "Accès compatible pré-Windows 2000",
}  # fmt: skip


def translate(ground: Ground) -> None:
    """Rename groups and accounts, and move people and machines where every DN has accents."""
    machines = ground.add(f"OU=Équipements,{ground.domain}", "organizationalUnit")
    for number, name in _BY_RID.items():
        _rename(ground, ground.by_rid(number), name, "")
    for number, name in _BUILTIN.items():
        _rename(ground, ground.by_sid(f"S-1-5-32-{number}"), name, "")
    _rename(ground, ground.by_rid(500), FRENCH_ADMINISTRATOR, ground.people)
    found = ground.sam.search(base=f"CN=Computers,{ground.domain}", scope=ldb.SCOPE_ONELEVEL, attrs=["cn"])
    for machine in found:
        ground.sam.rename(machine.dn, ldb.Dn(ground.sam, f"CN={machine['cn'][0]!s} réformé,{machines}"))


def _rename(ground: Ground, dn: str, name: str, parent: str) -> None:
    where = parent or dn.partition(",")[2]
    new = ldb.Dn(ground.sam, where)
    new.add_child(ldb.Dn(ground.sam, "CN=x"))
    new.set_component(0, "CN", name)
    ground.sam.rename(ldb.Dn(ground.sam, dn), new, controls=["relax:0"])
    ground.put(str(new), sAMAccountName=name)
