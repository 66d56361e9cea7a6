"""Optional sessions on the pages: the form, the check of the answers, the event's page and one's own."""

import pytest

from events.queries import details
from registration.queries import groups_held
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.forum import forum
from tests.visitor import Visitor, words

FORM = "/events/forum/register"
TYPED = {"name": "Kim Muster", "email": "kim@example.org", "seats": "1", "group.groups": "none"}


def optional(key: str, start: str, title: str, capacity: int | None):
    day = forum()["starts_at"][:10]
    return {
        "key": key,
        "starts_at": f"{day}T{start}:00:00",
        "ends_at": f"{day}T{start}:30:00",
        "title": {"de": title, "en": title},
        "optional": True,
        "capacity": capacity,
    }


@pytest.fixture
async def citizen(town: Town) -> Visitor:
    """Somebody who looks at an event with a dinner for two and a walk for everyone."""
    extra = [optional("dinner", "18", "Dinner together", 2), optional("walk", "19", "Walk", None)]
    await town.event(
        registration={"confirm_email": False}, sessions=[*forum()["sessions"], *extra], ends_at=ends()
    )
    return await town.visitor()


def ends() -> str:
    return f"{forum()['starts_at'][:10]}T22:00:00"


async def test_a_box_per_optional_session_says_when_it_is_and_what_is_free(town, citizen):
    page = await citizen.get(FORM)
    text = words(page)
    assert "What else would you like to come along to? – Optional" in text
    assert "Dinner together 18:00–18:30, 2 free" in text
    assert "Walk 19:00–19:30 " in text
    for number in range(2):
        await town.register(await details("forum"), f"Guest{number}", groups={"dinner": ["dinner"]})
    assert "Dinner together 18:00–18:30, Waitlist" in words(await citizen.get(FORM))


async def test_what_is_ticked_is_checked_kept_and_booked(citizen):
    typed = {**TYPED, "signup.dinner": "yes"}
    checked = await citizen.send_form(FORM, {**typed, "step": "check"})
    assert "Dinner together I come along" in words(checked)
    assert "Walk I do not come along" in words(checked)
    back = await citizen.send_on(checked, FORM, {"step": "edit"})
    assert 'name="signup.dinner" value="yes" checked' in back.text
    assert 'name="signup.walk" value="yes" checked' not in back.text
    done = await citizen.send_on(checked, FORM, {"step": "submit"})
    text = words(done)
    assert "Your programme Dinner together You have a seat 18:00–18:30" in text
    assert "We have noted your wish" not in text
    row = await Registration.objects().where(Registration.name == "Kim Muster").output(load_json=True).first()
    assert row is not None
    assert row.wishes == {"groups": [], "dinner": ["dinner"]}
    assert (await groups_held([row.id]))[row.id] == {"dinner": "dinner"}


async def test_a_form_with_an_error_keeps_the_ticks(citizen):
    page = await citizen.send_form(FORM, {**TYPED, "email": "kim", "signup.walk": "yes", "step": "check"})
    assert page.status_code == 422
    assert 'name="signup.walk" value="yes" checked' in page.text


async def test_one_s_own_page_and_the_event_s_say_what_one_has_and_what_is_free(town, citizen):
    event = await details("forum")
    one = await town.register(event, "Kim Muster", groups={"dinner": ["dinner"]})
    family = await town.register(event, "Toni Muster", seats=2, groups={"dinner": ["dinner"]})
    own = words(await citizen.get(town.link("own", one)))
    assert "Dinner together You have a seat" in own
    own = words(await citizen.get(town.link("own", family)))
    assert "Dinner together No seat yet. We have noted your wish." in own
    assert "Optional, 1 of 2 seats free" in words(await citizen.get("/events/forum"))


async def test_while_wishes_are_collected_all_seats_are_shown_instead_of_free_ones(town):
    extra = [optional("dinner", "18", "Dinner together", 12)]
    terms = {"confirm_email": False, "allocation": "at_deadline"}
    await town.event(registration=terms, sessions=[*forum()["sessions"], *extra], ends_at=ends())
    citizen = await town.visitor()
    text = words(await citizen.get(FORM))
    assert "Dinner together 18:00–18:30, 12 seats" in text
    assert "Wohnen" not in text
    assert "Housing 2 seats" in text
    assert "Optional, 12 seats" in words(await citizen.get("/events/forum"))
    one = await town.register(await details("forum"), groups={"groups": ["wohnen"], "dinner": ["dinner"]})
    noted = "We have noted your wish. Seats are assigned when registration has closed."
    assert words(await citizen.get(town.link("own", one))).count(noted) == 2


async def test_a_group_and_an_optional_session_do_not_share_a_key(town):
    system = await town.system(await town.organiser())
    extra = optional("wohnen", "18", "Wohnen", 12)
    answer = await system.post("/api/v1/events", json=forum(sessions=[*forum()["sessions"], extra]))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "groups[0].key"
