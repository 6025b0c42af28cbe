"""What probes speak: assets, mandates, facts, observations, attempts, and the Line."""

from __future__ import annotations

from probes.interface.assets import DIRECTORY_KINDS, Asset, AssetKind, FoundIn, Part, Vantage, service
from probes.interface.identity import Identity
from probes.interface.leads import Lead, asset_of, host_name
from probes.interface.line import DnsQuestion, Existence, Line, NameAnswer, PortAnswer, PortState, Stream
from probes.interface.mandate import Hosted, IPAddress, IPNetwork, Mandate, Scope, Window, canonical_name
from probes.interface.observation import (
    MANDATED,
    Attempt,
    CaptureReader,
    Digest,
    Fact,
    Observation,
    ProbeError,
    Reason,
    Status,
)
from probes.interface.probe import NoSettings, Probe, Shortfall, Sight, Yield

__all__ = [
    "DIRECTORY_KINDS",
    "MANDATED",
    "Asset",
    "AssetKind",
    "Attempt",
    "CaptureReader",
    "Digest",
    "DnsQuestion",
    "Existence",
    "Fact",
    "FoundIn",
    "Hosted",
    "IPAddress",
    "IPNetwork",
    "Identity",
    "Lead",
    "Line",
    "Mandate",
    "NameAnswer",
    "NoSettings",
    "Observation",
    "Part",
    "PortAnswer",
    "PortState",
    "Probe",
    "ProbeError",
    "Reason",
    "Scope",
    "Shortfall",
    "Sight",
    "Status",
    "Stream",
    "Vantage",
    "Window",
    "Yield",
    "asset_of",
    "canonical_name",
    "host_name",
    "service",
]
