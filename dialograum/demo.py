"""The demo's example: events of the coming weeks, some people in them, and an organiser."""

from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from dialograum import publishing
from dialograum.commands.organisers import put_organiser
from dialograum.event_file import read_files, shift
from events.details import EventDetails
from events.queries import details
from events.rules import Attendance, Role
from events.tables import Event, Organiser
from registration.admission import Admission
from registration.by_hand import register_by_hand
from registration.decisions import Newcomer
from registration.questions import questions_of

EXAMPLES = Path(__file__).parent / "examples"
ORGANISER = "organiser@example.org"
WEEKS_AHEAD = {
    "guetersloh-dialog-2022.toml": 3,
    "kreis-guetersloh-impulsforum.toml": 4,
    "herford-werkstatt-2023.toml": 5,
    "gelsenkirchen-ost-2019.toml": 2,
    "kreis-guetersloh-konzept.toml": 6,
}
CONFERENCE = "integrationskonferenz-ost-2019"
"""The event for which two register by themselves."""

SEATS_TAKEN = {
    "gemeinsam-leben-2022": 73,
    "impulsforum-begegnungen": 67,
    CONFERENCE: 80,
}
PEOPLE = (
    "Sprachmittlung",
    "Leitung Familienzentrum",
    "Vorstand Kulturverein",
    "Lehrkraft Gesamtschule",
    "Elternvertretung",
    "Beratungsstelle Migration",
    "Wohnungsbaugenossenschaft",
    "Pflegedienstleitung",
    "Mitglied Integrationsrat",
    "Ausbilder Handwerk",
    "Ehrenamtliche Patin",
    "Quartiersmanagement",
)
ANSWERS: dict[str, tuple[Any, ...]] = {
    "organisation": ("Stadtverwaltung", "Kulturverein", "Gesamtschule", "Beratungsstelle"),
    "food": ([], ["vegetarian"], [], ["vegan", "gluten-free"], ["halal"]),
    "access": ([], [], [], ["wheelchair"], [], [], ["hearing-loop"]),
}
"""What people of the demo answer in turn."""


async def prepare(password: str, languages: list[str], today: date) -> list[str]:
    """Brings the example events into the coming weeks, once each; returns the slugs of new ones.

    The organiser gets `password` anew each time. What visitors of the demo did is kept.
    """
    organiser = await put_organiser(ORGANISER, "Integrationsbeauftragte", Role.ADMIN, password)
    created = []
    for name, weeks in WEEKS_AHEAD.items():
        (file,) = read_files([EXAMPLES / name])
        if await Event.exists().where(Event.slug == file.events[0].slug):
            continue
        file = shift(file, _same_weekday(min(event.starts_at for event in file.events), today, weeks))
        now = datetime.now(UTC)
        async with Event._meta.db.transaction():
            for written in await publishing.import_files(
                [file], organiser, now, publish=True, languages=languages
            ):
                await _fill(await details(written.slug), organiser, now)
                created.append(written.slug)
        if CONFERENCE in created[-1:]:
            await _register(now)
    return created


def _same_weekday(first: datetime, today: date, weeks: int) -> date:
    """A day after so many weeks that is the same day of the week, as nobody holds workshops on Sundays."""
    later = today + timedelta(weeks=weeks)
    return later + timedelta(days=(first.weekday() - later.weekday()) % 7)


async def _fill(event: EventDetails, organiser: Organiser, now: datetime) -> None:
    """People who came by, with a group each."""
    groups = [group.key for group in event.groups]
    asked = {question.key for question in questions_of(event)}
    for number, name in enumerate(islice(cycle(PEOPLE), SEATS_TAKEN.get(event.slug, 4))):
        wishes = {
            session.key: tuple(groups[(number + shift) % len(groups)] for shift in range(2))
            for session in event.group_sessions[:1]
            if groups
        }
        attendance = Attendance.IN_PERSON if Attendance.IN_PERSON in event.offered else Attendance.ONLINE
        answers = {key: values[number % len(values)] for key, values in ANSWERS.items() if key in asked}
        consents = {"photo": number % 3 == 0} if "photo" in asked else {}
        person = Newcomer(
            name, None, "de", attendance=attendance, wishes=wishes, answers=answers, consents=consents
        )
        await register_by_hand(event.slug, person, organiser, now)


async def _register(now: datetime) -> None:
    """Two who register by themselves and wait for their mail; the door works in transactions of its own."""
    for name, address in (
        ("Kim Muster", "kim.muster@example.org"),
        ("Toni Beispiel", "toni@example.org"),
    ):
        await Admission().register(CONFERENCE, Newcomer(name, address, "de"), now)
