"""Decisions about sending: when to try again, and how fast. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

_FIRST = (1, 2, 4, 8, 16, 32, 64, 120)
"""Minutes between the first attempts."""

_LATER = timedelta(hours=4)

_ATTEMPTS = len(_FIRST) + 21
"""84 hours from the first attempt to the last: 72 are promised, and a worker that dies costs one of the steps."""

_LONGEST_PAUSE = timedelta(seconds=20)
_LONGEST_PAUSE_REFUSED = timedelta(minutes=5)


def retry_after(attempts: int) -> timedelta | None:
    """How long after this many attempts the next one comes; `None` when there have been enough."""
    if attempts >= _ATTEMPTS:
        return None
    if attempts <= len(_FIRST):
        return timedelta(minutes=_FIRST[max(attempts, 1) - 1])
    return _LATER


def pause(failures: int, *, refused: bool) -> timedelta:
    """How long sending rests after so many failures in a row to reach the server.

    Longer where the server refused us: repeated wrong passwords get a sender locked out.
    """
    doubled = timedelta(seconds=2 ** min(failures - 1, 10))
    return min(doubled, _LONGEST_PAUSE_REFUSED if refused else _LONGEST_PAUSE)


ALL = ""
"""The lane of all recipients."""


@dataclass(frozen=True)
class Limits:
    """Mails per second, to all recipients and to each of their domains; `None` is no limit."""

    rate: float | None = None
    domain_rate: float | None = None

    def __bool__(self) -> bool:
        return self.rate is not None or self.domain_rate is not None

    def steps(self, recipient: str) -> dict[str, float]:
        """The lanes of a recipient that have a limit, and the seconds from one mail in them to the next."""
        lanes = {ALL: self.rate, recipient.rpartition("@")[2].lower(): self.domain_rate}
        return {lane: 1 / rate for lane, rate in lanes.items() if rate is not None}


NO_LIMITS = Limits()


def slots(
    wanted: Sequence[Mapping[str, float]], free_in: Mapping[str, float], ahead: float
) -> tuple[list[float | None], dict[str, float]]:
    """When each of several mails may leave, in seconds from now, and when their lanes are free after that.

    `wanted` has for each mail its lanes with the seconds that it takes up in them, `free_in` when these are free now.
    A mail that would leave later than `ahead` gets `None` and takes up nothing.
    """
    free = {lane: max(0.0, seconds) for lane, seconds in free_in.items()}
    given: list[float | None] = []
    for lanes in wanted:
        slot = max((free[lane] for lane in lanes), default=0.0)
        if slot > ahead:
            given.append(None)
            continue
        given.append(slot)
        for lane, seconds in lanes.items():
            free[lane] += seconds
    return given, free
