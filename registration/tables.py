"""Tables of registrations."""

from typing import Any

from piccolo.columns import (
    JSONB,
    UUID,
    BigSerial,
    Boolean,
    ForeignKey,
    Integer,
    Serial,
    Timestamp,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.defaults.uuid import UUID4
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from events.rules import Attendance
from events.tables import Event, GroupSlot, Organiser
from registration.links import nonce
from registration.rules import OnlineAccess, RegistrationStatus


class Registration(Table):
    """One person (with up to five more) at one event.

    Migrations add a partial unique index: one active registration per event and address.
    """

    id = UUID(primary_key=True, default=UUID4())
    event = ForeignKey(Event, on_delete=OnDelete.restrict)
    arrival = BigSerial(help_text="order of arrival, given under the event's lock")
    number = Varchar(length=9, help_text="for the phone, like K7QM-2XVT")
    name = Varchar(length=200)
    email = Varchar(length=254, null=True, default=None, help_text="as typed; null = told by phone or letter")
    address = Varchar(
        length=254, null=True, default=None, help_text="the e-mail in lower case, for comparison"
    )
    language = Varchar(length=16)
    status = Varchar(length=16, choices=RegistrationStatus)
    attendance = Varchar(length=16, choices=Attendance)
    attendance_before = Varchar(
        length=16,
        null=True,
        default=None,
        choices=Attendance,
        help_text="where they had their seat when a switch moved them online, until they are back",
    )
    attendance_wished = Varchar(length=16, null=True, default=None, choices=Attendance)
    online_access = Varchar(
        length=16, null=True, default=None, choices=OnlineAccess, help_text="null = can take part online"
    )
    seats = Integer(default=1)
    wishes: Any = JSONB(default="{}", help_text="group keys in order of wish, by session key")
    answers: Any = JSONB(default="{}", help_text="by question key, also of questions that are asked no more")
    special_answers: Any = JSONB(default="{}", help_text="the same of special categories (Art. 9 GDPR)")
    sequence = Integer(default=0, help_text="the registration's own part of its calendar's SEQUENCE")
    held_until = Timestamptz(null=True, default=None, help_text="while pending")
    registered_at = Timestamptz(default=TimestamptzNow())
    confirmed_at = Timestamptz(null=True, default=None, help_text="when the address was proved, or by hand")
    promoted_at = Timestamptz(null=True, default=None, help_text="when they last moved up from the waitlist")
    ended_at = Timestamptz(null=True, default=None)
    client = Varchar(
        length=32, null=True, default=None, help_text="a hash of where it came from, while pending"
    )
    registered_by = ForeignKey(Organiser, null=True, default=None, on_delete=OnDelete.set_null)
    confirm_nonce = Varchar(length=16)
    own_nonce = Varchar(length=16)
    join_nonce = Varchar(length=16)
    unsubscribe_nonce = Varchar(length=16, default=nonce)
    announcements_off_at = Timestamptz(
        null=True, default=None, help_text="since when the organisers' announcements are not wanted"
    )

    one_to_six_seats = Check("seats BETWEEN 1 AND 6")
    known_online_access = Check("online_access IN ('phone', 'none')")
    hold_while_pending = Check("(status = 'pending') = (held_until IS NOT NULL)")


class Invitation(Table):
    """That a calendar REQUEST was put out to somebody: the next has a higher SEQUENCE, the end brings a CANCEL.

    It stands beside the registration, whose row a switch has written anew already.
    """

    registration = ForeignKey(Registration, primary_key=True, null=False, on_delete=OnDelete.cascade)
    sequence = Integer(help_text="of the last one")


class GroupSeat(Table):
    """A registration's seats in one group and session."""

    id: Serial
    registration = ForeignKey(Registration, on_delete=OnDelete.cascade)
    slot = ForeignKey(GroupSlot, on_delete=OnDelete.restrict)
    seats = Integer(default=1)
    locked = Boolean(default=False, help_text="kept by every assignment")

    one_group_seat = Unique([registration, slot])


class Assignment(Table):
    """A run that set the groups of all rounds together. Rows are only added."""

    id: Serial
    event = ForeignKey(Event, index=True, on_delete=OnDelete.cascade)
    made_at = Timestamptz(default=TimestamptzNow())
    made_by = ForeignKey(
        Organiser, null=True, default=None, on_delete=OnDelete.set_null, help_text="null = at the deadline"
    )
    seed = Varchar(length=64)
    solver = Varchar(length=80)
    report: Any = JSONB(help_text="registration.allocation.Report, people by id")
    moved = Integer(help_text="people who were taken from a group")


class Proposal(Table):
    """What another run would change, until it is applied or the next one takes its place."""

    id: Serial
    event = ForeignKey(Event, unique=True, on_delete=OnDelete.cascade)
    made_at = Timestamptz(default=TimestamptzNow())
    made_by = ForeignKey(Organiser, null=True, default=None, on_delete=OnDelete.set_null)
    input_hash = Varchar(length=64, help_text="of everything that it was computed from")
    seed = Varchar(length=64)
    solver = Varchar(length=80)
    report: Any = JSONB(help_text="as of Assignment")
    changes: Any = JSONB(help_text="person, session, before, after")


class Reminder(Table):
    """That somebody got a reminder, for a date of the event: moved by a day or more, it is due again."""

    id: Serial
    registration = ForeignKey(Registration, on_delete=OnDelete.cascade)
    key = Varchar(length=160, help_text="which one")
    for_local = Timestamp(help_text="the local time that it reminded of")
    at = Timestamptz(default=TimestamptzNow())

    once_per_date = Unique([registration, key, for_local])


class Consent(Table):
    """What a person agreed to, in the very words. One that is given again after a withdrawal is another row.

    Migrations add a partial unique index: one standing consent per registration and key.
    """

    id: Serial
    registration = ForeignKey(Registration, on_delete=OnDelete.cascade)
    key = Varchar(length=80, help_text="of the question")
    text_hash = Varchar(length=64, help_text="SHA-256 of the text that was shown")
    language = Varchar(length=16, help_text="of that text")
    given_at = Timestamptz(default=TimestamptzNow())
    withdrawn_at = Timestamptz(null=True, default=None)


class IdempotencyKey(Table):
    """The answer given to a request, so that its repetition gets the same."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    address = Varchar(length=254)
    key = Varchar(length=128)
    body_hash = Varchar(length=64)
    answer: Any = JSONB()
    created_at = Timestamptz(default=TimestamptzNow())

    one_answer_per_key = Unique([event, address, key])


class Demand(Table):
    """One registration asked for, so that they can be counted: by whom, and for which address.

    Kept for as long as the longest limit looks back.
    """

    id = BigSerial(primary_key=True)
    subject = Varchar(length=32, help_text="a keyed hash of the client or of the e-mail address")
    at = Timestamptz(default=TimestamptzNow())


class Announcement(Table):
    """What an organiser writes to people of an event: a draft until it is sent, once.

    Its messages have its id as their batch.
    """

    id = UUID(primary_key=True, default=UUID4())
    event = ForeignKey(Event, index=True, on_delete=OnDelete.cascade)
    written_by = ForeignKey(Organiser, null=True, default=None, on_delete=OnDelete.set_null)
    written_at = Timestamptz(default=TimestamptzNow())
    changed_at = Timestamptz(default=TimestamptzNow())
    subjects: Any = JSONB(default="{}", help_text="by language")
    texts: Any = JSONB(default="{}", help_text="Markdown by language")
    segment: Any = JSONB(default="{}", help_text="registration.segments.Segment")
    sent_at = Timestamptz(null=True, default=None)
    sent_by = ForeignKey(Organiser, null=True, default=None, on_delete=OnDelete.set_null)
    recipients = Integer(default=0, help_text="who got a message in the outbox")
    without_address = Integer(default=0, help_text="who could not")
    unsubscribed = Integer(default=0, help_text="who wanted none")
    paused_at = Timestamptz(null=True, default=None)
    stopped_at = Timestamptz(null=True, default=None)
    outcome: Any = JSONB(null=True, default=None, help_text="counts by status, once the messages are removed")
