"""The shape of the configuration file, section by section; the defaults here are the product's."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from probes.interface import Vantage
from scanner.config.secrets import is_reference

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_*][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_-]{1,63})*\.?$", max_length=253)
]
Finess = Annotated[str, StringConstraints(pattern=r"^[0-9][0-9AB][0-9]{7}$")]
Level = Annotated[int, Field(ge=1, le=3)]
Port = Annotated[int, Field(ge=1, le=65535)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _ascii(name: object) -> object:
    """A name with accents becomes its A-labels."""
    return name.encode("idna").decode() if isinstance(name, str) and not name.isascii() else name


Domain = Annotated[Name, BeforeValidator(_ascii)]


class Section(BaseModel):
    """A table of the file: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Member(Section):
    """A legal entity or a site."""

    finess: Finess
    name: str
    category: str = ""
    region: str = ""


class PerimeterSection(Section):
    """What is audited: a GHT, a legal entity (ej) or a site (et)."""

    id: Identifier
    name: str
    unit: Literal["ght", "ej", "et"] = "ej"
    region: str = ""
    ght: str = ""
    mandate: str
    members: tuple[Member, ...] = ()
    hosts: tuple[Domain, ...] = ()
    directories: tuple[Identifier, ...] = ()


class WindowSection(Section):
    """When scanning is allowed, in local time."""

    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start: time
    end: time


class HostedSection(Section):
    """A name served by a provider who gave an authorisation."""

    name: Domain
    provider: str
    ports: tuple[Port, ...]
    authorisation: str


class MandateSection(Section):
    """Who authorised what."""

    reference: str
    signatory: str
    document: Path | None = None
    document_sha256: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    valid_from: date
    valid_until: date
    level: Level = 2
    #: Industrial and building devices may be asked for their name at level 3.
    identify_devices: bool = False
    windows: tuple[WindowSection, ...] = ()
    domains: tuple[Domain, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    hosted: tuple[HostedSection, ...] = ()
    directories: tuple[str, ...] = ()
    excluded_names: tuple[Domain, ...] = ()
    excluded_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> MandateSection:
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until comes before valid_from")
        return self


class DirectorySection(Section):
    """A domain controller to read."""

    name: Identifier
    url: Annotated[str, StringConstraints(pattern=r"^ldaps?://[^/\s]+/?$")]
    user: str
    password: str
    bind: Literal["simple", "ntlm", "kerberos", "negotiate"] = "negotiate"
    base: str = ""
    address: str = ""
    ca_file: str = ""
    starttls: bool = False
    #: Objects asked at a time, and seconds of rest before each page.
    page_size: int = Field(default=1000, ge=50, le=10000)
    throttle: float = Field(default=0.0, ge=0.0, le=60.0)

    @field_validator("password")
    @classmethod
    def _reference(cls, text: str) -> str:
        if not is_reference(text):
            raise ValueError("a password is never written here: use env:NAME, file:/path or keyring:service/user")
        return text


class BoxSection(Section):
    """This machine: its name in evidence, and where it looks from."""

    name: str = "hygie"
    vantage: Vantage = Vantage.INSIDE


class IdentitySection(Section):
    """What every server is told of us."""

    contact: Annotated[str, StringConstraints(pattern=r"^[!-~ ]{0,120}$")] = ""
    campaign: Annotated[str, StringConstraints(pattern=r"^[!-~ ]{0,120}$")] = ""
    ehlo: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,253}$")] = "audit-hygie.invalid"
    ae_title: Annotated[str, StringConstraints(pattern=r"^[!-\[\]-~]{1,16}$")] = "HYGIE"


class DnsSection(Section):
    """How names are resolved; with ``authoritative``, delegations are walked from the roots."""

    resolver: IPv4Address | IPv6Address | None = None
    resolver_port: Port = 53
    port: Port = 53
    authoritative: bool = True


class PaceSection(Section):
    """Connections and DNS questions a second."""

    connections: float = Field(default=3000.0, gt=0)
    connections_per_network: float = Field(default=750.0, gt=0)
    connections_per_address: float = Field(default=75.0, gt=0)
    connections_per_fragile_address: float = Field(default=20.0, gt=0)
    questions: float = Field(default=3000.0, gt=0)
    questions_per_server: float = Field(default=750.0, gt=0)
    burst: int = Field(default=20, ge=1)
    in_flight: int = Field(default=1000, ge=1, le=20000)


class RunSection(Section):
    """How many steps run at once, how long one may take, and the pause before a second look, in seconds."""

    workers: int = Field(default=64, ge=1, le=512)
    step_seconds: float = Field(default=900.0, gt=0)
    second_look_seconds: float = Field(default=5.0, ge=0)


class RetentionSection(Section):
    """How long things are kept, in months; frozen dossiers are kept for ever."""

    captures_months: int = Field(default=13, ge=1)
    findings_months: int = Field(default=60, ge=1)


class StoreSection(Section):
    """A SQLite file beside the configuration, or a postgresql:// URL."""

    url: str = "hygie.sqlite"


class ReportsSection(Section):
    """Language of reports, criteria applied, and the severity from which the exit code is 1."""

    language: Literal["fr", "en"] = "fr"
    criteria: tuple[str, ...] = ("care-d1@2024",)
    fail_on: Literal["critical", "high", "medium", "low", "info"] = "high"


class FeedsSection(Section):
    """Files that replace the snapshots shipped with Hygie, by name of feed."""

    files: dict[str, Path] = Field(default_factory=dict)


class ServeSection(Section):
    """Where `hygie serve` listens; ``public_url`` is how browsers reach it when a proxy adds TLS."""

    host: str = "127.0.0.1"
    port: Port = 8077
    public_url: Annotated[str, StringConstraints(pattern=r"^(https?://[^/\s]+)?$")] = ""
    #: Time zone in which schedules are read.
    timezone: str = "Europe/Paris"
    #: How many scans one service runs at once.
    scans: int = Field(default=2, ge=1, le=64)
    #: Who runs them: this service, or workers on any number of machines (PostgreSQL).
    runs: Literal["here", "workers"] = "here"
    #: References to secrets (env:, file:, keyring:) that directories entered on screen may name.
    secrets: tuple[str, ...] = ()

    @field_validator("secrets")
    @classmethod
    def _references(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_referenced, texts))

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if name not in zoneinfo.available_timezones():
            raise ValueError(f"no time zone is called {name}; expected a name such as Europe/Paris")
        return name


class WorkerSection(Section):
    """What `hygie worker` takes on this machine: how many scans at once, of which perimeters (all by default).

    A worker not heard of for ``silence_seconds`` is taken for dead, and its scans are taken again.
    """

    scans: int = Field(default=2, ge=1, le=64)
    perimeters: tuple[Identifier, ...] = ()
    silence_seconds: float = Field(default=60.0, ge=2.0, le=3600.0)


class OidcSection(Section):
    """An identity provider (OpenID Connect, code flow with PKCE); ``claim`` names the account."""

    issuer: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")] = ""
    client_id: str = ""
    client_secret: str = ""
    claim: str = "preferred_username"
    ca_file: str = ""

    @field_validator("client_secret")
    @classmethod
    def _reference(cls, text: str) -> str:
        return _referenced(text)


class OverdueSection(Section):
    """The days after which an open finding is overdue, by severity."""

    critical: int = Field(default=15, ge=1)
    high: int = Field(default=30, ge=1)
    medium: int = Field(default=90, ge=1)
    low: int = Field(default=180, ge=1)


class NotifySection(Section):
    """Where changes are told: a mail server, a webhook, or both. Only what changed is told."""

    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "tls"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    webhook: Annotated[str, StringConstraints(pattern=r"^(https://\S+)?$")] = ""
    webhook_secret: str = ""
    ca_file: str = ""
    #: The least severity told.
    from_severity: Literal["critical", "high", "medium", "low", "info"] = "high"
    overdue_days: OverdueSection = OverdueSection()

    @field_validator("smtp_password", "webhook_secret")
    @classmethod
    def _reference(cls, text: str) -> str:
        return _referenced(text)


class ScheduleSection(Section):
    """When a perimeter is looked at: a cron expression, and the local hours within which a scan may start."""

    id: Identifier
    perimeter: Identifier
    kind: Literal["short", "full", "directory", "confirmation"]
    cron: str
    start: time = time(0, 0)
    end: time = time(23, 59, 59)
    enabled: bool = True

    @field_validator("cron")
    @classmethod
    def _read(cls, text: str) -> str:
        try:
            CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError:
            raise ValueError(f"{text!r} is no cron expression; expected five fields such as 30 4 * * 1") from None
        return text


def _referenced(text: str) -> str:
    if text and not is_reference(text):
        raise ValueError("a secret is never written here: use env:NAME, file:/path or keyring:service/user")
    return text


class EvidenceSection(Section):
    """Who signs evidence packs, and which authority dates them; paths are read beside the configuration.

    Without ``key`` nor ``signer``, an own key is made on first use. ``timestamp_authority`` holds the anchors of the
    tokens; ``timestamp_ca_file`` those of the authority's HTTPS, the system's by default.
    """

    key: Path | None = None
    key_password: str = ""
    signer: tuple[str, ...] = ()
    signer_certificate: Path | None = None
    timestamp_url: Annotated[str, StringConstraints(pattern=r"^(https://[^/\s]+(/\S*)?)?$")] = ""
    timestamp_authority: Path | None = None
    timestamp_ca_file: Path | None = None

    @field_validator("key_password")
    @classmethod
    def _reference(cls, text: str) -> str:
        return _referenced(text)

    @model_validator(mode="after")
    def _together(self) -> EvidenceSection:
        if self.key and self.signer:
            raise ValueError("key and signer exclude each other")
        if self.signer and self.signer_certificate is None:
            raise ValueError("signer needs signer_certificate, the PEM certificate it signs for")
        if self.timestamp_url and self.timestamp_authority is None:
            raise ValueError("timestamp_url needs timestamp_authority, the PEM anchors of its tokens")
        return self


class FileSchema(Section):
    """The whole file."""

    box: BoxSection = BoxSection()
    identity: IdentitySection = IdentitySection()
    dns: DnsSection = DnsSection()
    pace: PaceSection = PaceSection()
    run: RunSection = RunSection()
    store: StoreSection = StoreSection()
    retention: RetentionSection = RetentionSection()
    reports: ReportsSection = ReportsSection()
    feeds: FeedsSection = FeedsSection()
    serve: ServeSection = ServeSection()
    worker: WorkerSection = WorkerSection()
    oidc: OidcSection = OidcSection()
    notify: NotifySection = NotifySection()
    evidence: EvidenceSection = EvidenceSection()
    mandates: tuple[MandateSection, ...] = ()
    schedules: tuple[ScheduleSection, ...] = ()
    perimeters: tuple[PerimeterSection, ...] = ()
    directories: tuple[DirectorySection, ...] = ()
    #: Settings of probes by probe name, and parameters of rules by rule id.
    probes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    rules: dict[str, dict[str, str | int | float | bool]] = Field(default_factory=dict)
