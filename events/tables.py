"""Tables of events. Local times and the zone are what is stored; instants stand beside them for queries."""

from typing import Any

from piccolo.columns import (
    JSONB,
    Array,
    Boolean,
    ForeignKey,
    Integer,
    Serial,
    Text,
    Timestamp,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from events.rules import EventStatus, Mode, Role


class Series(Table):
    """Events that belong together, imported from one file."""

    id: Serial
    slug = Varchar(length=80, unique=True)
    default_language = Varchar(length=16)
    title: Any = JSONB()
    summary: Any = JSONB(null=True, default=None)
    description: Any = JSONB(null=True, default=None)


class Organiser(Table):
    """A person of the town hall who signs in."""

    id: Serial
    email = Varchar(length=254, unique=True, help_text="lower case")
    name = Varchar(length=200)
    role = Varchar(length=16, choices=Role, default=Role.ORGANISER)
    password_hash = Varchar(length=200, null=True, default=None, help_text="argon2id; null = by link only")
    created_at = Timestamptz(default=TimestamptzNow())


class Event(Table):
    """One event: texts, times, mode, what may be held and what is held."""

    id: Serial
    series = ForeignKey(Series, null=True, default=None, on_delete=OnDelete.restrict)
    slug = Varchar(length=80, unique=True)
    short = Varchar(length=80, null=True, default=None, unique=True)
    uid = Varchar(length=120, unique=True, help_text="UID of the public calendar, for ever")
    kind = Varchar(length=40)
    status = Varchar(length=16, choices=EventStatus, default=EventStatus.DRAFT)
    default_language = Varchar(length=16)
    timezone = Varchar(length=64)
    starts_local = Timestamp(default=None)
    ends_local = Timestamp(default=None)
    opens_local = Timestamp(null=True, default=None)
    closes_local = Timestamp(null=True, default=None)
    starts_at = Timestamptz(default=None, index=True)
    ends_at = Timestamptz(default=None)
    opens_at = Timestamptz(null=True, default=None)
    closes_at = Timestamptz(default=None, help_text="the start where no deadline is given")

    title: Any = JSONB(help_text="text by language, like all JSONB texts")
    summary: Any = JSONB(null=True, default=None)
    description: Any = JSONB(null=True, default=None, help_text="Markdown by language")
    contact: Any = JSONB(null=True, default=None)

    mode = Varchar(length=16, choices=Mode, default=Mode.IN_PERSON)
    base_mode = Varchar(length=16, choices=Mode, default=Mode.IN_PERSON)
    came_back = Boolean(
        default=False, help_text="hybrid since the hall was too small for all on the way back from the screen"
    )
    mode_changed_at = Timestamptz(null=True, default=None)
    mode_reason = Text(null=True, default=None)
    mode_locked = Boolean(default=False, help_text="rules are judged and shown, but do not move the event")
    meeting_url = Varchar(length=500, null=True, default=None)
    plan: Any = JSONB(
        null=True,
        default=None,
        help_text="the rules in force and what their last reports say, as facts of hybrid.plans; null = none",
    )

    capacity = Integer(null=True, default=None)
    digital_capacity = Integer(null=True, default=None)
    hybrid_capacity = Integer(null=True, default=None)
    waitlist = Boolean(default=True)
    confirm_email = Boolean(default=True)
    hold_hours = Integer(default=24)
    allocation = Varchar(length=16, default="first_come")
    assigned_at = Timestamptz(
        null=True, default=None, help_text="when the groups were assigned at the deadline"
    )
    assignment_seed = Varchar(
        length=64, null=True, default=None, help_text="published, kept by every later run"
    )

    in_person_limit = Integer(null=True, default=None, help_text="what may be held now; null = no limit")
    online_limit = Integer(null=True, default=None)
    in_person_taken = Integer(default=0, help_text="seats held by pending and confirmed")
    online_taken = Integer(default=0)
    in_person_waiting = Integer(default=0, help_text="waitlisted registrations")
    online_waiting = Integer(default=0)

    reminders: Any = JSONB(default="[]", help_text="as in the event file")
    reminded_until = Timestamptz(
        default=TimestamptzNow(), help_text="reminders that were due by then are past, sent or not"
    )
    questions: Any = JSONB(default="[]", help_text="as in the event file")
    topics: Any = JSONB(default="[]", help_text="as in the event file")
    retention_days = Integer(default=30)

    sequence = Integer(default=0, help_text="SEQUENCE of the public calendar")
    version = Integer(default=1, help_text="rises with every change of what pages show, not with seats")
    created_at = Timestamptz(default=TimestamptzNow())
    changed_at = Timestamptz(default=TimestamptzNow())
    cancelled_at = Timestamptz(null=True, default=None)
    cancel_reason = Text(null=True, default=None)
    personal_data_removed_at = Timestamptz(null=True, default=None)

    in_person_not_oversold = Check("in_person_limit IS NULL OR in_person_taken <= in_person_limit")
    online_not_oversold = Check("online_limit IS NULL OR online_taken <= online_limit")
    nothing_below_zero = Check(
        "in_person_taken >= 0 AND online_taken >= 0 AND in_person_waiting >= 0 AND online_waiting >= 0"
    )
    ends_after_start = Check("ends_at > starts_at")


class Venue(Table):
    """A house and room where an event, or a part of it, takes place."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    key = Varchar(length=80)
    position = Integer()
    name = Varchar(length=200)
    room = Varchar(length=200, null=True, default=None)
    street = Varchar(length=200, null=True, default=None)
    postal_code = Varchar(length=20, null=True, default=None)
    locality = Varchar(length=200, null=True, default=None)
    country = Varchar(length=2, null=True, default=None)
    access: Any = JSONB(null=True, default=None, help_text="how to get in, by language")

    one_venue_key = Unique([event, key])


class Session(Table):
    """An item of the programme."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    key = Varchar(length=80)
    position = Integer()
    kind = Varchar(length=40)
    venue = ForeignKey(Venue, null=True, default=None, on_delete=OnDelete.set_null)
    starts_local = Timestamp(default=None)
    ends_local = Timestamp(default=None)
    starts_at = Timestamptz(default=None)
    ends_at = Timestamptz(default=None)
    title: Any = JSONB()
    speaker: Any = JSONB(null=True, default=None)
    optional = Boolean(default=False)
    capacity = Integer(null=True, default=None)

    one_session_key = Unique([event, key])


class WorkingGroup(Table):
    """A group that works in one or several sessions (rounds)."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    key = Varchar(length=80)
    position = Integer()
    title: Any = JSONB()
    capacity = Integer(null=True, default=None)
    digital_capacity = Integer(null=True, default=None)
    moderators = Array(base_column=Varchar(length=254), default=list)

    one_group_key = Unique([event, key])


class GroupSlot(Table):
    """A working group in one session, with its own seats; without a group, an optional session that one signs up for.

    Migrations add a partial unique index: one slot without a group per session.
    """

    id: Serial
    group = ForeignKey(WorkingGroup, null=True, default=None, on_delete=OnDelete.cascade)
    session = ForeignKey(Session, on_delete=OnDelete.cascade)
    seat_limit = Integer(null=True, default=None, help_text="what may be held now; null = no limit")
    taken = Integer(default=0)

    one_group_slot = Unique([group, session])
    not_oversold = Check("taken >= 0 AND (seat_limit IS NULL OR taken <= seat_limit)")


class Membership(Table):
    """An organiser's part in one event."""

    id: Serial
    organiser = ForeignKey(Organiser, on_delete=OnDelete.cascade)
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    role = Varchar(length=16, choices=Role, default=Role.ORGANISER)

    one_membership = Unique([organiser, event])


class Activity(Table):
    """Who did what, when; never with a name or address of an attendee."""

    id: Serial
    event = ForeignKey(Event, null=True, default=None, on_delete=OnDelete.cascade)
    organiser = ForeignKey(Organiser, null=True, default=None, on_delete=OnDelete.set_null)
    at = Timestamptz(default=TimestamptzNow(), index=True)
    what = Varchar(length=60)
    details: Any = JSONB(default="{}")
