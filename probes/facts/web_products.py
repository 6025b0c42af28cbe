"""Products recognised behind a web origin, and the endpoints that ask for a Windows password."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from probes.facts.ntlm import NtlmNames
from probes.interface import AssetKind, Fact, Part


class ProductKind(StrEnum):
    """What a product is for; remote access and webmail are made to be exposed, the rest is not."""

    GATEWAY = "gateway"
    WEBMAIL = "webmail"
    APPLICATION = "application"
    ADMINISTRATION = "administration"
    INFRASTRUCTURE = "infrastructure"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebProduct:
    """A product: its id and name in the fingerprint table, where it answered, the version it tells or "", the proof.

    ``support`` is its name in the feed of ends of support, or "".
    """

    id: str
    name: str
    kind: ProductKind
    path: str
    version: str = ""
    support: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebProducts(Fact):
    """The products of the fingerprint table that an origin shows. ``table`` is the table's date.

    ``reliable`` is False for an origin whose answers prove nothing: then only its first page was read.
    """

    kind: ClassVar[str] = "web.products"
    seen_by: ClassVar[str] = "web"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    products: tuple[WebProduct, ...]
    unanswered: tuple[str, ...]
    reliable: bool
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NtlmEndpoint:
    """A path that asks for Windows authentication, with what its challenge told."""

    path: str
    names: NtlmNames


@dataclass(frozen=True, slots=True, kw_only=True)
class WebWindowsAuthentication(Fact):
    """The paths that ask for NTLM; one challenge is read, without any account name."""

    kind: ClassVar[str] = "web.windows-authentication"
    seen_by: ClassVar[str] = "web"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    endpoints: tuple[NtlmEndpoint, ...]
    unanswered: tuple[str, ...]
