"""Personal links: signed, bound to one purpose, and revoked by giving the registration another nonce."""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Literal, get_args
from uuid import UUID

Purpose = Literal["confirm", "own", "join", "check_in", "unsubscribe"]
"""What a link opens; one never opens what another does."""

_PATHS: dict[Purpose, str] = {
    "confirm": "/r/{}/confirmation",
    "own": "/r/{}",
    "join": "/join/{}",
    "check_in": "/c/{}",
    "unsubscribe": "/u/{}",
}
_ID, _NONCE, _SIGNATURE = 16, 8, 16


def nonce() -> str:
    """A new nonce of a personal link; replacing it revokes the link."""
    return secrets.token_hex(8)


class Links:
    """Writes and reads the links of an installation.

    A token holds the registration's id, the nonce (eight bytes, given in hexadecimal), and 16 bytes of
    HMAC-SHA256 with a key of its purpose, in 54 characters. Whether the nonce still counts only the
    registration knows.
    """

    def __init__(self, secret: bytes, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._keys: dict[Purpose, bytes] = {
            purpose: hmac.digest(secret, f"link:{purpose}".encode(), hashlib.sha256)
            for purpose in get_args(Purpose)
        }

    def url(self, purpose: Purpose, registration_id: UUID, nonce: str) -> str:
        return self.address(purpose, self.token(purpose, registration_id, nonce))

    def address(self, purpose: Purpose, token: str) -> str:
        """The link of a token."""
        return self._base_url + _PATHS[purpose].format(token)

    def token(self, purpose: Purpose, registration_id: UUID, nonce: str) -> str:
        """The secret part of the link. Raises ValueError for a nonce that is not eight bytes."""
        signed = registration_id.bytes + bytes.fromhex(nonce)
        if len(signed) != _ID + _NONCE:
            raise ValueError("a nonce has eight bytes")
        return base64.urlsafe_b64encode(signed + self._signature(purpose, signed)).rstrip(b"=").decode()

    def read(self, purpose: Purpose, token: str) -> tuple[UUID, str] | None:
        """The registration's id and the nonce; `None` for anything that `token` did not make for this purpose."""
        try:
            content = base64.b64decode(token.encode("ascii") + b"==", altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return None
        signed, signature = content[: _ID + _NONCE], content[_ID + _NONCE :]
        if not hmac.compare_digest(signature, self._signature(purpose, signed)):
            return None
        registration_id, nonce = UUID(bytes=signed[:_ID]), signed[_ID:].hex()
        # Base64 has several spellings of the same bytes; a token has one.
        return (registration_id, nonce) if self.token(purpose, registration_id, nonce) == token else None

    def _signature(self, purpose: Purpose, signed: bytes) -> bytes:
        return hmac.digest(self._keys[purpose], signed, hashlib.sha256)[:_SIGNATURE]
