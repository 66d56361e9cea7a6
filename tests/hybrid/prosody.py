"""Checks a token as Prosody's plugins do for Jitsi: every claim, and no second of leeway.

Written from what those plugins do (luajwtjitsi, token/util, mod_token_affiliation), with nothing of the code that
makes the tokens.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256


class Refused(Exception):
    """The token is not taken, for a reason in Prosody's words."""


@dataclass
class Prosody:
    """A server's settings. `public_keys` by `kid`, for RS256. `audiences` and `issuers` as JWT_ACCEPTED_…."""

    domain: str
    secret: str = ""
    issuers: tuple[str, ...] = ("dialograum",)
    audiences: tuple[str, ...] = ("jitsi",)
    public_keys: dict[str, RSAPublicKey] = field(default_factory=dict)

    def log_in(self, token: str | None, at: float) -> dict[str, Any]:
        """The claims of a token at login, at an instant of the server's clock. Raises Refused."""
        header, claims = self._opened(token or "")
        for name, refusal in (("exp", at >= _number(claims, "exp")), ("nbf", at < _number(claims, "nbf"))):
            if refusal:
                raise Refused(f"Not acceptable by {name}")
        if not isinstance(claims.get("iss"), str) or claims["iss"] not in self.issuers:
            raise Refused("Invalid issuer ('iss' claim)")
        if not isinstance(claims.get("aud"), str) or claims["aud"] not in self.audiences:
            raise Refused("Invalid audience ('aud' claim)")
        for name in ("room", "sub"):
            if not isinstance(claims.get(name), str) or not claims[name]:
                raise Refused(f"'{name}' claim is missing")
        self._look_at_context(claims)
        assert set(header) == ({"typ", "alg", "kid"} if self.public_keys else {"typ", "alg"})
        return claims

    def enter(self, token: str | None, room: str, at: float, domain: str = "") -> str:
        """Enters a room; the affiliation, `owner` or `member`. Raises Refused."""
        claims = self.log_in(token, at)
        if claims["sub"].lower() != (domain or self.domain).lower():
            raise Refused("Token not allowed: sub")
        if claims["room"] == "*" or claims["room"].lower() != room.lower():
            raise Refused("Room and token mismatched")
        user = claims["context"]["user"]
        moderates = user.get("moderator") in (True, "true") or user.get("affiliation") in (
            "owner",
            "moderator",
        )
        return "owner" if moderates else "member"

    def _opened(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            head, body, signature = token.split(".")
            header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
            signed = _decoded(signature)
        except (ValueError, binascii.Error) as error:
            raise Refused("Invalid token") from error
        if header.get("typ") != "JWT":
            raise Refused("Invalid typ")
        if header.get("alg") != ("RS256" if self.public_keys else "HS256"):
            raise Refused("Invalid or incorrect alg")
        content = f"{head}.{body}".encode()
        if not self.public_keys:
            if not hmac.compare_digest(hmac.digest(self.secret.encode(), content, hashlib.sha256), signed):
                raise Refused("Invalid signature")
            return header, claims
        key = self.public_keys.get(header.get("kid", ""))
        if key is None:
            raise Refused("could not obtain public key")
        try:
            key.verify(signed, content, PKCS1v15(), SHA256())
        except InvalidSignature as error:
            raise Refused("Invalid signature") from error
        return header, claims

    def _look_at_context(self, claims: dict[str, Any]) -> None:
        """What some servers stumble over or the documentation of Jitsi and JaaS forbids."""
        context = claims.get("context")
        if not isinstance(context, dict) or "moderator" in claims or "regex" in context.get("room", {}):
            raise Refused("context cannot be used")
        user, features = context.get("user"), context.get("features")
        if not isinstance(user, dict) or not {"id", "name"} <= set(user):
            raise Refused("context.user cannot be used")
        if not all(isinstance(value, str) for value in user.values()):
            raise Refused("context.user holds more than text")
        if not isinstance(features, dict) or not all(
            value in ("true", "false") for value in features.values()
        ):
            raise Refused("context.features cannot be used")
        if "@" in json.dumps(claims):
            raise Refused("an address stands in the token")


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"Not acceptable by {name}")
    return value
