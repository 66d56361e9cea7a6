"""The demo's example: every event with people in it, and safe to be made again."""

from datetime import date

from dialograum import demo
from events.queries import all_events, details
from registration.attendees import AttendeeFilter, attendees
from registration.consents import standing_consents
from registration.rules import RegistrationStatus
from registration.tables import Registration


async def test_the_demo_fills_its_events_once(database, monkeypatch):
    monkeypatch.setattr(demo, "SEATS_TAKEN", {})
    today = date.today()
    created = await demo.prepare("password", ["de", "en"], today)
    assert {event.slug for event in await all_events()} == set(created)
    people = await Registration.count()
    assert people == 4 * len(created) + 2
    assert await demo.prepare("password", ["de", "en"], today) == []
    assert await Registration.count() == people
    pending = RegistrationStatus.PENDING.value
    assert await Registration.count().where(Registration.status == pending) == 2


async def test_people_of_the_demo_have_answered_its_questions(database, monkeypatch):
    monkeypatch.setattr(demo, "SEATS_TAKEN", {})
    await demo.prepare("password", ["de", "en"], date.today())
    found = await attendees(await details("werkstatttreffen-herford-2023"), AttendeeFilter())
    assert all(attendee.registration.answers["organisation"] for attendee in found)
    assert {"food", "access"} <= {key for attendee in found for key in attendee.registration.special_answers}
    assert await standing_consents(attendee.registration.id for attendee in found)
