"""What people type in when they change their own registration."""

import hashlib
from collections.abc import Collection, Mapping

import msgspec

from events.details import EventDetails
from events.rules import Attendance
from registration.forms import SEATS, WISHES, Errors, online_access_typed, wished_typed
from registration.rules import OnlineAccess, Wishes, wishes_as_held
from registration.tables import Registration

Held = Mapping[str, str]
"""The group by session, and of a session that one signs up for its own key."""


def group_values(event: EventDetails, registration: Registration, held: Held) -> dict[str, str]:
    """The form of groups filled in: what is held, then what is wished, in `group.<session>`, `group2.<session>` …

    An optional session that is held or wished stands in `signup.<session>`.
    """
    values = {
        name: wish
        for session in event.group_sessions
        for name, wish in zip(
            wish_fields(session.key), _shown(registration, held, session.key) or ["none"], strict=False
        )
    }
    return values | {
        f"signup.{session.key}": "yes"
        for session in event.signup_sessions
        if _shown(registration, held, session.key)
    }


def wish_fields(session: str) -> list[str]:
    """The names of the fields for the first wish of a session, the second and so on."""
    return [f"group{number if number > 1 else ''}.{session}" for number in range(1, WISHES + 1)]


def wishes_typed(
    values: Mapping[str, str], event: EventDetails, fixed: Collection[str]
) -> tuple[Wishes, Errors]:
    """The wishes of every session that is not `fixed`, and what is wrong with them."""
    errors: Errors = []
    wishes: dict[str, tuple[str, ...]] = {}
    for session in event.group_sessions:
        if session.key in fixed:
            continue
        keys = [group.key for group in event.groups_in(session.key)]
        names = wish_fields(session.key)
        if not values.get(names[0]):
            errors.append((names[0], "missing"))
        wished = {name: values[name] for name in names if values.get(name, "") not in ("", "none")}
        errors += [(name, "unknown") for name, wish in wished.items() if wish not in keys]
        wishes[session.key] = tuple(dict.fromkeys(wished.values()))
    for session in event.signup_sessions:
        if session.key not in fixed:
            wishes[session.key] = (session.key,) if values.get(f"signup.{session.key}") else ()
    return wishes, errors


def attendances_of(event: EventDetails, registration: Registration) -> tuple[Attendance, ...]:
    """What the event offers, and what the person has."""
    own = Attendance(registration.attendance)
    return event.offered if own in event.offered else (own, *event.offered)


def place_values(registration: Registration) -> dict[str, str]:
    """The form of attendance and seats filled in."""
    return {"attendance": str(registration.attendance), "seats": str(registration.seats)}


def place_typed(
    values: Mapping[str, str], event: EventDetails, registration: Registration
) -> tuple[Attendance, int, Errors]:
    """Attendance and seats, and what is wrong with them."""
    errors: Errors = []
    attendance, seats = Attendance(registration.attendance), registration.seats
    there = attendances_of(event, registration)
    if len(there) > 1:
        if values.get("attendance") in [offered.value for offered in there]:
            attendance = Attendance(values["attendance"])
        else:
            errors.append(("attendance", "missing"))
    chosen = values.get("seats", "")
    if chosen in map(str, SEATS):
        seats = int(chosen)
    else:
        errors.append(("seats", "range"))
    return attendance, seats, errors


def online_values(registration: Registration) -> dict[str, str]:
    """The form of joining online filled in."""
    return {
        "online_access": registration.online_access or "",
        "attendance_wished": registration.attendance_wished or "",
    }


def online_typed(
    values: Mapping[str, str], event: EventDetails
) -> tuple[OnlineAccess | None, Attendance | None, Errors]:
    """What keeps them from taking part online, the wish for when the event comes back, and what is wrong."""
    errors: Errors = []
    access = online_access_typed(values, errors)
    wished = wished_typed(values, errors) if event.is_moved_online else None
    return access, wished, errors


def state_of(registration: Registration, held: Held) -> str:
    """Short text that is another one once somebody else has changed seats, groups or wishes."""
    state = [registration.attendance, registration.seats, registration.wishes, held, registration.status]
    return hashlib.sha256(msgspec.json.encode(state, order="deterministic")).hexdigest()[:16]


def _shown(registration: Registration, held: Held, session: str) -> list[str]:
    return wishes_as_held(registration.wishes.get(session, ()), held.get(session))
