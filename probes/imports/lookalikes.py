"""Look-alike domains, as dnstwist and registrars' watches list them: told to a person, never looked at."""

from __future__ import annotations

from probes.imports.names import NamesImport
from probes.interface import FoundIn


class LookAlikesImport(NamesImport):
    """Registered names that resemble the establishment's: CSV or one a line. They become candidates."""

    kind = "lookalikes"
    name = "import-lookalikes"
    found_in = FoundIn.LOOK_ALIKE
