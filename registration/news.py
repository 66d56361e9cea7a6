"""What a new message makes wrong of what is still queued about the same registration, and how both become one. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Facts = dict[str, Any]

STANDING = ("confirm", "confirmed", "promoted", "waitlisted")
"""Kinds that tell people for the first time where they stand."""

CHANGING = ("registration_changed", "event_changed")
"""Kinds that tell of a change, those further back saying more."""

ENDING = ("expired", "registration_cancelled", "event_cancelled")

REMINDING = ("reminder", "confirm_soon", "starts_soon", "thanks")

KINDS = (*STANDING, *CHANGING, *ENDING, *REMINDING, "already_registered")

ANNOUNCEMENT = "announcement"
"""What an organiser writes to many: no change makes it wrong, only the end. It carries the link to unsubscribe."""

INVITING = {"confirmed", "promoted", *CHANGING}
"""Kinds that carry a calendar REQUEST for those who are confirmed."""

MADE_WRONG: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("confirmed", "promoted", *CHANGING), KINDS),
    **dict.fromkeys(ENDING, (*KINDS, ANNOUNCEMENT)),
    **dict.fromkeys(REMINDING, REMINDING),
}
"""What a message of a kind makes wrong: each states where the person stands, and when and where the event is."""


@dataclass(frozen=True)
class News:
    """What a message tells beside the facts: its kind, and what has changed (`changes`), by whom, and why."""

    kind: str
    more: Facts

    @property
    def changes(self) -> list[Facts]:
        return self.more.get("changes") or []


def together(later: News, earlier: Sequence[News]) -> News:
    """The one message in place of `later` and of what it makes wrong, which is `earlier` in the order of writing.

    Nobody hears of a change without having heard what has changed: who does not know yet that they are confirmed is
    told that, with what is new. What was changed and changed back is not told.
    """
    if later.kind in ENDING or later.kind in REMINDING or not earlier:
        return later
    kind = later.kind
    if kind in CHANGING:
        told = [news.kind for news in earlier]
        standing = [known for known in told if known in STANDING]
        kind = standing[-1] if standing else max((kind, *told), key=_weight)
    changes = joined(change for news in (*earlier, later) for change in news.changes)
    more = {**later.more, "changes": changes} if changes or later.changes else dict(later.more)
    if why := next((news.more["why"] for news in (later, *reversed(earlier)) if news.more.get("why")), None):
        more["why"] = why
    return News(kind, more)


def _weight(kind: str) -> int:
    return CHANGING.index(kind) if kind in CHANGING else -1


def joined(changes: Iterable[Facts]) -> list[Facts]:
    """Changes one after the other as one of each kind: from before the first to after the last.

    One that ends where it began is left out.
    """
    found: dict[str, Facts] = {}
    for change in changes:
        first = found.get(change["what"])
        found[change["what"]] = change if first is None else _continued(first, change)
    return [change for change in found.values() if not _is_undone(change)]


def _continued(first: Facts, later: Facts) -> Facts:
    both = {**first, **later}
    if "before" in first:
        both["before"] = first["before"]
    if "sessions" in first or "sessions" in later:
        known = {session["key"]: session for session in later.get("sessions", ())}
        both["sessions"] = list(
            {**known, **{session["key"]: session for session in first.get("sessions", ())}}.values()
        )
    return both


def _is_undone(change: Facts) -> bool:
    return change.get("before") is not None and change["before"] == change.get("after")


def programme_changes(change: Facts) -> list[Facts]:
    """What is new in the programme, session by session, from the `before` and `after` of such a change.

    Each has `is` (`new`, `gone`, `moved` or `elsewhere`) beside the facts of the session.
    """
    before = {session["key"]: session for session in change.get("before") or ()}
    after = {session["key"]: session for session in change.get("after") or ()}
    found = []
    for key, session in after.items():
        if key not in before:
            found.append({"is": "new", **session})
        elif _times(before[key]) != _times(session):
            found.append({"is": "moved", **session})
        elif before[key]["venue"] != session["venue"]:
            found.append({"is": "elsewhere", **session})
    return found + [{"is": "gone", **session} for key, session in before.items() if key not in after]


def _times(session: Facts) -> tuple[str, str]:
    return session["starts_local"], session["ends_local"]
