"""The calendar entry of one person, from the facts that a message states."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from events.calendar import (
    Entry,
    EntryText,
    Method,
    Party,
    attendee_line,
    calendar,
    content_lines,
    folded,
    stamp_line,
)
from events.rules import Attendance, EventStatus
from notifications.forms import Lines, gap

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


class PersonalCalendars:
    """The calendar files of many registrations, made from that of one in which gaps stand for what differs."""

    def __init__(self, sample: bytes) -> None:
        """`sample` is a `personal_calendar` with an attendee, whoever it is, at any instant."""
        lines = [
            gap("attendee")
            if line.startswith("ATTENDEE;")
            else gap(line.partition(":")[0].replace("-", "").lower())
            if line.startswith(("DTSTAMP:", "LAST-MODIFIED:"))
            else line
            for line in content_lines(sample)
        ]
        self._lines = Lines("\n".join(lines), folded)

    def filled(self, attendee: Party, at: datetime, values: Mapping[str, str]) -> bytes:
        """The file of one registration. `values` are letters, digits and hyphens: they are written as they stand."""
        lines = {
            "attendee": attendee_line(attendee),
            "dtstamp": stamp_line("DTSTAMP", at),
            "lastmodified": stamp_line("LAST-MODIFIED", at),
        }
        return self._lines.filled({**values, **lines})
