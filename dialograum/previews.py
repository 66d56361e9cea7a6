"""What a change of an event would do, found out by doing it and taking it back."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from dialograum import publishing
from dialograum.differences import Difference, differences
from dialograum.event_file import EventDocument, to_document
from events.changes import changes_between
from events.details import EventDetails
from events.errors import Conflict
from events.queries import details_of, event_named
from events.tables import Event, Organiser
from notifications.tables import Message
from registration.queries import active_registrations, groups_held
from registration.rules import RegistrationStatus

Json = dict[str, Any]


class OutlookChanged(Conflict):
    title = "Other people would be affected than the preview said"


@dataclass(frozen=True)
class Person:
    """Somebody who takes part or waits, with the groups by session."""

    id: UUID
    number: str
    name: str
    email: str | None
    status: RegistrationStatus
    groups: dict[str, str]


@dataclass(frozen=True)
class Loss:
    """A group, or an optional session, that somebody loses."""

    person: Person
    session: str
    group: str


@dataclass(frozen=True)
class Outlook:
    """What changes, and whom it touches. `moving_up` are as they stand afterwards.

    `told` counts the mails by kind; `untold` are touched and have no address.
    """

    before: EventDetails
    after: EventDetails
    differences: tuple[Difference, ...]
    losing: tuple[Loss, ...]
    moving_up: tuple[Person, ...]
    told: dict[str, int]
    untold: tuple[Person, ...]

    @property
    def mark(self) -> str:
        """Short text that is another one where other people lose or win by the change."""
        losing = [(str(loss.person.id), loss.session, loss.group) for loss in self.losing]
        content = [sorted(losing), sorted(str(person.id) for person in self.moving_up)]
        return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:16]


async def preview(
    slug: str,
    document: EventDocument,
    by: Organiser,
    now: datetime,
    *,
    version: int | None = None,
    languages: Collection[str] = (),
    replace_groups: bool = False,
) -> Outlook:
    """What `publishing.edit` would do; nothing is written, and nobody is told. Raises as it does."""
    async with Event._meta.db.transaction(allow_nested=False) as transaction:
        outlook = await _edited(slug, document, by, now, version, languages, replace_groups)
        await transaction.rollback()
        return outlook


async def edit_as_seen(
    slug: str,
    document: EventDocument,
    by: Organiser,
    now: datetime,
    *,
    version: int,
    mark: str,
    languages: Collection[str] = (),
) -> Outlook:
    """Carries out what a preview showed, also where people lose their group.

    Raises as `publishing.edit`, and OutlookChanged where other people would lose or win than the preview said.
    """
    async with Event._meta.db.transaction():
        outlook = await _edited(slug, document, by, now, version, languages, True)
        if outlook.mark != mark:
            raise OutlookChanged()
        return outlook


async def _edited(
    slug: str,
    document: EventDocument,
    by: Organiser,
    now: datetime,
    version: int | None,
    languages: Collection[str],
    replace_groups: bool,
) -> Outlook:
    before = await details_of(await event_named(slug, locked=True))
    document_before, people_before = await publishing.document_of(slug), await _people(before)
    after = await publishing.edit(
        slug, document, by, now, version=version, languages=languages, replace_groups=replace_groups
    )
    people = await _people(after)
    losing = tuple(
        Loss(person, session, group)
        for person in people_before.values()
        for session, group in person.groups.items()
        if person.id not in people or people[person.id].groups.get(session) != group
    )
    moving_up = tuple(
        person
        for person in people.values()
        if people_before[person.id].status is RegistrationStatus.WAITLISTED
        and person.status is not RegistrationStatus.WAITLISTED
    )
    touched = {loss.person.id for loss in losing} | {person.id for person in moving_up}
    concerns_all = bool(changes_between(before, after)) or before.status is not after.status
    return Outlook(
        before,
        after,
        tuple(differences(to_document(document_before), to_document(await publishing.document_of(slug)))),
        losing,
        moving_up,
        await _told(before.id),
        tuple(
            person
            for person in people_before.values()
            if person.email is None and (concerns_all or person.id in touched)
        ),
    )


async def _people(event: EventDetails) -> dict[UUID, Person]:
    rows = await active_registrations(event.id)
    held = await groups_held(row.id for row in rows)
    return {
        row.id: Person(
            row.id,
            row.number,
            row.name,
            row.email,
            RegistrationStatus(row.status),
            dict(held.get(row.id, {})),
        )
        for row in rows
    }


async def _told(event_id: int) -> dict[str, int]:
    """The messages that the present transaction has written, by kind."""
    rows = await Message.raw(
        "SELECT kind, count(*) AS messages FROM message WHERE event_id = {} AND status = 'queued'"
        " AND xmin = pg_current_xact_id()::xid GROUP BY kind ORDER BY kind",
        event_id,
    )
    return {row["kind"]: row["messages"] for row in rows}


def outlook_json(outlook: Outlook) -> Json:
    """The outlook as the API tells it, without the event."""
    return {
        "changes": [change._asdict() for change in outlook.differences],
        "told": outlook.told,
        "losing": [
            {
                "id": str(loss.person.id),
                "name": loss.person.name,
                "session": loss.session,
                "group": loss.group,
            }
            for loss in outlook.losing
        ],
        "moving_up": [
            {"id": str(person.id), "name": person.name, "status": person.status.value}
            for person in outlook.moving_up
        ],
        "untold": [
            {"id": str(person.id), "name": person.name, "number": person.number} for person in outlook.untold
        ],
    }
