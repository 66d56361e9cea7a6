"""When a form was shown: a stamp that only we can make, so that programs cannot send forms that nobody saw."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import UTC, datetime, timedelta

SHORTEST = timedelta(seconds=1)
"""Nobody fills in a form in less; who does is answered once it is over."""

LONGEST = timedelta(days=1)
"""A form that was shown longer ago is shown again."""

_TIME, _RANDOM, _SIGNATURE = 8, 7, 12


class FormStamps:
    """Writes and reads the stamps of an installation. No two are the same."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"form", hashlib.sha256)

    def new(self, now: datetime) -> str:
        written = int(now.timestamp() * 1000).to_bytes(_TIME, "big") + secrets.token_bytes(_RANDOM)
        return urlsafe_b64encode(written + self._signature(written)).decode()

    def age(self, stamp: str, now: datetime) -> timedelta | None:
        """How long ago the form was shown; `None` for anything that `new` did not make, or made too long ago."""
        try:
            content = urlsafe_b64decode(stamp.encode("ascii"))
        except (UnicodeEncodeError, Error):
            return None
        written, signature = content[: _TIME + _RANDOM], content[_TIME + _RANDOM :]
        if not hmac.compare_digest(signature, self._signature(written)):
            return None
        age = now - datetime.fromtimestamp(int.from_bytes(written[:_TIME], "big") / 1000, UTC)
        return age if age <= LONGEST else None

    def _signature(self, written: bytes) -> bytes:
        return hmac.digest(self._key, written, hashlib.sha256)[:_SIGNATURE]
