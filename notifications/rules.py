"""Decisions about sending: when to try again. Pure."""

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
