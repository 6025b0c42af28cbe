"""RFC 3161 time-stamps: asked of a configured authority, read, and verified with a second opinion from openssl."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from reports.words import load, said
from scanner.evidence import openssl
from scanner.evidence.cms import UNREADABLE
from scanner.outbound.https import OutboundError, post

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
#: Largest response read, in bytes.
_LARGEST = 4 << 20
#: Status of a response whose token is granted, as it is or with changes (RFC 3161, section 2.4.2).
_GRANTED = {"granted", "granted_with_mods"}


class StampFault(Exception):
    """A time-stamp that could not be had, or does not hold: ``why`` in one sentence."""

    def __init__(self, why: str, **values: object) -> None:
        self.why = said(f"stamp.{why}", **values)
        super().__init__(self.why.in_(load("en", "scanner")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time-stamp that holds: its instant, its signer's certificate, and who said that it holds."""

    at: datetime
    certificate: x509.Certificate | None
    opinions: tuple[str, ...]


def ask(url: str, data: bytes, *, ca_file: Path | None) -> bytes:
    """Return the response (DER) of an authority over data; raise ``StampFault``."""
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).nonce().build()
    try:
        answer = asyncio.run(post(url, request.as_bytes(), _QUERY, ca_file=ca_file))
    except OutboundError as error:
        raise StampFault("authority", error=error) from error
    if answer.media_type != _REPLY:
        raise StampFault("media-type", type=answer.media_type, expected=_REPLY)
    info = _info(answer.body)
    if info["nonce"].native != request.nonce:
        raise StampFault("nonce")
    return answer.body


def anchors(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM text; raise ``StampFault`` when there is none."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, x509.InvalidVersion) as error:
        raise StampFault("no-anchor") from error


def verify(response: bytes, data: bytes, roots: list[x509.Certificate]) -> Stamp:
    """Return a time-stamp over data that holds for the anchors; raise ``StampFault`` when nobody says that it does.

    The library is asked first; what it refuses, openssl may accept: both opinions are told.
    """
    info = _info(response)
    at: datetime = info["gen_time"].native.astimezone(UTC)
    certificate = _certificate(response)
    first = _library(response, data, roots)
    if not first:
        return Stamp(at=at, certificate=certificate, opinions=("rfc3161-client: ok",))
    pem = b"".join(root.public_bytes(Encoding.PEM) for root in roots)
    second = openssl.verify_stamp(response, data, pem, at)
    if second:
        raise StampFault("refused", first=first, second=second)
    return Stamp(at=at, certificate=certificate, opinions=(f"rfc3161-client: {first}", "openssl: ok"))


def _library(response: bytes, data: bytes, anchors: list[x509.Certificate]) -> str:
    """What the library holds against a response, or ""."""
    builder = VerifierBuilder()
    for anchor in anchors:
        builder = builder.add_root_certificate(anchor)
    try:
        builder.build().verify_message(decode_timestamp_response(response), data)
    except (VerificationError, x509.ExtensionNotFound, x509.DuplicateExtension, *UNREADABLE) as error:
        return str(error).splitlines()[0][:200] or type(error).__name__
    return ""


def _info(response: bytes) -> tsp.TSTInfo:
    """The signed content of a response that is granted."""
    if len(response) > _LARGEST:
        raise StampFault("too-large", limit=f"{_LARGEST >> 20} MiB")
    try:
        read = tsp.TimeStampResp.load(response, strict=True)
        status = read["status"]["status"].native
        if status not in _GRANTED:
            raise StampFault("denied", status=status)
        info = read["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
        info["gen_time"].native.astimezone(UTC)
    except UNREADABLE as error:
        raise StampFault("unreadable", error=type(error).__name__) from error
    return info


def _certificate(response: bytes) -> x509.Certificate | None:
    """The authority's certificate, when the token carries it."""
    try:
        signed: cms.SignedData = tsp.TimeStampResp.load(response)["time_stamp_token"]["content"]
        named = signed["signer_infos"][0]["sid"].chosen
        for choice in signed["certificates"]:
            if choice.chosen.serial_number == named["serial_number"].native:
                return x509.load_der_x509_certificate(choice.chosen.dump())
    except UNREADABLE:
        return None
    return None
