"""Messages to send, and mails of them without templates."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from notifications.delivery import Letter
from notifications.mail import Recipient, Sender, Words, build, content_of, envelope_address
from notifications.outbox import Claim, NewMessage
from notifications.tables import Message

HOST = "dialog.example.org"
WORDS = Words(
    sender="Stadt Gütersloh", subject="Angemeldet: Dialog", text="Guten Tag\n", html="<p>Guten Tag</p>"
)


def new(number: int = 0, **changes: Any) -> NewMessage:
    values: dict[str, Any] = {
        "kind": "confirmed",
        "recipient": f"person-{number}@example.org",
        "recipient_name": f"Person {number}",
        "language": "de",
        "context": {"number": number, "word": "Grüße"},
    }
    return NewMessage(**values | changes)


async def compose(claims: Sequence[Claim]) -> Callable[[Claim], Letter]:
    return letter_of


def letter_of(claim: Claim) -> Letter:
    mail = build(
        WORDS,
        Sender("dialog@example.org"),
        Recipient(claim.recipient_name, claim.recipient, claim.language),
        message_id=claim.message_id,
        sent_at=datetime.now(UTC),
    )
    return Letter(
        id=claim.id,
        created_at=claim.created_at,
        sender="dialog@example.org",
        recipient=envelope_address(claim.recipient),
        content=content_of(mail),
    )


def claimed(**changes: Any) -> Claim:
    """A claim that nobody made, for what needs no database."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "fence": 1,
        "kind": "confirmed",
        "recipient": "kim@example.org",
        "recipient_name": "Kim Muster",
        "language": "de",
        "context": {},
        "about": None,
        "event_id": None,
        "attempts": 1,
        "created_at": datetime(2022, 10, 20, 8, 15, tzinfo=UTC),
        "message_id": f"<one@{HOST}>",
    }
    return Claim(**values | changes)


async def rows() -> list[dict[str, Any]]:
    """All messages by their recipients."""
    return await Message.select().order_by(Message.recipient).output(load_json=True)


async def row_of(message_id: UUID) -> dict[str, Any]:
    found = await Message.select().where(Message.id == message_id).output(load_json=True).first()
    assert found is not None
    return found
