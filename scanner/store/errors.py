"""What the store can refuse or fail at; every message is one sentence for the person who runs Hygie."""

from __future__ import annotations


class StoreError(Exception):
    """The store could not do what was asked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__ or "")


class StoreUnavailableError(StoreError):
    """The store does not answer, or another process has held it for too long; what is committed is kept."""


class StoreFullError(StoreError):
    """There is no room left for the store; free some, then resume the scan."""


class NewerStoreError(StoreError):
    """The store was written by a newer version of Hygie; install that version or a later one."""


class UpgradeNeededError(StoreError):
    """The store is of an earlier version; run `hygie db upgrade`."""


class PerimeterBusyError(StoreError):
    """Another process is scanning this perimeter."""


class LeaseLostError(StoreError):
    """The scan was taken over by another process, or ended; nothing more is written from here."""


class UnknownScanError(StoreError, LookupError):
    """There is no such scan."""


class ScanEndedError(StoreError):
    """The scan has ended; there is nothing to resume."""


class UnknownEntryError(StoreError, LookupError):
    """There is nothing of this id in the store."""


class CaptureMissingError(StoreError, LookupError):
    """The capture is not in the store: its retention has passed, or it was never imported."""


class CaptureDamagedError(StoreError):
    """The capture in the store is not the one that was kept."""


class AlreadyKeptError(StoreError):
    """Something else is already kept under this id; what is kept is never overwritten."""
