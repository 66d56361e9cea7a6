"""A town with one event, people who register for it, its outbox, and what must hold whatever happened."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from msgspec.structs import fields, replace
from piccolo.table import Table

from dialograum import publishing
from dialograum.database import Database
from dialograum.event_file import EventDocument
from events.details import EventDetails, GroupDetails
from events.forms import GroupSpec, RegistrationSpec, SessionSpec, VenueSpec
from events.queries import all_events
from events.rules import Attendance, EventStatus, group_limit, limits
from events.tables import Organiser
from notifications.tables import Message, SharedContext
from registration import actions
from registration.admission import Admission
from registration.decisions import Newcomer, Outcome
from registration.news import INVITING
from registration.queries import groups_held, is_invited, slots_of
from registration.rules import ACTIVE, HOLDING, RegistrationStatus
from registration.tables import GroupSeat, Registration

NOW = datetime(2022, 11, 1, 12, tzinfo=UTC)
"""Tuesday. The event begins on Friday, 18 November 2022, at 16:00 in Berlin; registration closes five days before."""

CLOSES_AT = datetime(2022, 11, 13, 23, tzinfo=UTC)
STARTS_AT = datetime(2022, 11, 18, 15, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

PENDING, CONFIRMED, WAITLISTED, CANCELLED, EXPIRED = RegistrationStatus


def session(key: str, start: str, end: str) -> SessionSpec:
    return SessionSpec(
        key=key,
        kind="groups",
        starts_at=datetime.fromisoformat(f"2022-11-18T{start}"),
        ends_at=datetime.fromisoformat(f"2022-11-18T{end}"),
        title={"de": key},
    )


DOCUMENT = EventDocument(
    slug="dialog",
    timezone="Europe/Berlin",
    default_language="de",
    status=EventStatus.PUBLISHED,
    starts_at=datetime(2022, 11, 18, 16),
    ends_at=datetime(2022, 11, 18, 19),
    title={"de": "Gemeinsam leben"},
    registration=RegistrationSpec(
        opens_at=datetime(2022, 10, 17, 9), closes_at=datetime(2022, 11, 14, 0), capacity=10
    ),
    venues=(VenueSpec(key="hall", name="Stadthalle", room="Saal"),),
)
ROUNDS = (session("first", "16:30", "17:30"), session("second", "17:30", "18:30"))
TERMS = {field.name for field in fields(RegistrationSpec)}


def group(key: str, *sessions: str, capacity: int | None = None, digital: int | None = None) -> GroupSpec:
    return GroupSpec(
        key=key, sessions=sessions, capacity=capacity, digital_capacity=digital, title={"de": key.title()}
    )


GROUPS = (
    group("wohnen", "first", "second", capacity=1),
    group("bildung", "first", "second", capacity=1),
    group("arbeit", "first"),
)


def joined(key: str, start: str, end: str, capacity: int | None = None) -> SessionSpec:
    """An optional session that one signs up for."""
    return replace(session(key, start, end), kind="social", optional=True, capacity=capacity)


def document(**changes: Any) -> EventDocument:
    """The town's event with other values; those of its registration stand beside the rest."""
    terms = {name: changes.pop(name) for name in TERMS & changes.keys()}
    registration = replace(changes.pop("registration", DOCUMENT.registration), **terms)
    return replace(DOCUMENT, registration=registration, **changes)


async def hold(**changes: Any) -> EventDetails:
    """Creates the event and returns it."""
    return await publishing.create(document(**changes), None, NOW)


async def rewrite(slug: str = "dialog", now: datetime = NOW, **changes: Any) -> EventDetails:
    """Changes the event as a PATCH does."""
    before = await publishing.document_of(slug)
    terms = {name: changes.pop(name) for name in TERMS & changes.keys()}
    after = replace(before, registration=replace(before.registration, **terms), **changes)
    return await publishing.edit(slug, after, None, now)


async def organiser() -> Organiser:
    """The one who does things by hand."""
    return await Organiser.objects().get_or_create(
        Organiser.email == "office@example.org",
        defaults={Organiser.name: "Büro", Organiser.role: "organiser"},
    )


def newcomer(name: str, **values: Any) -> Newcomer:
    """Somebody whose address is their name."""
    return Newcomer(name, values.pop("email", f"{name}@example.org"), "de", **values)


async def register(
    name: str, now: datetime = NOW, slug: str = "dialog", key: str | None = None, **values: Any
) -> Outcome:
    return await Admission().register(slug, newcomer(name, **values), now, key=key)


async def ask(
    door: Admission,
    name: str,
    *,
    now: datetime = NOW,
    key: str | None = None,
    client: str | None = None,
    slug: str = "dialog",
    **values: Any,
) -> Outcome:
    """Registers at the door of one process."""
    return await door.register(slug, newcomer(name, **values), now, key=key, client=client)


async def row_of(name: str) -> Registration:
    """The last registration under a name."""
    row = (
        await Registration.objects()
        .where(Registration.name == name)
        .order_by(Registration.arrival, ascending=False)
        .output(load_json=True)
        .first()
    )
    assert row is not None
    return row


async def id_of(name: str) -> UUID:
    found: UUID = (await row_of(name)).id
    return found


async def status_of(name: str) -> RegistrationStatus:
    return RegistrationStatus((await row_of(name)).status)


async def confirm(name: str, now: datetime = NOW) -> RegistrationStatus:
    return RegistrationStatus((await actions.confirm(await id_of(name), now)).status)


async def cancel(name: str, now: datetime = NOW) -> RegistrationStatus:
    return RegistrationStatus((await actions.cancel(await id_of(name), now)).status)


async def seat(name: str, now: datetime = NOW, **values: Any) -> None:
    """Registers and confirms."""
    await register(name, now, **values)
    await confirm(name, now)


async def groups_of(name: str) -> dict[str, str]:
    """The group that is held, by session."""
    registration_id = await id_of(name)
    return (await groups_held([registration_id])).get(registration_id, {})


async def rows_of(*tables: type[Table]) -> dict[str, list[dict[str, Any]]]:
    """Everything that stands in the tables."""
    return {table._meta.tablename: await table.select().order_by(table._meta.primary_key) for table in tables}


@dataclass
class Outbox:
    """What was written to people; whoever looks delivers it."""

    seen: set[UUID] = field(default_factory=set)
    settled: bool = True

    async def news(self) -> list[tuple[str, str]]:
        """Kind and name of each message since the last look, in the order in which they were written."""
        return [(row["kind"], row["recipient_name"]) for row in await self.letters()]

    async def letters(self) -> list[dict[str, Any]]:
        """The same as rows, each with its whole context."""
        rows = await Message.select().order_by(Message.created_at).output(load_json=True)
        await Message.update({Message.status: "sent"}).where(Message.status == "queued")
        new = [row for row in rows if row["id"] not in self.seen]
        self.seen |= {row["id"] for row in new}
        shared = {row["id"]: row["content"] for row in await SharedContext.select().output(load_json=True)}
        return [row | {"context": shared.get(row["shared"], {}) | row["context"]} for row in new]


async def watched(database: Database) -> AsyncIterator[Outbox]:
    """The outbox. After the test everything is in order, and no message is there that nobody read."""
    box = Outbox()
    yield box
    await assert_in_order(settled=box.settled)
    assert await box.news() == []


async def assert_in_order(slug: str | None = None, *, settled: bool = True) -> None:
    """Counters are the rows, nothing is oversold, and nobody was told what is not so, in one event or in all.

    `settled`: nobody waits for what is free, which holds at every moment but between the deadline and the next look.
    """
    for event in await all_events():
        if slug not in (None, event.slug):
            continue
        people = await Registration.objects().where(Registration.event == event.id).output(load_json=True)
        await _assert_seats(event, people, settled)
        await _assert_groups(event, {person.id: person for person in people}, settled)
        await _assert_told(people)


async def _assert_seats(event: EventDetails, people: list[Registration], settled: bool) -> None:
    now = limits(
        event.mode,
        event.base_mode,
        event.capacity,
        event.digital_capacity,
        event.hybrid_capacity,
        event.came_back,
    )
    online = None if now.online is None else max(now.online, event.online_taken)
    assert (event.in_person_limit, event.online_limit) == (now.in_person, online)
    for attendance in Attendance:
        there = [person for person in people if person.attendance == attendance]
        waiting = sorted((p for p in there if p.status == WAITLISTED), key=lambda p: p.arrival)
        taken, limit = event.taken(attendance), event.limit(attendance)
        assert taken == sum(person.seats for person in there if person.status in HOLDING)
        assert event.waiting(attendance) == len(waiting)
        assert limit is None or taken <= limit
        if waiting and settled and event.status is EventStatus.PUBLISHED:
            assert limit is not None
            assert waiting[0].seats > limit - taken
    addresses = Counter(person.address for person in people if person.address and person.status in ACTIVE)
    assert all(number == 1 for number in addresses.values())


async def _assert_groups(event: EventDetails, people: dict[UUID, Registration], settled: bool) -> None:
    slots = {slot.id: (slot, group) for group in event.groups for slot in group.slots}
    limits_of = {
        slot.id: group_limit(event.mode, there.capacity, there.digital_capacity)
        for slot, there in slots.values()
    }
    for joined in event.signup_sessions:
        assert joined.slot is not None
        slots[joined.slot.id] = joined.slot, GroupDetails(joined.key, joined.title, None, None, ())
        limits_of[joined.slot.id] = joined.capacity
    held: dict[UUID, list[Any]] = defaultdict(list)
    taken: Counter[int] = Counter()
    rows = await GroupSeat.select().where(GroupSeat.registration.is_in(list(people))) if people else []
    for row in rows:
        person = people[row["registration"]]
        assert person.status in HOLDING
        assert row["seats"] == person.seats
        held[person.id].append(slots[row["slot"]])
        taken[row["slot"]] += row["seats"]
    for slot, _ in slots.values():
        assert slot.taken == taken[slot.id]
        assert slot.limit == limits_of[slot.id]
        assert slot.limit is None or slot.taken <= slot.limit
    times = {session.key: (session.starts_at, session.ends_at) for session in event.sessions}
    for pairs in held.values():
        assert len({slot.session for slot, _ in pairs}) == len(pairs)
        assert len({there.key for _, there in pairs}) == len(pairs)
        spans = sorted(times[slot.session] for slot, _ in pairs)
        assert all(first[1] <= second[0] for first, second in pairwise(spans))
    if settled and event.status is EventStatus.PUBLISHED and event.assigns_at_once:
        for person in people.values():
            if person.status in HOLDING:
                _assert_nothing_wished_is_free(event, person, held[person.id], times)


def _assert_nothing_wished_is_free(
    event: EventDetails, person: Registration, held: list[Any], times: Any
) -> None:
    for slot in slots_of(event):
        taken = [times[other.session] for other, _ in held]
        start, end = times[slot.session]
        if (
            slot.group in person.wishes.get(slot.session, ())
            and slot.group not in {other.key for _, other in held}
            and not any(start < until and since < end for since, until in taken)
        ):
            assert slot.free is not None
            assert slot.free < person.seats


async def _assert_told(people: list[Registration]) -> None:
    letters: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await Message.select().order_by(Message.created_at).output(load_json=True):
        if row["status"] != "superseded" or row["attempts"]:
            letters[row["about"]].append(row)
    for person in people:
        facts = [letter["context"]["registration"] for letter in letters[person.id]]
        sequences = [fact["sequence"] for fact in facts]
        assert sequences == sorted(sequences)
        requests = [
            fact
            for letter, fact in zip(letters[person.id], facts, strict=True)
            if letter["kind"] in INVITING and fact["status"] == CONFIRMED
        ]
        assert await is_invited(person.id) == bool(requests)
        if person.status == CONFIRMED and person.email:
            assert requests
        if requests and person.email and person.status not in ACTIVE:
            assert facts[-1]["invited"]
            assert facts[-1]["sequence"] > requests[-1]["sequence"]
