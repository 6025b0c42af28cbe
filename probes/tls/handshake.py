"""A whole handshake by the system's library, for what a lone hello does not show; nothing is verified or sent after."""

from __future__ import annotations

import ssl

from probes.interface import ProbeError, Reason, Stream


async def shown_chain(stream: Stream, name: str) -> tuple[bytes, ...]:
    """Shake hands (TLS 1.3 hides the certificate) and return the certificates shown, leaf first, in DER."""
    tls, _ = await shaken(stream, name, _context())
    chain = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    ders = [certificate.public_bytes(ssl._ssl.ENCODING_DER) for certificate in chain or ()]  # type: ignore[attr-defined]
    if not ders:
        raise ProbeError(Reason.MALFORMED, "a handshake without certificate")
    return tuple(ders)


async def heard_before_tls13(stream: Stream, name: str) -> bytes:
    """Shake hands with TLS 1.2 or older, whatever the suite, and return every byte that the server sent."""
    context = _context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, heard = await shaken(stream, name, context)
    return heard


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def shaken(stream: Stream, name: str, context: ssl.SSLContext) -> tuple[ssl.SSLObject, bytes]:
    """Shake hands over a stream, close it, and return the session and every byte received."""
    incoming, outgoing, heard = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
    try:
        while True:
            try:
                tls.do_handshake()
                return tls, heard
            except ssl.SSLWantReadError:
                await stream.send(outgoing.read())
                data = await stream.receive()
                if not data:
                    raise ProbeError(Reason.TRUNCATED, "the handshake was cut") from None
                heard += data
                incoming.write(data)
    except ssl.SSLError as error:
        # A peer that answers with an alert speaks well, and refuses.
        reason = Reason.HANDSHAKE_REFUSED if "ALERT" in (error.reason or "") else Reason.MALFORMED
        raise ProbeError(reason, f"handshake: {error.reason or type(error).__name__}") from error
    finally:
        await stream.close()
