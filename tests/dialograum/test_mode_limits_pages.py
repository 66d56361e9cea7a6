"""The organisers' pages where a hand has nothing to decide, and how the log tells what it decided."""

from events.queries import event_named
from events.tables import Event
from hybrid.tables import ModeSwitch
from tests.dialograum.test_mode_switch_pages import PAGE, SERVERS, SET, house, press
from tests.visitor import headings, words


async def test_the_log_tells_locks_and_seats_from_switches(town):
    browser = await house(town)
    await press(browser, "hybrid", hybrid_capacity="2", seen="2", reason="Distance")
    for fields in ({"hybrid_capacity": "1", "seen": "1"}, {"hybrid_capacity": "1", "seen": "1", "lock": ""}):
        await press(browser, "hybrid", reason="Again", **fields)
    page = await browser.get(PAGE)
    said = words(page)
    assert "on site → on site and online, Office" in said
    assert "Seats in the hall changed, Office" in said
    assert "Lock lifted, Office" in said
    assert "<strong>on site → on site and online</strong>" in page.text
    assert "<strong>Seats" not in page.text
    assert "<strong>Lock" not in page.text


async def test_an_event_that_is_hybrid_by_itself_is_asked_for_no_seats(town):
    organiser = await town.organiser()
    await town.event(organiser, mode="hybrid", registration={"capacity": 3, "hybrid_capacity": 1})
    browser = await town.signed_in(organiser, await town.visitor(**SERVERS))
    page = await browser.get(f"{SET}/hybrid")
    assert headings(page) == ["Keep it on site and online"]
    assert 'name="hybrid_capacity"' not in page.text
    assert (await press(browser, "hybrid")).status_code == 303
    event = await event_named("forum")
    assert (event.mode_locked, event.hybrid_capacity) == (True, 1)
    assert (await press(browser, "hybrid", hybrid_capacity="2", seen="2")).status_code == 422
    assert (await event_named("forum")).hybrid_capacity == 1


async def test_without_a_venue_the_page_says_why_it_stays_online(town):
    organiser = await town.organiser()
    await town.event(organiser, mode="digital", venue=None, groups=None)
    browser = await town.signed_in(organiser, await town.visitor(**SERVERS))
    for to in ("in_person", "hybrid"):
        page = await browser.get(f"{SET}/{to}")
        assert "The event takes place online by itself and has no venue." in words(page)
        assert "/organise/events/forum/edit" in page.text
        answer = await press(browser, to)
        assert answer.status_code == 409
    assert (await event_named("forum")).mode == "digital"


async def test_what_is_over_is_not_locked_on_the_page_either(town):
    browser = await house(town)
    await Event.update({Event.status: "cancelled"}, force=True)
    assert "The event is cancelled." in words(await browser.get(f"{SET}/in_person"))
    assert (await press(browser, "in_person")).status_code == 409
    assert await ModeSwitch.count() == 0
