"""The calendar entry of one person, from the facts that a message states."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from events.calendar import Entry, EntryText, Method, Party, calendar
from events.rules import Attendance, EventStatus

ALARM_BEFORE = timedelta(days=1)


def personal_calendar(
    event: Mapping[str, Any],
    registration: Mapping[str, Any],
    *,
    method: Method,
    text: EntryText,
    organiser: Party,
    attendee: Party | None,
    page_url: str,
    join_url: str | None,
    at: datetime,
) -> bytes:
    """The calendar file of one registration, from the facts of `registration.facts`.

    A `REQUEST` or `CANCEL` is for the mail to `attendee`, the only one it names; a `PUBLISH`, for download, names
    nobody. A `CANCEL` has no alarm and no links. `at` is the instant of the cause: it becomes `DTSTAMP`.
    """
    cancelled = (
        method is Method.CANCEL
        or event["status"] == EventStatus.CANCELLED
        or registration["status"] in ("cancelled", "expired")
    )
    is_online = registration["attendance"] == Attendance.ONLINE
    entry = Entry(
        uid=registration["uid"],
        sequence=registration["sequence"],
        timezone=event["timezone"],
        starts_local=datetime.fromisoformat(event["starts_local"]),
        ends_local=datetime.fromisoformat(event["ends_local"]),
        changed_at=at,
        cancelled=cancelled,
        text=text,
        page_url=page_url,
        organiser=organiser,
        attendee=attendee,
        conference_url=join_url if is_online else None,
        alarm_before=ALARM_BEFORE,
    )
    return calendar(method, [entry])
