"""Tables of the application itself: who is signed in, and the tokens of other systems."""

from typing import Any

from piccolo.columns import JSONB, UUID, ForeignKey, Serial, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.defaults.uuid import UUID4
from piccolo.table import Table

from events.tables import Event, Organiser


class SignIn(Table):
    """A signed-in browser. Only a hash of the cookie is stored."""

    id: Serial
    token_hash = Varchar(length=64, unique=True)
    organiser = ForeignKey(Organiser, on_delete=OnDelete.cascade)
    created_at = Timestamptz(default=TimestamptzNow())
    seen_at = Timestamptz(default=TimestamptzNow())
    expires_at = Timestamptz(default=None)


class SignInLink(Table):
    """A link that signs in once."""

    id: Serial
    token_hash = Varchar(length=64, unique=True)
    organiser = ForeignKey(Organiser, on_delete=OnDelete.cascade)
    expires_at = Timestamptz(default=None)


class ApiToken(Table):
    """A token of another system, acting for an organiser. Only a hash is stored."""

    id: Serial
    token_hash = Varchar(length=64, unique=True)
    organiser = ForeignKey(Organiser, on_delete=OnDelete.cascade)
    scope = Varchar(length=8, default="read", help_text="read or write")
    created_at = Timestamptz(default=TimestamptzNow())
    used_at = Timestamptz(null=True, default=None)


class SignInFailure(Table):
    """A wrong password. Only a hash of the address is stored."""

    id: Serial
    address_hash = Varchar(length=64, index=True)
    at = Timestamptz(default=TimestamptzNow())


class ImportDraft(Table):
    """A list that an organiser has sent and that is not registered yet. It is kept for a day."""

    id = UUID(primary_key=True, default=UUID4())
    event = ForeignKey(Event, on_delete=OnDelete.cascade)
    organiser = ForeignKey(Organiser, on_delete=OnDelete.cascade)
    created_at = Timestamptz(default=TimestamptzNow(), index=True)
    headings: Any = JSONB(help_text="one text per column")
    rows: Any = JSONB(help_text="pairs of line number and cells; once applied, those left out")
    meanings: Any = JSONB(help_text="one per column, empty where it is left aside")
    outcome: Any = JSONB(null=True, default=None, help_text="counts by verdict, once applied")
