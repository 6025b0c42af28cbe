"""The attributes asked of a directory: named one by one, none of them a secret."""

from __future__ import annotations

import pytest

from probes.directory.attributes import SECRETS, asked
from probes.directory.rootdse import forest_domains
from probes.facts.directory import NamingContextRole
from probes.facts.entries import encode_entry
from probes.interface import ProbeError


@pytest.mark.parametrize("role", NamingContextRole)
def test_no_secret_and_no_wildcard_is_ever_asked(role: NamingContextRole) -> None:
    names = [name.lower() for name in asked(role)]
    assert not SECRETS & set(names)
    assert not [n for n in names if "*" in n or n.startswith(("unicodepwd", "mslaps-encrypted", "msfve-", "mstpm-"))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("role", NamingContextRole)
def test_every_context_gives_its_descriptors(role: NamingContextRole) -> None:
    assert {"objectClass", "objectGUID", "nTSecurityDescriptor"} <= set(asked(role))


def test_laps_is_known_by_its_expiration_only() -> None:
    laps = {name for name in asked(NamingContextRole.DOMAIN) if "laps" in name.lower() or "admpwd" in name.lower()}
    assert laps == {"ms-Mcs-AdmPwdExpirationTime", "msLAPS-PasswordExpirationTime"}


def test_the_domains_of_a_forest_are_known_by_their_cross_references() -> None:
    def reference(name: str, flags: str) -> bytes:
        return encode_entry(
            f"CN={name},CN=Partitions,CN=Configuration,DC=chu,DC=example",
            {
                "nCName": [f"DC={name},DC=chu,DC=example".encode()],
                "nETBIOSName": [b"X"],
                "systemFlags": [flags.encode()],
            },
        )

    messages = [reference("lyon", "3"), reference("zones", "5"), reference("bizarre", "x"), encode_entry("CN=a", {})]
    assert forest_domains(messages) == ["lyon.chu.example"]
    with pytest.raises(ProbeError):
        forest_domains([b"nETBIOSName"])
