"""Names of meeting rooms, such as a meeting server and its tokens take them unchanged.

Of upper case, umlauts and signs a Jitsi server, its client and the check of a token each make something else; these
names are the same to all of them. Source: Jitsi's client (`react/features/base/util/uri.ts`) and handbook.
"""

import base64
import re
import unicodedata

LENGTH = 64
RANDOM_BYTES = 10
"""80 bits: nobody guesses the name of a room."""

GRAMMAR = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SPELT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe", "å": "aa", "ı": "i"}
    | {"ł": "l", "đ": "d", "ð": "d", "þ": "th"}
)
_BEFORE_ANY_TITLE = "dialog"


def room_name(title: str, randomness: bytes) -> str:
    """A name by `GRAMMAR`, at most `LENGTH` characters: what can be read of the title, then the random bytes.

    Raises ValueError for fewer than `RANDOM_BYTES` bytes.
    """
    if len(randomness) < RANDOM_BYTES:
        raise ValueError(f"a name needs {RANDOM_BYTES} random bytes")
    secret = base64.b32encode(randomness[:RANDOM_BYTES]).decode().lower()
    return f"{slug(title, LENGTH - len(secret) - 1)}-{secret}"


def slug(title: str, length: int) -> str:
    """The Latin letters and digits of a title in lower case, cut between words where there are several."""
    lowered = unicodedata.normalize("NFC", title).lower().translate(_SPELT)
    decomposed = unicodedata.normalize("NFKD", lowered).lower()
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    words = re.findall(r"[a-z0-9]+", plain)
    found = ""
    for word in words:
        longer = f"{found}-{word}" if found else word[:length]
        if len(longer) > length:
            break
        found = longer
    return found or _BEFORE_ANY_TITLE
