"""Addresses of meeting rooms, and the tokens that open them: each for one room and one person, made at the click.

Sources: lib-jitsi-meet and jitsi-meet (`parseURLParams.ts`, `configWhitelist.ts`), the Prosody plugins of Jitsi
(`token/util.lib.lua`, `mod_token_affiliation`), and the documentation of 8x8 JaaS, as of August 2026.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.warnings import InsecureKeyLengthWarning

BEFORE = timedelta(seconds=120)
"""How far the clock of a meeting server may be behind ours. Jitsi allows for nothing."""

AFTER = timedelta(minutes=30)
"""How long after the end of the event somebody whose line dropped can come back."""

AUDIENCE = "jitsi"
JAAS_ISSUER = "chat"


@dataclass(frozen=True)
class SharedSecret:
    """A self-hosted Jitsi that checks tokens by HS256: its `JWT_APP_ID` and `JWT_APP_SECRET`."""

    app_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class PrivateKey:
    """8x8 JaaS, which checks tokens by RS256. The AppID is the tenant in addresses too."""

    app_id: str
    key_id: str
    key: RSAPrivateKey = field(repr=False)

    @property
    def kid(self) -> str:
        return self.key_id if self.key_id.startswith(f"{self.app_id}/") else f"{self.app_id}/{self.key_id}"


def read_private_key(path: Path) -> RSAPrivateKey:
    """The RSA key in a PEM file. Raises ValueError, which tells nothing of its content."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("expected a file with a private RSA key in PEM, without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("expected a private RSA key")
    return key


Keys = SharedSecret | PrivateKey | None
"""How tokens are signed; `None` = rooms are open to whoever knows their name."""


@dataclass(frozen=True)
class Server:
    """A meeting server by its address, and how tokens for it are signed."""

    url: str
    keys: Keys = None

    @property
    def tenant(self) -> str:
        return self.keys.app_id if isinstance(self.keys, PrivateKey) else ""

    @property
    def base(self) -> str:
        """The address below which its rooms and files are."""
        if self.tenant and self.tenant not in urlsplit(self.url).path.split("/"):
            return f"{self.url}/{self.tenant}"
        return self.url

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def origin(self) -> str:
        return origin_of(self.url)


@dataclass(frozen=True)
class Guest:
    """Whom a token lets in. `id` says who it is to nobody but us; `name` is what the others see."""

    id: str
    name: str
    is_moderator: bool = False


def guest(kind: str, identity: object, name: str, *, is_moderator: bool = False) -> Guest:
    """A guest by kind and key of a row, whose name holds no address."""
    hashed = hashlib.sha256(f"{kind}:{identity}".encode()).hexdigest()[:24]
    return Guest(hashed, re.sub(r"(\S+)@\S+", r"\1", name), is_moderator)


def origin_of(url: str) -> str:
    """Scheme, host and port, as a Content-Security-Policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def token(server: Server, room: str, who: Guest, now: datetime, ends_at: datetime) -> str | None:
    """A token for exactly this room and guest, until half an hour after `ends_at`; `None` where rooms are open.

    All of `context` is text: other values make some servers fail. There is no address in it, since a server that
    refuses a token writes all of it into its log.
    """
    keys = server.keys
    if keys is None:
        return None
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "iss": JAAS_ISSUER if isinstance(keys, PrivateKey) else keys.app_id,
        "sub": server.tenant or server.host,
        "room": room,
        "nbf": int((now - BEFORE).timestamp()),
        "exp": int((ends_at + AFTER).timestamp()),
        "context": {
            "user": {"id": who.id, "name": who.name, "moderator": _said(who.is_moderator)},
            "features": {
                "livestreaming": _said(False),
                "recording": _said(False),
                "transcription": _said(False),
                "outbound-call": _said(False),
                "screen-sharing": _said(True),
                "lobby": _said(who.is_moderator),
                "moderation": _said(who.is_moderator),
            },
        },
    }
    if isinstance(keys, PrivateKey):
        return jwt.encode(claims, keys.key, algorithm="RS256", headers={"kid": keys.kid})
    with warnings.catch_warnings():  # how long its secret is, the meeting server has decided
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(claims, keys.secret, algorithm="HS256")


def address(
    server: Server,
    room: str,
    *,
    token: str | None,
    subject: str,
    language: str = "",
    is_muted: bool = False,
) -> str:
    """Where a browser enters the room. `subject` is its title, `language` one of Jitsi's, `is_muted` for many."""
    query = {"jwt": token, "lang": language}
    written = urlencode({name: value for name, value in query.items() if value})
    fragment = _fragment(
        {
            "config.subject": subject,
            "config.prejoinConfig.enabled": True,
            "config.disableDeepLinking": True,
            "config.disableInviteFunctions": True,
            "config.disableThirdPartyRequests": True,
            "config.gravatar.disabled": True,
            "config.doNotStoreRoom": True,
            **({"config.startWithAudioMuted": True} if is_muted else {}),
        }
    )
    return f"{server.base}/{room}{'?' if written else ''}{written}#{fragment}"


def _fragment(values: Mapping[str, object]) -> str:
    """Each value as JSON, percent-encoded whole: the client cuts at every `&` and `=`."""
    return "&".join(
        f"{key}={quote(json.dumps(value, ensure_ascii=False), safe='')}" for key, value in values.items()
    )


def _said(value: bool) -> str:
    return "true" if value else "false"
