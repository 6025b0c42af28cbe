"""How a TLS endpoint is reached: from the first byte, or after the preamble of its protocol."""

from __future__ import annotations

from ipaddress import ip_address

from probes.interface import Asset, FoundIn, IPAddress, Line, ProbeError, Reason, Stream
from probes.tls.exchange import ANSWER, Connect
from probes.tls.preamble import PREAMBLES

#: Ports on which TLS is spoken from the first byte.
PORTS = (
    443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 2083, 2087, 2096, 2376, 2762, 3269, 4443, 5061, 5986,
    6443, 6514, 8006, 8443, 8883, 9443, 10443,
)  # fmt: skip


def opener(
    line: Line, address: IPAddress, port: int, *, name: str, ports: tuple[int, ...], patience: float, level: int
) -> Connect:
    """Return what opens connections that are ready for a hello; ``ports`` need no preamble."""
    preamble = None if port in ports else PREAMBLES.get(port)

    async def connect() -> Stream:
        stream = await line.connect(address, port, name=name, level=level, deadline=patience, cap=ANSWER + 8192)
        if preamble is not None:
            try:
                await preamble(stream, line.identity)
            except ProbeError:
                await stream.close()
                raise
        return stream

    return connect


async def offered(connect: Connect) -> bool:
    """Tell whether a service that starts in clear offers TLS at all."""
    try:
        await (await connect()).close()
    except ProbeError as error:
        if error.reason is Reason.NOT_SPOKEN:
            return False
        raise
    return True


def spoken(asset: Asset, ports: tuple[int, ...]) -> bool:
    """Tell whether an asset is a TCP service that may speak TLS, by its port.

    A site that the DNS does not lead to is left out: its server is looked at under the names that lead there.
    """
    port = asset.port in ports or asset.port in PREAMBLES
    return port and asset.transport == "tcp" and bool(asset.addresses) and asset.found_in is not FoundIn.VIRTUAL_HOST


def server_name(asset: Asset) -> str:
    """Return the SNI of an endpoint: its DNS name, or "" when it is known by address only."""
    try:
        ip_address(asset.host)
    except ValueError:
        return asset.host
    return ""
