"""Reads of events. Seats and texts are always those of this moment."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from piccolo.columns.combination import WhereRaw

from events.details import (
    EventDetails,
    GroupDetails,
    SessionDetails,
    SlotDetails,
    VenueDetails,
)
from events.errors import EventUnknown
from events.rules import EventStatus, Mode, Role
from events.tables import (
    Activity,
    Event,
    GroupSlot,
    Membership,
    Organiser,
    Series,
    Session,
    Venue,
    WorkingGroup,
)

AS_IN_THE_ROW = {field.name for field in fields(EventDetails)} & {
    column._meta.name for column in Event._meta.columns
} - {"status", "mode", "base_mode", "series", "questions"}
"""What details and row call by the same name and hold alike."""

HOLDS_WORD = (
    "(EXISTS (SELECT 1 FROM jsonb_each_text(title) AS t WHERE t.value ILIKE {})"
    " OR EXISTS (SELECT 1 FROM jsonb_each_text(coalesce(summary, jsonb_build_object())) AS t WHERE t.value ILIKE {}))"
)


async def event_named(slug: str, *, locked: bool = False) -> Event:
    """The event's row; with `locked` nobody else changes its seats until the transaction ends.

    Raises EventUnknown.
    """
    query = Event.objects().where(Event.slug == slug).output(load_json=True).first()
    event = await (query.lock_rows("UPDATE") if locked else query)
    if event is None:
        raise EventUnknown(slug=slug)
    return event


async def event_by_id(event_id: int, *, locked: bool = False) -> Event:
    """Like `event_named`, by id."""
    query = Event.objects().where(Event.id == event_id).output(load_json=True).first()
    event = await (query.lock_rows("UPDATE") if locked else query)
    if event is None:
        raise EventUnknown()
    return event


async def details(slug: str) -> EventDetails:
    """The event with its programme. Raises EventUnknown."""
    return (await with_programme([await event_named(slug)]))[0]


async def details_of(event: Event) -> EventDetails:
    """The programme around a row that is at hand (and may be locked)."""
    return (await with_programme([event]))[0]


async def slug_of_short(short: str) -> str | None:
    """The slug of the event behind `/{short}`; drafts have none yet."""
    row = (
        await Event.select(Event.slug)
        .where((Event.short == short) & (Event.status != EventStatus.DRAFT.value))
        .first()
    )
    return row["slug"] if row else None


async def public_events(
    *,
    starting_from: datetime | None = None,
    starting_before: datetime | None = None,
    ending_after: datetime | None = None,
    mode: Mode | None = None,
    words: Iterable[str] = (),
    after: tuple[datetime, int] | None = None,
    limit: int | None = None,
) -> list[EventDetails]:
    """Published and cancelled events by start, whose title or summary hold all `words` in some language.

    `after` is the (start, id) of the last one seen.
    """
    query = Event.objects().where(Event.status != EventStatus.DRAFT.value).output(load_json=True)
    if starting_from is not None:
        query = query.where(Event.starts_at >= starting_from)
    if starting_before is not None:
        query = query.where(Event.starts_at < starting_before)
    if ending_after is not None:
        query = query.where(Event.ends_at > ending_after)
    if mode is not None:
        query = query.where(Event.mode == mode.value)
    for word in words:
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = query.where(WhereRaw(HOLDS_WORD, pattern, pattern))
    if after is not None:
        at, event_id = after
        query = query.where((Event.starts_at > at) | ((Event.starts_at == at) & (Event.id > event_id)))
    if limit is not None:
        query = query.limit(limit)
    return await with_programme(await query.order_by(Event.starts_at).order_by(Event.id))


async def all_events() -> list[EventDetails]:
    """Every event, drafts too, by start."""
    rows = await Event.objects().output(load_json=True).order_by(Event.starts_at).order_by(Event.id)
    return await with_programme(rows)


async def events_of(organiser: Organiser) -> list[EventDetails]:
    """The events that an organiser or helper was given, by start."""
    mine = await Membership.select(Membership.event).where(Membership.organiser == organiser.id)
    if not mine:
        return []
    rows = (
        await Event.objects()
        .where(Event.id.is_in([row["event"] for row in mine]))
        .output(load_json=True)
        .order_by(Event.starts_at)
        .order_by(Event.id)
    )
    return await with_programme(rows)


async def events_of_series(slug: str) -> list[EventDetails]:
    """The published and cancelled events of a series, by start."""
    rows = (
        await Event.objects()
        .where((Event.series.slug == slug) & (Event.status != EventStatus.DRAFT.value))
        .output(load_json=True)
        .order_by(Event.starts_at)
    )
    return await with_programme(rows)


async def organisers_of(event_id: int) -> list[Organiser]:
    """Those who manage the event, helpers not among them."""
    rows = await Membership.select(Membership.organiser).where(
        (Membership.event == event_id) & (Membership.role != Role.HELPER)
    )
    if not rows:
        return []
    return await Organiser.objects().where(Organiser.id.is_in([row["organiser"] for row in rows]))


async def with_programme(events: Sequence[Event]) -> list[EventDetails]:
    """Each event with its venues, sessions, groups and slots, read in four queries for all of them."""
    if not events:
        return []
    ids = [event.id for event in events]
    venues = await _by_event(Venue, ids)
    sessions = await _by_event(Session, ids)
    groups = await _by_event(WorkingGroup, ids)
    slots: dict[int, list[dict[str, Any]]] = defaultdict(list)
    signups: dict[int, dict[str, Any]] = {}
    if sessions:
        for row in await GroupSlot.select().where(GroupSlot.session.event.is_in(ids)):
            if row["group"] is None:
                signups[row["session"]] = row
            else:
                slots[row["group"]].append(row)
    series_ids = {event.series for event in events if event.series is not None}
    series = (
        {row["id"]: row["slug"] for row in await Series.select().where(Series.id.is_in(list(series_ids)))}
        if series_ids
        else {}
    )
    return [
        _details(event, series, venues[event.id], sessions[event.id], groups[event.id], slots, signups)
        for event in events
    ]


async def _by_event(table: Any, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    query = table.select().where(table.event.is_in(ids)).output(load_json=True).order_by(table.position)
    for row in await query:
        rows[row["event"]].append(row)
    return rows


def _details(
    event: Event,
    series: dict[int, str],
    venue_rows: Iterable[dict[str, Any]],
    session_rows: Iterable[dict[str, Any]],
    group_rows: Iterable[dict[str, Any]],
    slots: dict[int, list[dict[str, Any]]],
    signups: dict[int, dict[str, Any]],
) -> EventDetails:
    venue_rows, session_rows = list(venue_rows), list(session_rows)
    venues = {
        row["id"]: VenueDetails(
            **{
                name: row[name]
                for name in (
                    "key",
                    "name",
                    "room",
                    "street",
                    "postal_code",
                    "locality",
                    "country",
                    "access",
                )
            }
        )
        for row in venue_rows
    }
    order = {row["id"]: (row["position"], row["key"]) for row in session_rows}
    values: dict[str, Any] = {name: getattr(event, name) for name in AS_IN_THE_ROW}
    return EventDetails(
        **values,
        status=EventStatus(event.status),
        mode=Mode(event.mode),
        base_mode=Mode(event.base_mode),
        series=series.get(event.series),
        questions=tuple(event.questions),
        venues=tuple(venues.values()),
        sessions=tuple(
            SessionDetails(
                key=row["key"],
                kind=row["kind"],
                title=row["title"],
                starts_local=row["starts_local"],
                ends_local=row["ends_local"],
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                speaker=row["speaker"],
                venue=venues.get(row["venue"]),
                optional=row["optional"],
                capacity=row["capacity"],
                slot=_slot(row["key"], signups[row["id"]]) if row["id"] in signups else None,
            )
            for row in session_rows
        ),
        groups=tuple(
            GroupDetails(
                key=row["key"],
                title=row["title"],
                capacity=row["capacity"],
                digital_capacity=row["digital_capacity"],
                moderators=tuple(row["moderators"]),
                slots=tuple(
                    _slot(order[slot["session"]][1], slot)
                    for slot in sorted(slots[row["id"]], key=lambda slot: order[slot["session"]])
                ),
            )
            for row in group_rows
        ),
    )


def _slot(session: str, row: dict[str, Any]) -> SlotDetails:
    return SlotDetails(session, row["seat_limit"], row["taken"], row["id"])


async def activities_of(event_id: int, *, limit: int) -> list[dict[str, Any]]:
    """Who did what to the event, newest first: `at`, `what`, `details`, `organiser.name`."""
    rows: list[dict[str, Any]] = (
        await Activity.select(Activity.at, Activity.what, Activity.details, Activity.organiser.name)
        .where(Activity.event == event_id)
        .order_by(Activity.at, ascending=False)
        .limit(limit)
        .output(load_json=True)
    )
    return rows
