"""Tables of the application itself: who is signed in, and the tokens of other systems."""

from piccolo.columns import ForeignKey, Serial, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from events.tables import Organiser


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
