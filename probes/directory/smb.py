"""One share of one server by SMB 2 or 3: numeric address, signed, encrypted where offered, no DFS, nothing written."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from smbprotocol.connection import Connection, Dialects
from smbprotocol.exceptions import NoMoreFiles, SMBAuthenticationError, SMBException, SMBResponseException
from smbprotocol.file_info import FileAttributes, FileDirectoryInformation, FileInformationClass, InfoType
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from probes.directory.sasl import account, kerberos_configuration, kerberos_errors, refused
from probes.directory.target import BindMethod, DirectoryTarget
from probes.interface import IPAddress, ProbeError, Reason

PORT = 445
#: Owner, group and DACL, never the SACL (MS-DTYP 2.4.7).
OWNER_GROUP_DACL = 7
#: Bytes of a descriptor, and of one read.
DESCRIPTOR_CAP, READ = 65536, 65536
#: What the library raises on answers that are not what they should be.
BROKEN = (ValueError, IndexError, KeyError, TypeError, struct.error, OSError)
#: NTSTATUS codes (MS-ERREF 2.3.1).
REASONS = {
    0xC0000022: Reason.DENIED,
    0xC000006D: Reason.CREDENTIALS,
    0xC000006E: Reason.DENIED,
    0xC0000071: Reason.PASSWORD_EXPIRED,
    0xC0000072: Reason.ACCOUNT_DISABLED,
    0xC00000CC: Reason.NOT_SPOKEN,
    0xC0000193: Reason.ACCOUNT_EXPIRED,
    0xC0000224: Reason.PASSWORD_EXPIRED,
    0xC0000234: Reason.ACCOUNT_LOCKED,
    0xC0000203: Reason.CONNECTION_LOST,
    0xC000020C: Reason.CONNECTION_LOST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A name in a folder."""

    name: str
    folder: bool
    link: bool
    size: int


class Share:
    """A connected share. Every method blocks, but ``abort``, which ends the others; all raise ``ProbeError``."""

    def __init__(self, target: DirectoryTarget, address: IPAddress, name: str) -> None:
        self._target = target
        self._address = address
        self._name = name
        self._connection = Connection(uuid.uuid4(), str(address), PORT, require_signing=True)
        self._tree: TreeConnect | None = None
        self.requests = 0
        self.received = 0

    @property
    def dialect(self) -> str:
        """The revision agreed on, such as ``3.1.1``."""
        digits = f"{self._connection.dialect or 0:04x}"
        return ".".join((digits[1], digits[2], digits[3])) if digits[1] == "3" else f"2.{digits[2:]}"

    @property
    def encrypted(self) -> bool:
        """Whether every message is encrypted."""
        return bool(self._connection.supports_encryption)

    def open(self) -> None:
        """Connect, prove who we are, and connect to the share."""
        simple = self._target.bind in {BindMethod.SIMPLE, BindMethod.NTLM}
        with _typed(), ExitStack() as stack:
            if not simple:
                stack.enter_context(kerberos_configuration(self._target, self._address))
            self._connection.connect(timeout=self._target.connect_seconds)
            if self._connection.dialect < Dialects.SMB_2_1_0:
                raise ProbeError(Reason.NOT_SPOKEN, "no SMB 2.1 or later")
            # from here on the name only serves to ask for the right Kerberos ticket
            self._connection.server_name = self._target.host
            session = Session(
                self._connection,
                username=account(self._target),
                password=self._target.password.reveal(),
                require_encryption=self.encrypted,
                auth_protocol="ntlm" if simple else self._target.bind.value,
            )
            try:
                session.connect()
            except SMBResponseException as error:
                # whatever a server calls it, an unknown end of a session setup is a refused account
                raise ProbeError(REASONS.get(error.status, Reason.CREDENTIALS), _status(error)) from None
            except kerberos_errors() as error:
                raise refused(error) from None
            self._tree = TreeConnect(session, rf"\\{self._address}\{self._name}")
            self._tree.connect()

    def entries(self, path: str, most: int) -> list[Entry]:
        """Return what a folder holds, at most ``most`` names."""
        found: list[Entry] = []
        with _typed(), self._opened(path, DirectoryAccessMask.FILE_LIST_DIRECTORY) as folder:
            while len(found) <= most:
                self.requests += 1
                try:
                    page = folder.query_directory("*", FileInformationClass.FILE_DIRECTORY_INFORMATION)
                except NoMoreFiles:
                    return found
                found += [one for one in map(_entry, page) if one.name not in {".", ".."}]
                self.received += sum(2 * len(one.name) + 64 for one in found[-len(page) :])
            raise ProbeError(Reason.TOO_LARGE, f"more than {most} names in a folder")

    def descriptor(self, path: str) -> bytes:
        """Return the descriptor of a file or folder."""
        with _typed(), self._opened(path, FilePipePrinterAccessMask.READ_CONTROL) as file:
            query = SMB2QueryInfoRequest()
            query["info_type"] = InfoType.SMB2_0_INFO_SECURITY
            query["output_buffer_length"] = DESCRIPTOR_CAP
            query["additional_information"] = OWNER_GROUP_DACL
            query["file_id"] = file.file_id
            self.requests += 1
            session = file.tree_connect.session
            sent = self._connection.send(query, session.session_id, file.tree_connect.tree_connect_id)
            answer = SMB2QueryInfoResponse()
            answer.unpack(self._connection.receive(sent, timeout=self._target.page_seconds)["data"].get_value())
            data = bytes(answer["buffer"].get_value())
            self.received += len(data)
            return data

    def read(self, path: str, most: int) -> bytes:
        """Return the content of a file of at most ``most`` bytes."""
        with _typed(), self._opened(path, FilePipePrinterAccessMask.FILE_READ_DATA) as file:
            if file.end_of_file > most:
                raise ProbeError(Reason.TOO_LARGE, f"a file of {file.end_of_file} bytes")
            found = b""
            while len(found) < file.end_of_file:
                self.requests += 1
                piece = file.read(len(found), min(READ, file.end_of_file - len(found)))
                if not piece:
                    raise ProbeError(Reason.TRUNCATED, "a file shorter than announced")
                self.received += len(piece)
                found += piece
            return found

    def abort(self) -> None:
        """Cut the connection under whoever uses it."""
        if self._connection.transport is not None:
            self._connection.transport.close()

    @contextmanager
    def _opened(self, path: str, access: int) -> Iterator[Open]:
        """Open a file or folder for reading, links not followed."""
        file = Open(self._tree, path.replace("/", "\\"))
        self.requests += 2
        file.create(
            ImpersonationLevel.Impersonation,
            access | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES,
            FileAttributes.FILE_ATTRIBUTE_NORMAL,
            ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE,
            CreateDisposition.FILE_OPEN,
            CreateOptions.FILE_OPEN_REPARSE_POINT,
        )
        try:
            yield file
        finally:
            file.close()


def _entry(one: FileDirectoryInformation) -> Entry:
    flags = one["file_attributes"]
    return Entry(
        name=one["file_name"].get_value().decode("utf-16-le", "replace"),
        folder=flags.has_flag(FileAttributes.FILE_ATTRIBUTE_DIRECTORY),
        link=flags.has_flag(FileAttributes.FILE_ATTRIBUTE_REPARSE_POINT),
        size=one["end_of_file"].get_value(),
    )


def _status(error: SMBResponseException) -> str:
    return f"NTSTATUS 0x{error.status:08x}"


@contextmanager
def _typed() -> Iterator[None]:
    """Give what the library raises its typed reason."""
    try:
        yield
    except SMBResponseException as error:
        reason = REASONS.get(error.status, Reason.SERVER_FAILURE)
        raise ProbeError(reason, _status(error)) from None
    except SMBAuthenticationError:
        raise ProbeError(Reason.CREDENTIALS, "SMB: the account was refused") from None
    except SMBException as error:
        reason = Reason.TIMED_OUT if "timeout" in str(error) else Reason.CONNECTION_LOST
        raise ProbeError(reason, f"SMB: {error}"[:200]) from None
    except TimeoutError:
        raise ProbeError(Reason.TIMED_OUT, "SMB") from None
    except BROKEN as error:
        reason = Reason.REFUSED if "Failed to connect" in str(error) else Reason.MALFORMED
        raise ProbeError(reason, f"SMB: {error}"[:200]) from None
