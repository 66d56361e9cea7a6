"""What decides about an event's mode."""

from typing import Any

from piccolo.columns import JSONB, ForeignKey, Integer, Serial, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from events.tables import Event


class ModeRule(Table):
    """A rule as in the event file; it keeps its row across an edit."""

    id: Serial
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    key = Varchar(length=200)
    position = Integer()
    rule: Any = JSONB(help_text="the keys of `[[mode_rules]]`")

    one_rule_key = Unique([event, key])
