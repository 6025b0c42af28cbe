"""Login through an identity provider: OpenID Connect 1.0, authorization code with PKCE (RFC 7636), S256 only."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from scanner.config.schema import OidcSection
from scanner.config.secrets import SecretError, read

#: Signatures taken of an ID token; never ``none``, never a shared secret.
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_LARGEST, _PATIENCE = 1 << 20, 10.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
#: Clocks may differ by so much, in seconds.
_LEEWAY = 60


class OidcError(Exception):
    """The identity provider could not be used, or what it sent is not right."""


class Exchange:
    """One login: where to send the browser, and what to believe when it comes back.

    What must be remembered between the two (state, nonce, verifier) goes into a cookie of ten minutes.
    """

    def __init__(self, section: OidcSection, callback: str) -> None:
        self._section = section
        self._callback = callback

    async def begin(self) -> tuple[str, str]:
        """Return the address to go to, and the memory of this login."""
        found = await self._discover()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._section.client_id,
            "redirect_uri": self._callback,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{found['authorization_endpoint']}?{urlencode(query)}", ".".join((state, nonce, verifier))

    async def complete(self, query: Mapping[str, str], memory: str) -> Mapping[str, Any]:
        """Return the claims of the ID token that a code gives, once all of it is right."""
        state, _, rest = memory.partition(".")
        nonce, _, verifier = rest.partition(".")
        if not verifier or not secrets.compare_digest(query.get("state", "").encode(), state.encode()):
            raise OidcError("this login was not begun here")
        if "error" in query or "code" not in query:
            raise OidcError("the identity provider refused")
        if query.get("iss", self._section.issuer) != self._section.issuer:
            raise OidcError("another identity provider answered")
        found = await self._discover()
        answer = await self._post(found["token_endpoint"], query["code"], verifier)
        keys = await self._get(found["jwks_uri"])
        return self._checked(str(answer.get("id_token", "")), keys, nonce)

    def _checked(self, token: str, keys: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._section.issuer},
            aud={"essential": True, "value": self._section.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            decoded = jwt.decode(token, KeySet.import_key_set({"keys": keys["keys"]}), algorithms=_ALGORITHMS)
            claims.validate(decoded.claims)
        except (JoseError, KeyError, ValueError) as error:
            raise OidcError(f"the identity is not proven ({type(error).__name__})") from error
        if len(_listed(decoded.claims["aud"])) > 1 and decoded.claims.get("azp") != self._section.client_id:
            raise OidcError("the identity is meant for another application")
        return decoded.claims

    async def _discover(self) -> Mapping[str, str]:
        issuer = self._section.issuer.rstrip("/")
        found = await self._get(f"{issuer}/.well-known/openid-configuration")
        if found.get("issuer") != self._section.issuer:
            raise OidcError("the identity provider names another issuer")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if any(not isinstance(found.get(key), str) for key in wanted):
            raise OidcError("the identity provider's configuration is incomplete")
        for key in wanted:
            self._allowed(found[key])
        return {key: found[key] for key in wanted}

    def _allowed(self, url: str) -> None:
        """TLS everywhere, but for a provider on this very machine."""
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise OidcError("the identity provider must be reached over https")

    async def _get(self, url: str) -> Mapping[str, Any]:
        self._allowed(url)
        return await self._asked("GET", url, None)

    async def _post(self, url: str, code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "client_id": self._section.client_id,
            "code_verifier": verifier,
        }
        if self._section.client_secret:
            try:
                form["client_secret"] = read(self._section.client_secret).reveal()
            except SecretError as error:
                raise OidcError(str(error)) from error
        return await self._asked("POST", url, form)

    async def _asked(self, method: str, url: str, form: Mapping[str, str] | None) -> Mapping[str, Any]:
        context = ssl.create_default_context(cafile=self._section.ca_file or None)
        patience = aiohttp.ClientTimeout(total=_PATIENCE)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.request(method, url, data=form, ssl=context, allow_redirects=False) as response,
            ):
                body = await response.content.read(_LARGEST)
                if response.status != 200:
                    raise OidcError(f"the identity provider answered {response.status}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise OidcError(f"the identity provider cannot be reached ({type(error).__name__})") from error
        try:
            data = json.loads(body)
        except ValueError:
            raise OidcError("the identity provider's answer is no JSON") from None
        if not isinstance(data, dict):
            raise OidcError("the identity provider's answer is no object")
        return data


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]
