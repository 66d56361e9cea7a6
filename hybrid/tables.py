"""What decides about an event's mode."""

from typing import Any

from piccolo.columns import JSONB, ForeignKey, Integer, Serial, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from events.tables import Event, Session, WorkingGroup


class ModeRule(Table):
    """A rule as in the event file; it keeps its row across an edit."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    key = Varchar(length=200)
    position = Integer()
    rule: Any = JSONB(help_text="the keys of `[[mode_rules]]`")

    one_rule_key = Unique([event, key])


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
