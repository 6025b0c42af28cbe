"""One message to the configured mail server: TLS from the start or by STARTTLS, never in clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

from probes.interface.secret import Secret
from scanner.outbound.https import OutboundError, verified

_DEADLINE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where messages go and as whom; ``starttls`` is False when TLS begins at once."""

    host: str
    port: int
    starttls: bool
    sender: str
    recipients: Sequence[str]
    user: str = ""
    password: Secret | None = None
    ca_file: Path | None = None


async def send(server: MailServer, subject: str, text: str) -> None:
    """Send a message; raise ``OutboundError``."""
    message = EmailMessage()
    message["From"], message["To"] = server.sender, ", ".join(server.recipients)
    message["Subject"] = " ".join(subject.split())
    message.set_content(text)
    try:
        await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            use_tls=not server.starttls,
            start_tls=server.starttls,
            tls_context=verified(server.ca_file),
            username=server.user or None,
            password=server.password.reveal() if server.password else None,
            timeout=_DEADLINE,
        )
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise OutboundError(f"{server.host}: {type(error).__name__}: {str(error)[:200]}") from error
