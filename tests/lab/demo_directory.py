"""Makes the directory of the demonstration anew: a Samba domain with chosen faults, exported by ldapsearch, zipped.

``python -m tests.lab.demo_directory`` writes ``scanner/demo/directory.zip``. Only allow-listed attributes are asked.
"""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

from probes.directory.attributes import asked
from probes.facts.directory import NamingContextRole
from scanner.demo.establishment import FOREST
from tests.lab import samba

FAULTS = (
    "vuln_krbtgt", "vuln_spn_priv", "vuln_dont_expire_priv", "vuln_kerberos_properties_preauth", "vuln_delegation_t4d",
    "vuln_guest", "vuln_compatible_2000_anonymous", "vuln_permissions_adminsdholder", "vuln_trusts_domain_notfiltered",
    "vuln_password_change_server_no_change_90", "vuln_user_accounts_machineaccountquota",
)  # fmt: skip
TARGET = Path(__file__).parents[2] / "scanner" / "demo" / "directory.zip"
#: The same instant in every entry, so that the same domain gives the same bytes.
_DATED = (2026, 11, 24, 0, 0, 0)


def main() -> None:
    """Provision, seed, export, zip."""
    with samba.domain(FOREST, netbios="VALMOREL", faults=FAULTS) as domain:
        base = domain.base
        contexts = {
            "": None,
            base: NamingContextRole.DOMAIN,
            f"CN=Configuration,{base}": NamingContextRole.CONFIGURATION,
            f"CN=Schema,CN=Configuration,{base}": NamingContextRole.SCHEMA,
            f"DC=DomainDnsZones,{base}": NamingContextRole.DOMAIN_DNS,
            f"DC=ForestDnsZones,{base}": NamingContextRole.FOREST_DNS,
        }
        texts = {f"{number}.ldif": _search(domain, dn, role) for number, (dn, role) in enumerate(contexts.items())}
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in texts.items():
            archive.writestr(zipfile.ZipInfo(name, _DATED), text, zipfile.ZIP_DEFLATED, 9)
    print(TARGET, TARGET.stat().st_size)


def _search(domain: samba.Domain, dn: str, role: NamingContextRole | None) -> bytes:
    words = ["ldapsearch", "-x", "-H", f"ldaps://{domain.address}", "-D", domain.admin, "-w", samba.ADMIN_PASSWORD]
    if role is None:
        words += ["-s", "base", "-b", "", "(objectClass=*)", "*", "+"]
    else:
        words += ["-E", "pr=1000/noprompt", "-E", "!1.2.840.113556.1.4.801=::MAMCAQc=", "-b", dn, "(objectClass=*)"]
        words += asked(role)
    environment = {**os.environ, "LDAPTLS_REQCERT": "never"}
    return subprocess.run(words, check=True, capture_output=True, env=environment).stdout


if __name__ == "__main__":
    main()
