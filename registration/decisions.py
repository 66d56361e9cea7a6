"""What becomes of the requests for one event that are decided together, in order of arrival. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from events.details import EventDetails
from events.errors import Conflict, EventCancelled, EventUnknown, FormInvalid, Refusal, TooManyRequests
from events.rules import Attendance, EventStatus
from registration.answers import Accepted, accepted
from registration.errors import EventFull, GroupUnknown, RegistrationClosed, RegistrationNotOpen
from registration.limits import NO_LIMITS, Limits, seconds_to_wait
from registration.questions import Question
from registration.rules import (
    HOLDING,
    OnlineAccess,
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

NOTHING_ASKED = Accepted()

HOLDS_LAPSE = timedelta(hours=1)
"""When a client with too many unconfirmed seats may try again."""


@dataclass(frozen=True)
class Newcomer:
    """Who wants to register, as checked by the form.

    `email` is `None` only where registered by hand, `language` where the event's own will do.
    `answers` and `consents` are as typed, by question key; `shown_in` is the language in which the questions were
    read, `None` that of the messages. `online_access` is `None` where nothing keeps them from taking part online;
    `attendance_wished` is what they would like best once the event offers it, where it is not `attendance`.
    """

    name: str
    email: str | None
    language: str | None = None
    attendance: Attendance | None = None
    seats: int = 1
    wishes: Wishes = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    consents: Mapping[str, bool] = field(default_factory=dict)
    shown_in: str | None = None
    online_access: OnlineAccess | None = None
    attendance_wished: Attendance | None = None

    def wished(self, event: EventDetails) -> Attendance | None:
        """How they would like to take part, `None` where they did not say: who registers while the event is moved
        online has no choice."""
        return self.attendance_wished or (None if event.is_moved_online else self.attendance)

    @property
    def address(self) -> str | None:
        """The e-mail for comparison."""
        return self.email.lower() if self.email else None


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a newcomer is told at once. Nothing in it depends on whether the address was known."""

    status: RegistrationStatus
    groups: dict[str, str | None]
    held_until: datetime | None = None


@dataclass(frozen=True)
class Request:
    """One request to register, as it arrived.

    `key` and `body` are hashes of its Idempotency-Key and of its values; `client` and `mailbox` stand for who asks
    and for the address in the count of the limits, `None` where nothing is counted.
    """

    newcomer: Newcomer
    at: datetime
    key: str | None = None
    body: str = ""
    client: str | None = None
    mailbox: str | None = None


@dataclass(frozen=True)
class Past:
    """What was there before: addresses that are registered, answers given, and what the limits count."""

    known: Collection[str] = ()
    answered: Mapping[tuple[str | None, str | None], tuple[str, Outcome]] = field(default_factory=dict)
    demands: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    unconfirmed: Mapping[str, int] = field(default_factory=dict)


NOTHING_BEFORE = Past()


@dataclass(frozen=True)
class Admitted:
    """A newcomer is told `outcome`. `is_known` ones are written down already and get a mail alone."""

    outcome: Outcome
    attendance: Attendance
    accepted: Accepted
    slots: tuple[Slot, ...] = ()
    position: int | None = None
    is_known: bool = False


@dataclass(frozen=True)
class Repeated:
    """The answer that the same request got before."""

    outcome: Outcome


Decision = Admitted | Repeated | Refusal


def decide(
    event: EventDetails,
    slots: Sequence[Slot],
    questions: Sequence[Question],
    requests: Iterable[Request],
    past: Past = NOTHING_BEFORE,
    limits: Limits = NO_LIMITS,
) -> list[Decision]:
    """One decision per request, in order; each sees the seats that those before it took.

    An address that is registered already takes no seat, and nobody can tell.
    """
    door = _Door(event, slots, questions, past, limits)
    return [door.decide(request) for request in requests]


class _Door:
    """What is left after those who were let in."""

    def __init__(
        self,
        event: EventDetails,
        slots: Sequence[Slot],
        questions: Sequence[Question],
        past: Past,
        limits: Limits,
    ) -> None:
        self._event, self._slots, self._questions, self._limits = event, slots, questions, limits
        self._answered = past.answered
        self._known = set(past.known)
        self._seats = {attendance: seats_there(event, attendance) for attendance in Attendance}
        self._demands = defaultdict(list, {subject: list(at) for subject, at in past.demands.items()})
        self._unconfirmed = defaultdict(int, past.unconfirmed)
        self._terms = terms(event)
        self._choices = {(slot.session, slot.group) for slot in slots}
        self._zone = ZoneInfo(event.timezone)

    def decide(self, request: Request) -> Decision:
        if request.key is not None:
            body, outcome = self._answered.get((request.newcomer.address, request.key), (None, None))
            if outcome is not None:
                if body != request.body:
                    return Conflict("The same Idempotency-Key came with other values.")
                return Repeated(outcome)
        decision = self._unlimited(request)
        if isinstance(decision, Refusal):
            return decision
        return self._over_limit(request, decision) or self._let_in(request, decision)

    def _unlimited(self, request: Request) -> Admitted | Refusal:
        event, newcomer = self._event, request.newcomer
        if event.status is EventStatus.DRAFT:
            return EventUnknown(slug=event.slug)
        if not self._has(newcomer.wishes) and (unknown := group_unknown(newcomer.wishes, self._slots)):
            return unknown
        answers = answers_of(newcomer, event, self._questions)
        if isinstance(answers, list):
            return FormInvalid(answers)
        attendance = attendance_or_default(event.mode, newcomer.attendance)
        there = self._seats[attendance]
        verdict = admission(request.at, self._terms, attendance, there, newcomer.seats)
        if isinstance(verdict, Refused):
            return refusal(verdict)
        if verdict not in HOLDING:
            outcome = Outcome(verdict, dict.fromkeys(newcomer.wishes))
            return Admitted(outcome, attendance, answers, position=there.waiting + 1)
        chosen = first_come(event, newcomer, self._slots)
        hold = None
        if verdict is RegistrationStatus.PENDING:
            until = held_until(request.at, event.starts_at, event.hold_hours)
            hold = until.astimezone(self._zone)
        groups = {session: slot.group if slot else None for session, slot in chosen.items()}
        taking = tuple(slot for slot in chosen.values() if slot)
        return Admitted(Outcome(verdict, groups, hold), attendance, answers, taking)

    def _has(self, wishes: Wishes) -> bool:
        """Whether all of them stand in the programme, an empty list aside; the quick look before the exact one."""
        return all(
            groups and all((session, group) in self._choices for group in groups)
            for session, groups in wishes.items()
        )

    def _over_limit(self, request: Request, admitted: Admitted) -> TooManyRequests | None:
        limits, now = self._limits, request.at
        wait = 0
        if request.client is not None:
            wait = seconds_to_wait(limits.client, self._demands[request.client], now)
            if (
                limits.unconfirmed is not None
                and admitted.outcome.held_until is not None
                and self._unconfirmed[request.client] + request.newcomer.seats > limits.unconfirmed
            ):
                wait = max(wait, int(HOLDS_LAPSE.total_seconds()))
        if request.mailbox is not None:
            wait = max(wait, seconds_to_wait(limits.address, self._demands[request.mailbox], now))
        return TooManyRequests(retry_after=wait) if wait else None

    def _let_in(self, request: Request, admitted: Admitted) -> Admitted:
        newcomer, holds = request.newcomer, admitted.outcome.status in HOLDING
        for subject in (request.client, request.mailbox):
            if subject is not None:
                self._demands[subject].append(request.at)
        if newcomer.address in self._known:
            return replace(admitted, is_known=True)
        if newcomer.address:
            self._known.add(newcomer.address)
        if request.client is not None and admitted.outcome.held_until is not None:
            self._unconfirmed[request.client] += newcomer.seats
        seats = self._seats[admitted.attendance]
        self._seats[admitted.attendance] = (
            replace(seats, taken=seats.taken + newcomer.seats)
            if holds
            else replace(seats, waiting=seats.waiting + 1)
        )
        if admitted.slots:
            self._slots = with_seats_taken(self._slots, admitted.slots, newcomer.seats)
        return admitted


def answers_of(
    newcomer: Newcomer, event: EventDetails, questions: Sequence[Question]
) -> Accepted | list[tuple[str, str]]:
    """The answers as they are kept, or what is wrong with them, by field and code."""
    if not (questions or newcomer.answers or newcomer.consents):
        return NOTHING_ASKED
    language = newcomer.language or event.default_language
    shown_in = newcomer.shown_in or language
    return accepted(questions, newcomer.answers, newcomer.consents, shown_in, event.default_language)


def group_unknown(wishes: Wishes, slots: Iterable[Slot]) -> GroupUnknown | None:
    """The first wish that the programme does not have."""
    for session, group in unknown_wishes(wishes, slots) if wishes else ():
        return GroupUnknown(f"{group!r} in session {session!r}", session=session, group=group)
    return None


def first_come(event: EventDetails, newcomer: Newcomer, slots: Sequence[Slot]) -> dict[str, Slot | None]:
    """The groups that a newcomer gets at once; none while they are still to be assigned together."""
    if not event.assigns_at_once:
        return dict.fromkeys(newcomer.wishes)
    return groups_for(newcomer.wishes, newcomer.seats, slots) if newcomer.wishes else {}


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
