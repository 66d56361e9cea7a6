"""The outbox."""

from enum import StrEnum
from typing import Any

from piccolo.columns import JSONB, UUID, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.defaults.uuid import UUID4
from piccolo.constraints import Check
from piccolo.table import Table


class MessageStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Lane(Table):
    """How far mails to a recipient domain are spread over time, where an operator limits them."""

    domain = Varchar(length=253, primary_key=True, help_text="empty = mails to all domains")
    next_at = Timestamptz(default=TimestamptzNow(), help_text="when the next one may leave")


class SharedContext(Table):
    """Facts that many messages state, such as those about their event, written once."""

    id: Serial
    event_id = Integer(null=True, default=None, index=True)
    digest = Varchar(length=64, unique=True, help_text="SHA-256 of the facts")
    content: Any = JSONB()


class Message(Table):
    """One mail to one person, written in the transaction of what it tells about."""

    id = UUID(primary_key=True, default=UUID4())
    kind = Varchar(length=40, help_text="the folder in templates/mail")
    about = UUID(null=True, default=None, index=True, help_text="the registration's id")
    event_id = Integer(null=True, default=None, index=True)
    recipient = Varchar(length=254, help_text="address")
    recipient_name = Varchar(length=200)
    language = Varchar(length=16)
    context: Any = JSONB(default="{}", help_text="what the message states, as of its cause")
    shared = Integer(
        null=True, default=None, help_text="id of the SharedContext, which goes after its messages"
    )
    batch = UUID(
        null=True, default=None, help_text="the id of what many are sent at once, such as an announcement"
    )
    status = Varchar(length=16, choices=MessageStatus, default=MessageStatus.QUEUED)
    created_at = Timestamptz(default=TimestamptzNow())
    due_at = Timestamptz(default=TimestamptzNow())
    attempts = Integer(default=0)
    lease_until = Timestamptz(null=True, default=None)
    fence = Integer(default=0, help_text="rises with every claim; only the last claim may record")
    sent_at = Timestamptz(null=True, default=None)
    last_error = Text(null=True, default=None, help_text="never with an address")
    message_id = Varchar(length=200, help_text="Message-ID, for ever")

    lease_while_sending = Check("(status = 'sending') = (lease_until IS NOT NULL)")
