"""What becomes of the requests for one event that are decided together, in order of arrival. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from events.details import EventDetails
from events.errors import EventCancelled, EventUnknown, FormInvalid, Refusal
from events.rules import Attendance, EventStatus
from registration.errors import EventFull, GroupUnknown, RegistrationClosed, RegistrationNotOpen
from registration.rules import (
    HOLDING,
    Refused,
    RegistrationStatus,
    Seats,
    Slot,
    Terms,
    Wishes,
    admission,
    attendance_or_default,
    groups_for,
    held_until,
    unknown_wishes,
    with_seats_taken,
)


@dataclass(frozen=True)
class Newcomer:
    """Who wants to register, as checked by the form.

    `email` is `None` only where registered by hand, `language` where the event's own will do.
    `answers` and `consents` are as typed, by question key; `shown_in` is the language in which the questions were
    read, `None` that of the messages.
    """

    name: str
    email: str | None
    language: str
    attendance: Attendance | None = None
    seats: int = 1
    wishes: Wishes = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    consents: Mapping[str, bool] = field(default_factory=dict)
    shown_in: str | None = None

    @property
    def address(self) -> str | None:
        """The e-mail for comparison."""
        return self.email.lower() if self.email else None


class Outcome(msgspec.Struct, frozen=True):
    """What a newcomer is told at once. Nothing in it depends on whether the address was known."""

    status: RegistrationStatus
    groups: dict[str, str | None]
    held_until: datetime | None = None


@dataclass(frozen=True)
class Request:
    """One request to register, at the time of its arrival."""

    newcomer: Newcomer
    at: datetime


@dataclass(frozen=True)
class Admitted:
    """A newcomer is told `outcome`. `is_known` ones are written down already and get a mail alone."""

    outcome: Outcome
    attendance: Attendance
    slots: tuple[Slot, ...] = ()
    position: int | None = None
    is_known: bool = False


Decision = Admitted | Refusal


def decide(
    event: EventDetails, slots: Sequence[Slot], known: Iterable[str], requests: Iterable[Request]
) -> list[Decision]:
    """One decision per request, in order; each sees the seats that those before it took.

    `known` are the addresses that are registered already. Nobody of them takes a seat, and nobody can tell.
    """
    seats = {attendance: seats_there(event, attendance) for attendance in Attendance}
    addresses = set(known)
    decisions: list[Decision] = []
    for request in requests:
        decision = _decide(event, slots, seats, request)
        address = request.newcomer.address
        if isinstance(decision, Admitted):
            if address in addresses:
                decision = replace(decision, is_known=True, slots=())
            else:
                if address:
                    addresses.add(address)
                seats[decision.attendance] = _after(
                    seats[decision.attendance], decision, request.newcomer.seats
                )
                slots = with_seats_taken(slots, decision.slots, request.newcomer.seats)
        decisions.append(decision)
    return decisions


def _decide(
    event: EventDetails, slots: Sequence[Slot], seats: Mapping[Attendance, Seats], request: Request
) -> Decision:
    newcomer, now = request.newcomer, request.at
    if event.status is EventStatus.DRAFT:
        return EventUnknown(slug=event.slug)
    if unknown := unknown_wishes(newcomer.wishes, slots):
        session, group = unknown[0]
        return GroupUnknown(f"{group!r} in session {session!r}", session=session, group=group)
    attendance = attendance_or_default(event.mode, newcomer.attendance)
    there = seats[attendance]
    verdict = admission(now, terms(event), attendance, there, newcomer.seats)
    if isinstance(verdict, Refused):
        return refusal(verdict)
    if verdict not in HOLDING:
        outcome = Outcome(verdict, dict.fromkeys(newcomer.wishes))
        return Admitted(outcome, attendance, position=there.waiting + 1)
    chosen = first_come(event, newcomer, slots)
    hold = (
        held_until(now, event.starts_at, event.hold_hours) if verdict is RegistrationStatus.PENDING else None
    )
    groups = {session: slot.group if slot else None for session, slot in chosen.items()}
    return Admitted(Outcome(verdict, groups, hold), attendance, tuple(filter(None, chosen.values())))


def _after(seats: Seats, admitted: Admitted, wanted: int) -> Seats:
    if admitted.outcome.status in HOLDING:
        return replace(seats, taken=seats.taken + wanted)
    return replace(seats, waiting=seats.waiting + 1)


def first_come(event: EventDetails, newcomer: Newcomer, slots: Sequence[Slot]) -> dict[str, Slot | None]:
    """The groups that a newcomer gets at once; none where they are assigned at the deadline."""
    if event.allocation != "first_come":
        return dict.fromkeys(newcomer.wishes)
    return groups_for(newcomer.wishes, newcomer.seats, slots)


def refusal(refused: Refused) -> Refusal:
    match refused:
        case Refused.NOT_OPEN:
            return RegistrationNotOpen()
        case Refused.CLOSED:
            return RegistrationClosed()
        case Refused.FULL:
            return EventFull()
        case Refused.CANCELLED:
            return EventCancelled()
        case Refused.NOT_OFFERED:
            return FormInvalid([("attendance", "not-offered")])


def terms(event: EventDetails) -> Terms:
    """What the event says about its registration."""
    return Terms(
        status=event.status,
        mode=event.mode,
        opens_at=event.opens_at,
        closes_at=event.closes_at,
        starts_at=event.starts_at,
        waitlist=event.waitlist,
        confirm_email=event.confirm_email,
        hold_hours=event.hold_hours,
    )


def seats_there(event: EventDetails, attendance: Attendance) -> Seats:
    return Seats(event.limit(attendance), event.taken(attendance), event.waiting(attendance))
