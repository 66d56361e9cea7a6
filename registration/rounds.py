"""Groups of all rounds assigned together: once when the deadline passes, and again where organisers ask for it.

An assignment takes seconds to compute, so this is done without a lock. It is applied under the event's lock, and only
where everything that it was computed from still stands.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex
from typing import Any
from uuid import UUID

import msgspec

from events.actions import record
from events.details import EventDetails
from events.errors import Conflict
from events.queries import details_of, event_by_id
from events.rules import EventStatus
from events.tables import Event, Organiser
from registration.allocation import Allocation, Change, allocate
from registration.errors import ProposalOutdated
from registration.group_places import Groups, Person
from registration.messages import tell
from registration.queries import active_registrations, slots_of
from registration.rules import RegistrationStatus, Slot
from registration.seats import Taking, leave_slots, take_groups
from registration.tables import Assignment, GroupSeat, Proposal, Registration

TIME_LIMIT = timedelta(seconds=20)
ATTEMPTS = 3
TRIAL_SEED = "trial"
"""Of what is only tried before the deadline; the seed that counts is drawn when it has passed."""


@dataclass(frozen=True)
class Situation:
    """Everything that an assignment is computed from: `Slot.free` is what all these people may hold together."""

    people: tuple[Person, ...]
    slots: tuple[Slot, ...]
    held: Mapping[UUID, Groups]
    optional: frozenset[str]

    @property
    def hash(self) -> str:
        held = {str(person): groups for person, groups in self.held.items()}
        whole = (self.people, self.slots, held, self.optional)
        return sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()

    def allocation(self, seed: str) -> Allocation:
        """The best assignment. People know their groups, so few moves go before better wishes."""
        return allocate(
            self.people,
            self.slots,
            seed=seed,
            previous=self.held,
            optional=self.optional,
            moves_first=True,
            time_limit=TIME_LIMIT,
        )


def is_due(event: EventDetails, now: datetime) -> bool:
    """Whether the groups are to be assigned: the deadline has passed, it was not done, and the event is not over."""
    return (
        event.status is EventStatus.PUBLISHED
        and not event.assigns_at_once
        and bool(event.wish_sessions)
        and event.closes_at <= now < event.ends_at
    )


async def assign_at_deadline(event_id: int, now: datetime) -> bool:
    """Assigns all groups where that is due; once, however many do it. Whether it was done here.

    Where registrations change faster than it can be computed, the next call tries again. Raises EventUnknown.
    """
    seed = token_hex(8)
    for _ in range(ATTEMPTS):
        event = await details_of(await event_by_id(event_id))
        if not is_due(event, now):
            return False
        situation = await situation_of(event)
        allocation = await _computed(situation, seed)
        async with Event._meta.db.transaction():
            event = await details_of(await event_by_id(event_id, locked=True))
            if not is_due(event, now):
                return False
            if (await situation_of(event)).hash == situation.hash:
                await Event.update(
                    {Event.assigned_at: now, Event.assignment_seed: seed, Event.version: Event.version + 1}
                ).where(Event.id == event_id)
                await _carry_out(event, _in_words(allocation), allocation.changes, None, now)
                return True
    return False


async def propose(event_id: int, by: Organiser, now: datetime) -> None:
    """Computes what another run would change, and keeps it in the place of an earlier proposal.

    Before the deadline this is a trial: it cannot be applied. Raises EventUnknown, and Conflict where groups are given
    as people come.
    """
    event = await details_of(await event_by_id(event_id))
    if event.allocation != "at_deadline":
        raise Conflict("The groups of this event are given in order of arrival.")
    situation = await situation_of(event)
    allocation = await _computed(situation, event.assignment_seed or TRIAL_SEED)
    async with Event._meta.db.transaction():
        await event_by_id(event_id, locked=True)
        await Proposal.delete().where(Proposal.event == event_id)
        await Proposal.insert(
            Proposal(
                event=event_id,
                made_at=now,
                made_by=by.id,
                input_hash=situation.hash,
                changes=[msgspec.to_builtins(change) for change in allocation.changes],
                **_in_words(allocation),
            )
        )


async def apply(event_id: int, proposal_id: int, by: Organiser, now: datetime) -> None:
    """Carries out a proposal and tells everybody whose groups it changes.

    Raises EventUnknown; ProposalOutdated where another proposal has taken its place or anything that it was computed
    from has changed; Conflict for a trial, and where the event is not published or is over.
    """
    async with Event._meta.db.transaction():
        event = await details_of(await event_by_id(event_id, locked=True))
        proposal = await proposal_of(event_id)
        if proposal is None or proposal.id != proposal_id:
            raise ProposalOutdated()
        if event.status is not EventStatus.PUBLISHED or now >= event.ends_at:
            raise Conflict("The event is not published, or is over.")
        if event.assigned_at is None:
            raise Conflict("The groups are assigned for the first time when the deadline has passed.")
        if (await situation_of(event)).hash != proposal.input_hash:
            raise ProposalOutdated()
        words = {"seed": proposal.seed, "solver": proposal.solver, "report": proposal.report}
        changes = [msgspec.convert(change, Change) for change in proposal.changes]
        await _carry_out(event, words, changes, by, now)


async def is_current(event: EventDetails, proposal: Proposal) -> bool:
    """Whether everything that the proposal was computed from still stands."""
    return bool((await situation_of(event)).hash == proposal.input_hash)


async def situation_of(event: EventDetails) -> Situation:
    """Who holds a place, which groups they wish and have, and what there is."""
    rows = await Registration.raw(
        "SELECT id, arrival, seats, wishes FROM registration"
        " WHERE event = {} AND status IN ('pending', 'confirmed') ORDER BY arrival",
        event.id,
    )
    seats = await GroupSeat.raw(
        "SELECT seat.registration, seat.slot, seat.seats, seat.locked FROM group_seat AS seat"
        " JOIN registration ON registration.id = seat.registration WHERE registration.event = {}",
        event.id,
    )
    slots = {slot.id: slot for slot in slots_of(event)}
    held: dict[UUID, dict[str, str | None]] = defaultdict(dict)
    locked: dict[UUID, dict[str, str]] = defaultdict(dict)
    for seat in seats:
        slot = slots[seat["slot"]]
        held[seat["registration"]][slot.session] = slot.group
        if seat["locked"]:
            locked[seat["registration"]][slot.session] = slot.group
        if slot.free is not None:
            slots[slot.id] = replace(slot, free=slot.free + seat["seats"])
    return Situation(
        tuple(
            Person(
                row["id"],
                row["arrival"],
                row["seats"],
                msgspec.json.decode(row["wishes"]),
                locked.get(row["id"], {}),
            )
            for row in rows
        ),
        tuple(slots.values()),
        dict(held),
        frozenset(session.key for session in event.sessions if session.optional),
    )


async def events_to_assign(now: datetime) -> list[int]:
    """Published events whose deadline has passed and whose groups were to be assigned then."""
    rows = await Event.raw(
        "SELECT id FROM event WHERE status = 'published' AND allocation = 'at_deadline' AND assigned_at IS NULL"
        " AND closes_at <= {} AND ends_at > {} AND EXISTS (SELECT 1 FROM group_slot"
        " JOIN session ON session.id = group_slot.session WHERE session.event = event.id)",
        now,
        now,
    )
    return [row["id"] for row in rows]


async def last_assignment(event_id: int) -> Assignment | None:
    """The run that counts now."""
    return (
        await Assignment.objects()
        .where(Assignment.event == event_id)
        .order_by(Assignment.id, ascending=False)
        .output(load_json=True)
        .first()
    )


async def proposal_of(event_id: int) -> Proposal | None:
    return await Proposal.objects().where(Proposal.event == event_id).output(load_json=True).first()


async def _computed(situation: Situation, seed: str) -> Allocation:
    return await asyncio.to_thread(situation.allocation, seed)


def _in_words(allocation: Allocation) -> dict[str, Any]:
    """What is kept of a run, in the columns that assignments and proposals share."""
    report = allocation.report
    return {
        "seed": report.seed,
        "solver": report.solver,
        "report": {**msgspec.to_builtins(report), "is_optimal": report.is_optimal},
    }


async def _carry_out(
    event: EventDetails,
    words: Mapping[str, Any],
    changes: Sequence[Change],
    by: Organiser | None,
    now: datetime,
) -> None:
    """Moves people, writes down the run, and tells each of those who are confirmed."""
    slots = {(slot.session, slot.group): slot for slot in slots_of(event)}
    people = {person.id: person for person in await active_registrations(event.id)}
    leaving: list[tuple[UUID, int]] = []
    taking: dict[UUID, list[Slot]] = defaultdict(list)
    for change in changes:
        if change.before is not None:
            leaving.append((change.person, slots[change.session, change.before].id))
        if change.after is not None:
            taking[change.person].append(slots[change.session, change.after])
    await leave_slots(leaving)
    await take_groups(*(Taking(who, people[who].seats, chosen) for who, chosen in taking.items()))
    moved = {who for who, _ in leaving}
    await Assignment.insert(
        Assignment(event=event.id, made_at=now, made_by=by.id if by else None, moved=len(moved), **words)
    )
    await Proposal.delete().where(Proposal.event == event.id)
    await record(await event_by_id(event.id), by, now, "groups_assigned", moved=len(moved))
    await _tell(event, people, changes, by, now)


async def _tell(
    event: EventDetails,
    people: Mapping[UUID, Registration],
    changes: Iterable[Change],
    by: Organiser | None,
    now: datetime,
) -> None:
    before: dict[UUID, list[str]] = defaultdict(list)
    for change in changes:
        before[change.person] += [change.before] if change.before is not None else []
    await Registration.raw(
        "UPDATE registration SET sequence = sequence + 1 WHERE id = ANY({}::uuid[])", list(before)
    )
    alike: dict[tuple[str, ...], list[UUID]] = defaultdict(list)
    for person in people.values():
        if person.id in before and person.status == RegistrationStatus.CONFIRMED:
            alike[tuple(before[person.id])].append(person.id)
    titles = event.choice_titles
    after = await details_of(await event_by_id(event.id))
    for keys, persons in alike.items():
        told = [{"what": "groups", "before": [titles[key] for key in keys]}]
        await tell(
            "registration_changed", after, persons, changes=told, by="organiser" if by else "assignment"
        )
