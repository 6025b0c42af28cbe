"""Platforms: containers, clusters and application servers, and whether they obey a caller without identity."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import ClassVar

from probes.facts.services.answered import Access, PlatformAnswered, Talk, clipped
from probes.services import http
from probes.services.conversation import Call, UnspokenError
from probes.services.family import Dialogue, FamilyProbe, FamilySettings, Said, answered

#: AJP's ping and its answer (AJP 1.3, CPing); ZooKeeper's "are you ok"; the Java RMI greeting (JRMP 10.2).
AJP_PING, AJP_PONG = b"\x12\x34\x00\x01\x0a", b"AB\x00\x01\x09"
RUOK = b"ruok"
JRMI = b"JRMI\x00\x02\x4b"
_HOST = re.compile(rb"[\w.:%-]+")
#: How many keys are called by a name that none can bear (hygie/no-such-key-7e1d5c0f, in base64): a count, no content.
ETCD_COUNT = b'{"key":"aHlnaWUvbm8tc3VjaC1rZXktN2UxZDVjMGY=","count_only":true}'


async def docker(call: Call) -> Said:
    """Read the engine's version, in clear or, on its TLS port, without showing a certificate."""
    encrypted = call.port == 2376
    answer = await http.ask(call, "/version", encrypted=encrypted)
    found = answer.json()
    if answer.status in {401, 403}:
        return Said(access=Access.REQUIRED, product="Docker", encryption=encrypted)
    if "ApiVersion" not in found:
        raise UnspokenError(Talk.OTHER)
    version = clipped(str(found.get("Version", "")))
    return Said(access=Access.OPEN, product="Docker", version=version, encryption=encrypted)


async def kubernetes(call: Call) -> Said:
    """Read the version, which the API server gives to anybody, then ask for the list of API groups."""
    version = await http.ask(call, "/version", encrypted=True)
    found = version.json()
    if version.status in {401, 403} and found.get("kind") == "Status":
        return Said(access=Access.REQUIRED, product="Kubernetes", encryption=True)
    if "gitVersion" not in found:
        raise UnspokenError(Talk.OTHER)
    groups = await http.ask(call, "/apis", encrypted=True)
    access = {200: Access.OPEN, 401: Access.REQUIRED, 403: Access.REQUIRED}.get(groups.status, Access.UNKNOWN)
    git = clipped(str(found["gitVersion"]))
    return Said(access=access, product="Kubernetes", version=git, encryption=True)


async def kubelet(call: Call) -> Said:
    """Ask a node's agent whether it is well: it says so to anybody only when it asks nobody who he is."""
    answer = await http.ask(call, "/healthz", encrypted=True)
    if answer.status == 200 and answer.body.strip() == b"ok":
        return Said(access=Access.OPEN, product="kubelet", encryption=True)
    if answer.status in {401, 403} and re.match(rb"(Unauthorized|Forbidden)", answer.body):
        return Said(access=Access.REQUIRED, product="kubelet", encryption=True)
    raise UnspokenError(Talk.OTHER)


async def etcd(call: Call) -> Said:
    """Read the version, in clear or else within TLS, then whether authentication is switched on; no key is read."""
    for encrypted in (False, True):
        try:
            found = (await http.ask(call, "/version", encrypted=encrypted)).json()
        except UnspokenError:
            if encrypted:
                raise
            continue
        if "etcdserver" in found:
            break
    else:
        raise UnspokenError(Talk.OTHER)
    access = await _etcd_access(call, encrypted=encrypted)
    version = clipped(str(found["etcdserver"]))
    return Said(access=access, product="etcd", version=version, encryption=encrypted)


async def _etcd_access(call: Call, *, encrypted: bool) -> Access:
    """Whether authentication is on; before 3.5 (404) a key that cannot exist is counted, which tells it too."""
    status = await http.ask(call, "/v3/auth/status", method="POST", body=b"{}", encrypted=encrypted)
    if status.status == 200:
        return Access.REQUIRED if status.json().get("enabled") else Access.OPEN
    if status.status != 404:
        return Access.UNKNOWN
    count = await http.ask(call, "/v3/kv/range", method="POST", body=ETCD_COUNT, encrypted=encrypted)
    if "header" in count.json():
        return Access.OPEN
    return Access.REQUIRED if "user name is empty" in str(count.json().get("error")) else Access.UNKNOWN


async def zookeeper(call: Call) -> Said:
    """Ask whether it is well; a server that does not know the question, or may not answer it, still says so."""
    async with call.open() as conversation:
        await conversation.say(RUOK)
        answer = await conversation.hear_rest(256)
    if answer != b"imok" and not answer.startswith(b"ruok is not executed"):
        raise UnspokenError(Talk.OTHER)
    return Said(product="ZooKeeper", encryption=False)


async def ajp(call: Call) -> Said:
    """Ping the connector that should only be reached by a web server beside it."""
    async with call.open() as conversation:
        await conversation.say(AJP_PING)
        if await conversation.hear(5) != AJP_PONG:
            raise UnspokenError(Talk.OTHER)
    return Said(product="AJP", encryption=False)


async def rmi(call: Call) -> Said:
    """Greet a Java registry; nothing is looked up."""
    async with call.open() as conversation:
        await conversation.say(JRMI)
        # what acknowledges is followed by the caller's own address, as it is seen from there
        kind, length = struct.unpack("!BH", await conversation.hear(3))
        if kind != 0x4E or not 1 <= length <= 253 or _HOST.fullmatch(await conversation.hear(length)) is None:
            raise UnspokenError(Talk.OTHER)
    return Said(product="Java RMI", encryption=False)


class PlatformProbe(FamilyProbe[FamilySettings]):
    """Sees who obeys anybody: the rule of such services is that whoever is obeyed owns the machine."""

    name: ClassVar[str] = "platform"
    Settings: ClassVar[type[FamilySettings]] = FamilySettings
    table: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "docker": (2375, 2376),
        "kubernetes": (6443,),
        "kubelet": (10250,),
        "etcd": (2379,),
        "zookeeper": (2181,),
        "ajp": (8009,),
        "rmi": (1099,),
    }
    dialogues: ClassVar[Mapping[str, Dialogue]] = {
        "docker": docker,
        "kubernetes": kubernetes,
        "kubelet": kubelet,
        "etcd": etcd,
        "zookeeper": zookeeper,
        "ajp": ajp,
        "rmi": rmi,
    }

    def fact(self, call: Call, protocol: str, talk: Talk, said: Said) -> PlatformAnswered:
        """Return what a platform answered."""
        return PlatformAnswered(**answered(call, protocol, talk, said))
