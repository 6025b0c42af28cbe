"""DANE for mail on real servers, through `hygie scan`: each verdict is what a sender that checks it would do."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.dane import GUEST, LATE, RECORDS, RESOLVER, VALIDATING, Lab, exchangers, staged

pytestmark = pytest.mark.daemon

#: What `mail-dane-matches`, `mail-dane-effective` and `mail-sts-published` say of each domain.
#: None publishes MTA-STS.
VERDICTS = {
    "juste": ("met", "met", "not-applicable"),
    "faux": ("not-met", "met", "not-applicable"),
    # the old digest stays beside the new one
    "releve": ("met", "met", "not-applicable"),
    "autorite": ("met", "met", "not-applicable"),
    "autre-nom": ("not-met", "met", "not-applicable"),
    # records for the web's authorities bind no mail
    "public": ("met", "not-met", "not-met"),
    # nor do those of a zone that is not signed
    "nu": ("not-applicable", "not-met", "not-met"),
    "clair": ("not-met", "met", "not-applicable"),
    "renvoi": ("met", "met", "not-applicable"),
    "sans": ("not-applicable", "not-applicable", "not-met"),
    # who validates has no answer: `dnssec-chain-valid` blames it, and nothing is concluded of records nobody proves
    LATE: ("undetermined", "undetermined", "undetermined"),
    # its exchanger is bound; that it is the exchanger, nothing proves
    GUEST: ("met", "met", "not-met"),
}
RULES = ("mail-dane-matches", "mail-dane-effective", "mail-sts-published")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory(prefix="hygie-lab-") as folder, staged(Path(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def findings(lab: Lab) -> dict[tuple[str, str], dict[str, object]]:
    hygie = [sys.executable, "-m", "scanner"]
    done = subprocess.run([*hygie, "scan", "-c", lab.config], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (1, "")
    told = subprocess.run([*hygie, "report", "latest", "--format", "json", "-c", lab.config], capture_output=True)
    return {(f["asset"], f["rule"]): f for f in json.loads(told.stdout)["findings"]}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_scan_tells_what_senders_do(findings: dict[tuple[str, str], dict[str, object]], name: str) -> None:
    found = [findings[f"domain:{name}.test", rule] for rule in RULES]
    assert tuple(f["outcome"] for f in found) == VERDICTS[name], [f["reason"] for f in found]


@pytest.mark.parametrize(
    "name", [n for n, (texts, _, signed) in RECORDS.items() if texts and signed and n not in {"public", LATE}]
)
def test_openssl_accepts_and_refuses_the_same_servers(lab: Lab, name: str) -> None:
    host, at = f"mx.{name}.test", RECORDS[name][1]
    words = ["openssl", "s_client", "-starttls", "smtp", "-connect", f"{at}:25", "-dane_tlsa_domain", host]
    words += ["-dane_ee_no_namechecks"]
    words += [word for record in lab.records[name] for word in ("-dane_tlsa_rrdata", record)]
    done = subprocess.run(words, input="QUIT\n", capture_output=True, text=True, check=False, timeout=20)
    # without a certificate it says OK too
    verified = "Verification: OK" in done.stdout and "DANE TLSA" in done.stdout
    assert verified is (VERDICTS[name][0] == "met"), done.stdout[-2000:]


@pytest.mark.parametrize("name", [name for name in VERDICTS if name != LATE])
async def test_our_own_validation_agrees_with_a_resolver_that_validates(lab: Lab, name: str) -> None:
    own, told = await proofs(name, RESOLVER, (lab.anchor,)), await proofs(name, VALIDATING, ())
    bound = name == GUEST or (name != "nu" and bool(RECORDS[name][0]))
    # what a resolver does not say is unknown, and only our own chain tells that a zone is not signed
    assert told == (True if bound else None, (True if name != GUEST else None) if bound else None)
    assert own == ({"nu": False, "sans": None}.get(name, True), (name != GUEST) if bound else None)
    # without an anchor nobody can tell
    assert True not in await proofs(name, RESOLVER, ())


async def test_what_is_signed_no_more_is_not_proved_and_not_unsigned(lab: Lab) -> None:
    assert await proofs(LATE, RESOLVER, (lab.anchor,)) == (None, None)


async def proofs(name: str, resolver: str, anchors: tuple[str, ...]) -> tuple[bool | None, bool | None]:
    """Whether the exchanger's TLSA records, and the MX records that name it, are proved."""
    seen = await exchangers(name, resolver, anchors)
    return seen.hosts[0].tlsa_secure, seen.secure
