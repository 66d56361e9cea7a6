"""How often one client may register and one address may be written to. Pure; times are instants."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

UNCONFIRMED = 20
"""The seats that one client may hold without a confirmed address."""


@dataclass(frozen=True)
class Limit:
    """At most `count` in any `seconds`; a count of 0 means no limit."""

    count: int
    seconds: int

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.seconds if self.count else 0)


UNLIMITED = Limit(0, 0)


@dataclass(frozen=True)
class Limits:
    """What an installation allows. Where clients are not limited, neither are their unconfirmed seats."""

    client: Limit = UNLIMITED
    address: Limit = UNLIMITED
    secret: bytes = b""

    @property
    def window(self) -> timedelta:
        """How far back the longest of them looks."""
        return max(self.client.window, self.address.window)

    @property
    def unconfirmed(self) -> int | None:
        return UNCONFIRMED if self.client.count else None

    def subject(self, kind: str, name: str) -> str:
        """Stands for a client or an address in the database, which cannot be read back from it."""
        return hmac.digest(self.secret, f"{kind}:{name}".encode(), hashlib.sha256)[:16].hex()


NO_LIMITS = Limits()


def seconds_to_wait(limit: Limit, earlier: Sequence[datetime], now: datetime) -> int:
    """Whole seconds until one more is allowed, 0 for at once. `earlier` are those before, oldest first."""
    if not limit.count:
        return 0
    counted = [at for at in earlier if at > now - limit.window]
    if len(counted) < limit.count:
        return 0
    return max(1, ceil((counted[-limit.count] + limit.window - now).total_seconds()))
