"""What remote access says before anybody logs in: SSH, RDP, VNC, SMB, FTP, LDAP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import Access, ServiceAnswered


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAnswered(ServiceAnswered):
    """The banner and algorithms of an SSH server (RFC 4253 7.1); ``protocols`` is ``2.0``, ``1.99`` or ``1.5``."""

    kind: ClassVar[str] = "service.ssh"
    seen_by: ClassVar[str] = "ssh"
    protocols: str = ""
    key_exchange: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RdpAnswered(ServiceAnswered):
    """What an RDP server takes (MS-RDPBCGR 2.2.1.2): CredSSP, TLS alone, its own old encryption; None: not told."""

    kind: ClassVar[str] = "service.rdp"
    seen_by: ClassVar[str] = "rdp"
    credssp: bool | None = None
    tls_alone: bool | None = None
    old_security: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VncAnswered(ServiceAnswered):
    """The security types a VNC server lists (RFC 6143 7.1.2); 1 is none."""

    kind: ClassVar[str] = "service.vnc"
    seen_by: ClassVar[str] = "vnc"
    security: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SmbAnswered(ServiceAnswered):
    """The SMB dialect agreed (MS-SMB2 2.2.4), whether SMBv1 is taken and signing required; None: not told."""

    kind: ClassVar[str] = "service.smb"
    seen_by: ClassVar[str] = "smb"
    dialect: int = 0
    version_one: bool | None = None
    signing_required: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpAnswered(ServiceAnswered):
    """An FTP server: ``encryption`` is AUTH TLS offered; ``anonymous`` is asked from level 3 on only."""

    kind: ClassVar[str] = "service.ftp"
    seen_by: ClassVar[str] = "ftp"
    anonymous: Access = Access.UNKNOWN
    anonymous_asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapAnswered(ServiceAnswered):
    """A directory's root entry; ``access`` tells whether one object beneath it was shown to a nameless caller."""

    kind: ClassVar[str] = "service.ldap"
    seen_by: ClassVar[str] = "ldap"
    naming_contexts: tuple[str, ...] = ()
    host_name: str = ""
    active_directory: bool = False
