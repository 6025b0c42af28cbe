"""Devices by the stacks that build them: an S7 controller (snap7), an OPC UA server (asyncua); run as a process.

``python devices.py s7 ADDRESS`` or ``python devices.py opcua ADDRESS FOLDER POLICY,… TOKEN,…``; the words are asyncua's
own: ``NoSecurity``, ``Basic256Sha256_SignAndEncrypt``…, ``Anonymous``, ``UserName``.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from tests.lab.daemon import running
from tests.lab.services import Running


def s7(folder: Path, address: str) -> Running:
    """A processor with the name plate that snap7 gives it."""
    return running([sys.executable, "-m", __name__, "s7", address], [(address, 102)], log=folder / "log")


def opcua(folder: Path, address: str, policies: str, tokens: str) -> Running:
    """A server that offers these policies, and lets in by these tokens."""
    command = [sys.executable, "-m", __name__, "opcua", address, str(folder), policies, tokens]
    return running(command, [(address, 4840)], log=folder / "log")


def _serve_s7(address: str) -> None:
    from snap7.server import Server
    from snap7.type import Parameter

    server = Server()
    server.set_param(Parameter.LocalPort, 102)
    server.start_to(address)
    threading.Event().wait()


async def _serve_opcua(address: str, folder: str, policies: str, tokens: str) -> None:
    from asyncua import ua
    from asyncua.crypto.cert_gen import setup_self_signed_certificate
    from asyncua.server.server import Server
    from cryptography.x509.oid import ExtendedKeyUsageOID

    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{address}:4840/")
    server.set_server_name("GTB du CH d'Exemple")
    server.set_security_policy([getattr(ua.SecurityPolicyType, name) for name in policies.split(",")])
    server.set_identity_tokens([getattr(ua, f"{name}IdentityToken") for name in tokens.split(",") if name])
    key, certificate = Path(folder, "key.pem"), Path(folder, "own.der")
    usage = [ExtendedKeyUsageOID.SERVER_AUTH]
    await setup_self_signed_certificate(key, certificate, "urn:ch.test", "ch.test", usage, {"commonName": "gtb"})
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))
    async with server:
        await asyncio.Event().wait()


if __name__ == "__main__":
    kind, *words = sys.argv[1:]
    if kind == "s7":
        _serve_s7(*words)
    else:
        asyncio.run(_serve_opcua(*words))
