"""Events as documents: created, edited, cancelled and read back, with everything that follows for those registered.

Each action is one transaction that locks the event's row first.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any, cast

import msgspec
from asyncpg.exceptions import UniqueViolationError
from msgspec.structs import replace

from dialograum.event_file import EventDocument, EventFile, EventFileInvalid, Problem, patched
from events import actions
from events.details import EventDetails
from events.errors import Conflict, EventUnknown
from events.forms import (
    ContactSpec,
    GroupSpec,
    MeetingSpec,
    RegistrationSpec,
    SeriesSpec,
    SessionSpec,
    TopicSpec,
    VenueSpec,
)
from events.queries import details_of, event_by_id, event_named
from events.rules import EventStatus, Mode
from events.tables import Event, Organiser, Series
from hybrid.actions import write_rules
from hybrid.queries import rules_of
from hybrid.rooms import make_rooms
from registration.event_changes import (
    carry_through,
    leave_overlapping_groups,
    leave_vanishing_groups,
    tell_of_cancellation,
)
from registration.questions import QuestionSpec
from registration.reminders import ReminderSpec
from registration.reminding import schedule_anew

PAGES = frozenset(
    {
        "accessibility",
        "api",
        "c",
        "calendar.ics",
        "events",
        "healthz",
        "imprint",
        "join",
        "mailbox",
        "metrics",
        "organise",
        "privacy",
        "r",
        "readyz",
        "static",
    }
)
"""First parts of our own addresses: no short name of an event."""

IMPORT_LOCK = 0x66696C6573  # "files"; one import at a time, for each locks several events


@dataclass(frozen=True)
class Written:
    """What became of one event of a file; `told` people get a mail about it."""

    slug: str
    created: bool
    changes: tuple[str, ...] = ()
    told: int = 0


async def import_files(
    files: Iterable[EventFile],
    by: Organiser | None,
    now: datetime,
    *,
    publish: bool = False,
    replace_groups: bool = False,
    preview: bool = False,
    languages: Collection[str] = (),
) -> list[Written]:
    """Creates or edits every event of the files, all or none. An event that is published stays so.

    A preview does it and takes it back. Raises EventFileInvalid and Conflict.
    """
    async with Event._meta.db.transaction() as transaction:
        await Event.raw("SELECT pg_advisory_xact_lock({})", IMPORT_LOCK)
        written: list[Written] = []
        for file in files:
            series = await actions.write_series(file.series) if file.series else None
            for document in file.events:
                if publish:
                    document = replace(document, status=EventStatus.PUBLISHED)
                try:
                    event = await event_named(document.slug, locked=True)
                except EventUnknown:
                    await create(document, by, now, series=series, languages=languages)
                    written.append(Written(document.slug, created=True))
                    continue
                if document.status is EventStatus.DRAFT:
                    document = replace(document, status=EventStatus(event.status))
                if series is not None:
                    event.series = series
                written.append(await _edit(event, document, by, now, replace_groups, languages))
        if preview:
            await transaction.rollback()
        return written


async def create(
    document: EventDocument,
    by: Organiser | None,
    now: datetime,
    *,
    series: int | None = None,
    languages: Collection[str] = (),
) -> EventDetails:
    """A new event; who creates it manages it. Raises Conflict for a slug that is taken, EventFileInvalid."""
    async with Event._meta.db.transaction():
        await _check_short(document, languages)
        if await Event.exists().where(Event.slug == document.slug):
            raise Conflict(f"There is an event {document.slug} already.")
        try:
            event = await actions.create(document, f"event-{document.slug}-{token_hex(6)}", now, series)
        except UniqueViolationError:
            raise Conflict(f"Another event has just taken {document.slug} or its short address.") from None
        await _write_parts(event, document, now)
        if by is not None:
            await actions.join(by, event)
        await actions.record(event, by, now, "event_created")
        return await details_of(await event_by_id(event.id))


async def edit(
    slug: str,
    document: EventDocument,
    by: Organiser | None,
    now: datetime,
    *,
    version: int | None = None,
    languages: Collection[str] = (),
    replace_groups: bool = False,
) -> EventDetails:
    """Makes an event what the document says and tells those registered what changed for them.

    Raises EventUnknown, EventFileInvalid, ModeRefused, and Conflict where people would lose their group and
    `replace_groups` is false, fewer seats are named than are held, or `version` is not the present one.
    """
    async with Event._meta.db.transaction():
        event = await _event_at(slug, version)
        await _edit(event, document, by, now, replace_groups, languages)
        return await details_of(await event_by_id(event.id))


async def patch(
    slug: str,
    changes: Mapping[str, Any],
    by: Organiser | None,
    now: datetime,
    *,
    version: int | None = None,
    languages: Collection[str] = (),
    replace_groups: bool = False,
) -> EventDetails:
    """The same for an event with a JSON Merge Patch (RFC 7396) of its file: two at once both count."""
    async with Event._meta.db.transaction():
        event = await _event_at(slug, version)
        document = patched(await _document(event, await details_of(event)), changes)
        await _edit(event, document, by, now, replace_groups, languages)
        return await details_of(await event_by_id(event.id))


async def _event_at(slug: str, version: int | None) -> Event:
    """The event, locked. Raises Conflict where it is not at the version (`None` = whatever it is)."""
    event = await event_named(slug, locked=True)
    if version is not None and version != event.version:
        raise Conflict(f"The event has been changed since version {version}: it is {event.version} now.")
    return event


async def publish(slug: str, by: Organiser, now: datetime) -> None:
    """Shows a draft to the public. Raises EventUnknown, Conflict."""
    async with Event._meta.db.transaction():
        event = await event_named(slug, locked=True)
        if event.status != EventStatus.PUBLISHED:
            await actions.publish(event, now)
            await actions.record(event, by, now, "event_published")


async def cancel(slug: str, reason: str | None, by: Organiser | None, now: datetime) -> EventDetails:
    """Cancels an event and tells everybody registered. Once more changes nothing. Raises EventUnknown."""
    async with Event._meta.db.transaction():
        event = await event_named(slug, locked=True)
        await _cancel(event, reason, by, now)
        return await details_of(await event_by_id(event.id))


async def document_of(slug: str) -> EventDocument:
    """The event as it would stand in a file. Raises EventUnknown."""
    event = await event_named(slug)
    return await _document(event, await details_of(event))


async def file_of(slug: str) -> EventFile:
    """An event file that imports to the same event. Raises EventUnknown."""
    event = await event_named(slug)
    document = await _document(event, await details_of(event))
    row = await Series.objects().where(Series.id == event.series).output(load_json=True).first()
    series = (
        SeriesSpec(
            slug=row.slug,
            default_language=row.default_language,
            title=row.title,
            summary=row.summary or {},
            description=row.description or {},
        )
        if row
        else None
    )
    return EventFile(series=series, events=(document,))


async def _edit(
    event: Event,
    document: EventDocument,
    by: Organiser | None,
    now: datetime,
    replace_groups: bool,
    languages: Collection[str],
) -> Written:
    if document.slug != event.slug:
        raise EventFileInvalid([Problem("", "slug", f"Cannot be changed: the event is {event.slug}.")])
    await _check_short(document, languages)
    before = await details_of(event)
    cancelling = _checked_status(before, document)
    if cancelling:
        document = replace(document, status=before.status)
    kept = {(session, group.key) for group in document.groups for session in group.sessions}
    kept |= {(key, key) for key in document.signups}
    lost_group = await leave_vanishing_groups(before, kept, replace=replace_groups)
    try:
        changes = await actions.rewrite(event, document, now)
    except UniqueViolationError:
        raise Conflict(f"Another event has just taken the short address {document.short}.") from None
    reminders = event.reminders
    await _write_parts(event, document, now)
    after = await details_of(await event_by_id(event.id))
    if (reminders, before.starts_at, before.ends_at) != (
        msgspec.to_builtins(document.reminders),
        after.starts_at,
        after.ends_at,
    ):
        await schedule_anew(event.id, now)
    await actions.record(event, by, now, "event_changed", changed=[change.what for change in changes])
    told = 0
    if cancelling:
        told = await _cancel(await event_by_id(event.id), None, by, now)
    elif after.status is not EventStatus.CANCELLED:
        if overlapping := await leave_overlapping_groups(after):
            lost_group |= overlapping
            after = await details_of(await event_by_id(event.id))
        told = await carry_through(after, changes, lost_group, now)
    return Written(event.slug, created=False, changes=tuple(change.what for change in changes), told=told)


async def _cancel(event: Event, reason: str | None, by: Organiser | None, now: datetime) -> int:
    if not await actions.cancel(event, reason, now):
        return 0
    await actions.record(event, by, now, "event_cancelled")
    return await tell_of_cancellation(await details_of(await event_by_id(event.id)), reason, now)


def _checked_status(before: EventDetails, document: EventDocument) -> bool:
    """Whether the document cancels the event. Raises Conflict for steps that do not exist."""
    if document.status is before.status:
        return False
    if before.status is EventStatus.CANCELLED:
        raise Conflict("A cancelled event stays cancelled.")
    held = before.in_person_taken + before.online_taken + before.waitlisted
    if document.status is EventStatus.DRAFT and held:
        raise Conflict(f"{held} seats are held or waited for, so it cannot become a draft again.", held=held)
    return document.status is EventStatus.CANCELLED


async def _check_short(document: EventDocument, languages: Collection[str]) -> None:
    short = document.short
    if short is None:
        return
    if short in PAGES or short in languages:
        reason = "Is the address of a page already."
    elif await Event.exists().where((Event.short == short) & (Event.slug != document.slug)):
        reason = "Another event has this short address."
    else:
        return
    raise EventFileInvalid([Problem("", "short", reason)])


async def _write_parts(event: Event, document: EventDocument, now: datetime) -> None:
    await Event.update(
        {
            Event.reminders: msgspec.to_builtins(document.reminders),
            Event.questions: msgspec.to_builtins(document.questions),
        }
    ).where(Event.id == event.id)
    await write_rules(event, document.mode_rules, now)
    if event.mode != Mode.IN_PERSON:
        await make_rooms(await details_of(await event_by_id(event.id)), now)


async def _document(event: Event, details: EventDetails) -> EventDocument:
    return EventDocument(
        slug=event.slug,
        short=event.short,
        kind=event.kind,
        timezone=event.timezone,
        default_language=event.default_language,
        status=details.status,
        starts_at=event.starts_local,
        ends_at=event.ends_local,
        mode=details.base_mode,
        retention_days=event.retention_days,
        title=event.title,
        summary=event.summary or {},
        description=event.description or {},
        registration=RegistrationSpec(
            opens_at=event.opens_local,
            closes_at=event.closes_local,
            capacity=event.capacity,
            digital_capacity=event.digital_capacity,
            hybrid_capacity=event.hybrid_capacity,
            waitlist=event.waitlist,
            confirm_email=event.confirm_email,
            hold_hours=event.hold_hours,
            allocation=cast(Any, event.allocation),
        ),
        venues=tuple(
            VenueSpec(
                key=venue.key,
                name=venue.name,
                room=venue.room,
                street=venue.street,
                postal_code=venue.postal_code,
                locality=venue.locality,
                country=venue.country,
                access=venue.access or {},
            )
            for venue in details.venues
        ),
        contact=msgspec.convert(event.contact, ContactSpec) if event.contact else None,
        meeting=MeetingSpec(url=event.meeting_url) if event.meeting_url else None,
        sessions=tuple(
            SessionSpec(
                key=session.key,
                kind=session.kind,
                venue=session.venue.key if session.venue else None,
                starts_at=session.starts_local,
                ends_at=session.ends_local,
                title=session.title,
                speaker=session.speaker or {},
                optional=session.optional,
                capacity=session.capacity,
            )
            for session in details.sessions
        ),
        groups=tuple(
            GroupSpec(
                key=group.key,
                sessions=group.sessions,
                capacity=group.capacity,
                digital_capacity=group.digital_capacity,
                title=group.title,
                moderators=group.moderators,
            )
            for group in details.groups
        ),
        topics=msgspec.convert(event.topics, tuple[TopicSpec, ...]),
        reminders=msgspec.convert(event.reminders, tuple[ReminderSpec, ...]),
        questions=msgspec.convert(event.questions, tuple[QuestionSpec, ...]),
        mode_rules=await rules_of(event),
    )
