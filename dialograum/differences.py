"""What two documents of an event say differently."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """One value by its path, such as `sessions.dinner.starts_at`; `None` where it does not stand."""

    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Every value that differs, in the order of the documents. Tables of a list are the same where their key is;
    one that comes or goes is one value."""
    if before == after:
        return
    if (before is None and _is_named(after)) or (after is None and _is_named(before)):
        yield Difference(path, before, after)
        return
    before_parts, after_parts = _parts(before), _parts(after)
    if before_parts is None or after_parts is None:
        yield Difference(path, before, after)
        return
    for key in dict.fromkeys((*before_parts, *after_parts)):
        below = f"{path}.{key}" if path else str(key)
        yield from differences(before_parts.get(key), after_parts.get(key), below)


def _parts(value: Any) -> dict[Any, Any] | None:
    """The named parts of a value, if it has any; nothing has none and yet could have them."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
        return {entry.get("key", place): entry for place, entry in enumerate(value, start=1)}
    return None


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and "key" in value
