"""What sources said, what rules made of it, and how an event moved between hall and screen."""

from typing import Any

from piccolo.columns import (
    JSONB,
    UUID,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    Serial,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.defaults.uuid import UUID4
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from events.rules import Mode
from events.tables import Event, Organiser, Session, WorkingGroup


class Report(Table):
    """One publication as it was read; a second one of the same date is a revision of the first."""

    id: Serial
    indicator = Varchar(length=80)
    scope = Varchar(
        length=200, help_text="the region, where each is reported by itself, as figures typed in are"
    )
    address = Varchar(length=500, help_text="where it was read")
    dated_at = Timestamptz(default=None, help_text="00:00 of its date at the source; of a state the issue")
    report_on = Date(default=None)
    newest_on = Date(null=True, default=None, help_text="the day of its newest row; null in a state")
    read_at = Timestamptz(default=None)
    checksum = Varchar(length=64, help_text="SHA-256 of the file")
    revision = Integer(default=0, help_text="0 = as first published; others are kept and shown")
    counts = Boolean(default=True, help_text="false for revisions, and for those older than the last")
    regions: Any = JSONB(null=True, default=None, help_text="what is kept of a state; null = every region")

    one_publication = Unique([indicator, scope, dated_at, revision])


class Reading(Table):
    """What a report says of one region: the newest rows of a series, or the warnings in force."""

    id: Serial
    report = ForeignKey(Report, on_delete=OnDelete.cascade)
    region = Varchar(length=200)
    rows: Any = JSONB(help_text="first day, step and values; of a state [severity, onset, expires, event]")

    one_region = Unique([report, region])


class Source(Table):
    """How reading an indicator went last."""

    id: Serial
    indicator = Varchar(length=80, unique=True)
    read_at = Timestamptz(null=True, default=None, help_text="when a report was last read")
    failing_since = Timestamptz(null=True, default=None)
    failed_at = Timestamptz(null=True, default=None)
    failure_code = Varchar(length=20, null=True, default=None, help_text="why the last file was no report")
    failure_detail = Varchar(length=200, default="", help_text="such as the column that is missing")


class ModeRule(Table):
    """A rule as in the event file, and how it stands; it keeps its row across an edit."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    key = Varchar(length=200)
    position = Integer()
    rule: Any = JSONB(help_text="the keys of `[[mode_rules]]`")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="reports read before it decide nothing")
    is_on = Boolean(default=False)
    turned_at = Timestamptz(null=True, default=None, help_text="when it last went on or off")
    judged = ForeignKey(
        Report, null=True, default=None, on_delete=OnDelete.set_null, help_text="the last report judged"
    )
    verdict: Any = JSONB(null=True, default=None, help_text="what it made of that report")

    one_rule_key = Unique([event, key])


class ModeSwitch(Table):
    """Each change of an event's mode, or of its lock or the hall's seats within the mode; rows are only ever added."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade, index=True)
    at = Timestamptz(default=None)
    from_mode = Varchar(length=16, choices=Mode)
    to_mode = Varchar(length=16, choices=Mode)
    organiser = ForeignKey(
        Organiser, null=True, default=None, on_delete=OnDelete.set_null, help_text="null = by itself"
    )
    reason = Text(null=True, default=None, help_text="as the organiser wrote it")
    locked = Boolean(default=False, help_text="whether the mode was locked from then on")
    resized = Boolean(default=False, help_text="whether the hall's seats changed within the mode")
    evidence: Any = JSONB(null=True, default=None, help_text="rule, reading, report and time")


class ModeProposal(Table):
    """A change of the mode that waits for an organiser's answer."""

    id = UUID(primary_key=True, default=UUID4())
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    rule_key = Varchar(length=200)
    cause = Varchar(length=16, help_text="approval, expired or vanished")
    to_mode = Varchar(length=16, choices=Mode)
    kept_mode = Varchar(
        length=16, choices=Mode, null=True, default=None, help_text="not left before the answer"
    )
    made_at = Timestamptz(default=None)
    evidence: Any = JSONB(null=True, default=None)
    answer = Varchar(length=16, null=True, default=None, help_text="accepted, declined or superseded")
    answered_at = Timestamptz(null=True, default=None)
    answered_by = ForeignKey(Organiser, null=True, default=None, on_delete=OnDelete.set_null)

    known_cause = Check("cause IN ('approval', 'expired', 'vanished')")
    known_answer = Check("answer IS NULL OR answer IN ('accepted', 'declined', 'superseded')")


class RecordedFile(Table):
    """Recorded reports that an organiser tries rules on; forgotten after a day."""

    id = UUID(primary_key=True, default=UUID4())
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    name = Varchar(length=200)
    content: Any = Bytea()
    created_at = Timestamptz(default=None, index=True)


class Fetch(Table, tablename="source_fetch"):
    """When a source was last asked, by whichever worker, and how its file is known again."""

    id: Serial
    indicator = Varchar(length=80, unique=True)
    address = Text(default="", help_text="of the file that is marked; another address is read at once")
    began_at = Timestamptz(null=True, default=None, help_text="when a worker last began")
    is_running = Boolean(default=False, help_text="whether that worker is at it still, unless it died")
    etag = Varchar(length=200, default="")
    modified = Varchar(length=200, default="", help_text="Last-Modified as the server wrote it")
    checksum = Varchar(length=64, default="", help_text="SHA-256 of the file that was read")
    told_at = Timestamptz(null=True, default=None, help_text="when organisers were told that it fails")


class MeetingRoom(Table):
    """A room of an event on a meeting server, whichever that is: of one group in one session, else the plenary.

    Its name never changes. Migrations add a partial unique index: one plenary room per event.
    """

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    group = ForeignKey(WorkingGroup, null=True, default=None, on_delete=OnDelete.cascade)
    session = ForeignKey(Session, null=True, default=None, on_delete=OnDelete.cascade)
    name = Varchar(length=64, unique=True, help_text="by hybrid.room_names")
    made_at = Timestamptz(default=TimestamptzNow())

    one_room_per_group = Unique([group, session])
    group_and_session_or_plenary = Check('("group" IS NULL) = (session IS NULL)')


class ServerOutage(Table):
    """None of the meeting servers answers for an event that a switch has brought there; organisers are told once."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade, unique=True)
    began_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None, help_text="when one answered again, null while none does")
