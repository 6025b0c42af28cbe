"""Devices by the stacks that build them, each a process: snap7, pymodbus, bacpypes3, asyncua.

``devices.py s7|modbus|bacnet ADDRESS`` or ``devices.py opcua ADDRESS FOLDER POLICY,… TOKEN,…``; the words of policies
and tokens are asyncua's: ``NoSecurity``, ``Basic256Sha256_SignAndEncrypt``…, ``Anonymous``, ``UserName``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

from tests.lab.daemon import running
from tests.lab.services import Running


def s7(folder: Path, address: str) -> Running:
    """A processor with the name plate that snap7 gives it."""
    return running([sys.executable, "-m", __name__, "s7", address], [(address, 102)], log=folder / "log")


def modbus(folder: Path, address: str) -> Running:
    """A controller that tells its maker, its product and its revision."""
    return running([sys.executable, "-m", __name__, "modbus", address], [(address, 502)], log=folder / "log")


@contextlib.contextmanager
def bacnet(folder: Path, address: str) -> Iterator[None]:
    """A controller of a building, which says in its log that it listens."""
    log = folder / "log"
    with running([sys.executable, "-m", __name__, "bacnet", address], [], log=log):
        end = time.monotonic() + 20
        while b"listens" not in log.read_bytes():
            if time.monotonic() > end:
                raise RuntimeError(log.read_text())
            time.sleep(0.02)
        yield


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


async def _serve_modbus(address: str) -> None:
    from pymodbus import ModbusDeviceIdentification
    from pymodbus.datastore import ModbusDeviceContext, ModbusServerContext
    from pymodbus.server import StartAsyncTcpServer

    plate = {"VendorName": "Laboratoire", "ProductCode": "PM-1", "MajorMinorRevision": "2.4"}
    identity = ModbusDeviceIdentification(info_name=plate)  # type: ignore[no-untyped-call]
    context = ModbusServerContext(devices=ModbusDeviceContext(), single=True)
    await StartAsyncTcpServer(context=context, identity=identity, address=(address, 502))


async def _serve_bacnet(address: str) -> None:
    from bacpypes3.ipv4.app import NormalApplication
    from bacpypes3.local.device import DeviceObject
    from bacpypes3.pdu import IPv4Address

    device = DeviceObject(
        objectIdentifier=("device", 599), objectName="CTA-BLOC", vendorIdentifier=999, maxApduLengthAccepted=1024,
        segmentationSupported="noSegmentation", maxSegmentsAccepted=64,
    )  # fmt: skip
    application = NormalApplication(device, IPv4Address(f"{address}:47808"))
    await asyncio.sleep(0.3)
    print("listens", flush=True)
    await asyncio.Event().wait()
    application.close()


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


#: Who serves which.
_SERVED: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "modbus": _serve_modbus,
    "bacnet": _serve_bacnet,
    "opcua": _serve_opcua,
}

if __name__ == "__main__":
    kind, *words = sys.argv[1:]
    if kind == "s7":
        _serve_s7(*words)
    else:
        asyncio.run(_SERVED[kind](*words))
