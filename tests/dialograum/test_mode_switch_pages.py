"""The organisers' pages on which an event is moved by hand, and on which a proposal is answered."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from events.actions import join
from events.queries import event_named
from events.rules import Mode
from events.tables import Event
from hybrid import rooms
from hybrid.meeting_servers import MeetingServers
from hybrid.meetings import Server
from hybrid.outages import watch_servers
from hybrid.switching import Cause, set_mode
from hybrid.tables import MeetingRoom, ModeProposal, ModeRule, ModeSwitch
from notifications.tables import Message, MessageStatus
from registration.tables import Registration
from tests.dialograum.test_mode_pages import TODAY
from tests.hybrid.town import RULE, publish
from tests.postgres import free_port
from tests.visitor import headings, words

PAGE = "/organise/events/forum/mode"
SET = f"{PAGE}/set"
SERVERS = {"jitsi_urls": ["https://meet.example.org"]}
OPEN = {"confirm_email": False, "capacity": 3, "digital_capacity": 9}


async def house(town, *, rules=(), role="organiser", **settings):
    """An organiser's browser; three people hold the hall, and one waits."""
    organiser = await town.organiser(role=role)
    event = await town.event(organiser, registration=OPEN, groups=None, mode_rules=list(rules))
    for name in ("Anna Muster", "Bela Muster", "Cem Muster", "Dana Muster"):
        await town.register(event, name)
    await Message.update({Message.status: MessageStatus.SENT}, force=True)
    visitor = await town.visitor(**{**SERVERS, **settings})
    return await town.signed_in(organiser, visitor)


async def everything():
    """All that a preview might change."""
    tables = (Event, Registration, Message, ModeSwitch, MeetingRoom, ModeProposal, ModeRule)
    return [await table.select().order_by(table._meta.primary_key) for table in tables]


async def press(browser, to="digital", **fields):
    path = f"{SET}/{to}"
    return await browser.send_form(path, {"reason": "Flood", "lock": "yes", "step": "apply", **fields})


# By hand


async def test_the_preview_says_who_is_told_what_and_changes_nothing(town):
    browser = await house(town)
    await Registration.raw("UPDATE registration SET email = NULL WHERE name = 'Bela Muster'")
    await Registration.raw("UPDATE registration SET online_access = 'none' WHERE name = 'Cem Muster'")
    before = await everything()
    page = await browser.get(f"{SET}/digital")
    said = words(page)
    assert headings(page) == ["Move online"]
    assert "3 people get an email and an update of their calendars" in said
    assert "3 people take part online then, instead of on site" in said
    assert "1 person moves up from the waitlist" in said
    assert "1 person has no email address" in said
    assert "1 person cannot join online, or only by phone" in said
    assert page.text.count("Dana Muster") == 1
    assert "Move online, and tell 3 people" in said
    assert await everything() == before


async def test_the_button_moves_the_event_and_the_page_says_how_far_the_mails_are(town):
    browser = await house(town)
    answer = await press(browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    event = await event_named("forum")
    assert (event.mode, event.mode_locked, event.mode_reason) == ("digital", True, "Flood")
    said = words(await browser.get(PAGE))
    assert "0 of 4 emails delivered." in said
    assert "The mode is locked" in said
    assert "on site → online, Office “Flood”" in said
    messages = Message.event_id == event.id
    await Message.update({Message.status: MessageStatus.SENT}).where(messages)
    assert "All are told: 4 of 4 emails delivered." in words(await browser.get(PAGE))
    late = await Message.objects().where(messages & (Message.kind == "promoted")).first()
    assert late is not None
    await Message.update({Message.status: MessageStatus.FAILED}).where(Message.id == late.id)
    said = words(await browser.get(PAGE))
    assert "3 of 4 emails delivered. 1 person is not reached" in said


async def test_mails_that_a_later_switch_has_taken_over_count_for_that_one(town):
    browser = await house(town)
    await press(browser)
    await press(browser, "in_person")
    said = words(await browser.get(PAGE))
    assert "Takes place on site and online" in said
    assert "0 of 4 emails delivered." in said


async def test_the_lock_is_lifted_and_set_again(town):
    browser = await house(town)
    await press(browser)
    page = await browser.get(PAGE)
    assert "Lift the lock …" in words(page)
    page = await browser.get(f"{SET}/digital")
    assert headings(page) == ["Lift the lock"]
    assert "Nobody would get an email." in words(page)
    hidden = {"reason": "Dry", "step": "apply"}
    assert (await browser.send_on(page, f"{SET}/digital", hidden)).status_code == 303
    assert (await event_named("forum")).mode_locked is False
    page = await browser.get(f"{SET}/digital")
    assert headings(page) == ["Keep it online"]
    await browser.send_on(page, f"{SET}/digital", {"reason": "Better so", "step": "apply"})
    assert (await event_named("forum")).mode_locked is True
    said = words(await browser.get(PAGE))
    assert "Lock lifted, Office “Dry”" in said
    assert "Mode locked, Office “Better so”" in said


async def test_without_the_tick_rules_may_move_it_again(town):
    browser = await house(town)
    await press(browser, lock="no")
    assert (await event_named("forum")).mode_locked is False


async def test_in_hybrid_the_seats_are_asked_and_who_finds_none_is_named(town):
    browser = await house(town)
    page = await browser.get(f"{SET}/hybrid")
    assert "find no seat in the hall" not in words(page)
    fields = {"reason": "", "hybrid_capacity": "2", "step": "preview", "lock": "yes"}
    page = await browser.send_on(page, f"{SET}/hybrid", fields)
    assert page.status_code == 200
    assert "1 person finds no seat in the hall" in words(page)
    assert "When a seat comes free they can change to it on their own page." in words(page)
    assert "are offered to them" not in words(page)
    assert "Enter the reason" not in words(page)
    # The number that was seen is the one that counts.
    other = await browser.send_on(
        page, f"{SET}/hybrid", {"reason": "x", "hybrid_capacity": "1", "step": "apply"}
    )
    assert other.status_code == 200
    assert "2 people find no seat in the hall" in words(other)
    assert (await event_named("forum")).mode == "in_person"
    fields = {"reason": "Distance", "hybrid_capacity": "1", "step": "apply", "lock": "yes"}
    assert (await browser.send_on(other, f"{SET}/hybrid", fields)).status_code == 303
    event = await event_named("forum")
    assert (event.mode, event.in_person_taken, event.hybrid_capacity) == ("hybrid", 1, 1)


async def test_an_old_preview_is_refused_and_shown_anew(town):
    browser = await house(town)
    page = await browser.get(f"{SET}/digital")
    await set_mode("forum", Mode.HYBRID, Cause(reason="Other"), datetime.now(UTC), has_servers=True)
    answer = await browser.send_on(
        page, f"{SET}/digital", {"reason": "Flood", "lock": "yes", "step": "apply"}
    )
    assert answer.status_code == 409
    assert "Something has happened since you looked." in words(answer)
    assert "Flood" in answer.text
    assert (await event_named("forum")).mode == "hybrid"
    again = await browser.send_on(answer, f"{SET}/digital", {"reason": "Flood", "step": "apply"})
    assert (again.status_code, (await event_named("forum")).mode) == (303, "digital")


async def test_the_same_form_sent_twice_at_once_moves_the_event_once(town):
    browser = await house(town)
    page = await browser.get(f"{SET}/digital")
    fields = {"reason": "Flood", "lock": "yes", "step": "apply"}
    answers = await asyncio.gather(*(browser.send_on(page, f"{SET}/digital", fields) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409]
    assert await ModeSwitch.count() == 1


@pytest.mark.parametrize(
    ("to", "fields", "said"),
    [
        ("digital", {"reason": " "}, "Enter the reason."),
        ("digital", {"reason": "a" * 2001}, "Enter a reason of at most 2,000 characters."),
        ("hybrid", {"hybrid_capacity": "some"}, "Enter a whole number, or leave it empty."),
        ("hybrid", {"hybrid_capacity": "-1"}, "Enter a whole number, or leave it empty."),
    ],
)
async def test_what_cannot_be_used_is_said_at_the_field(town, to, fields, said):
    browser = await house(town)
    answer = await press(browser, to, **fields)
    assert answer.status_code == 422
    assert said in words(answer)
    assert answer.text.count('aria-invalid="true"') == 1
    assert await ModeSwitch.count() == 0


@pytest.mark.parametrize(
    ("url", "groups", "said"),
    [
        (None, None, "the event has no address of its own"),
        ("https://stream.example.org", [{"key": "a", "session": "groups"}], "the working groups need rooms"),
    ],
)
async def test_without_a_meeting_server_the_page_says_so(town, url, groups, said):
    organiser = await town.organiser()
    titled = [{**group, "title": {"de": "Wohnen"}} for group in groups] if groups else None
    await town.event(organiser, groups=titled, **({"meeting": {"url": url}} if url else {}))
    browser = await town.signed_in(organiser)
    page = await browser.get(f"{SET}/digital")
    assert page.status_code == 200
    assert said in words(page)
    assert 'value="apply"' not in page.text
    answer = await press(browser)
    assert answer.status_code == 409
    assert said in words(answer)
    assert await ModeSwitch.count() == 0


async def test_an_unknown_mode_is_no_page(town):
    browser = await house(town)
    assert (await browser.get(f"{SET}/online")).status_code == 404


@pytest.mark.parametrize("role", ["helper", "stranger"])
async def test_who_does_not_manage_the_event_moves_nothing(town, role):
    browser = await house(town)
    page = await browser.get(f"{SET}/digital")
    other = await town.organiser("other", "helper" if role == "helper" else "organiser")
    if role == "helper":
        await join(other, await event_named("forum"))
    visitor = await town.signed_in(other, await town.visitor(**SERVERS))
    assert (await visitor.get(f"{SET}/digital")).status_code == 403
    assert (await visitor.send_on(page, f"{SET}/digital", {"step": "apply"})).status_code == 403
    if role == "helper":
        assert "Decide yourself" not in words(await visitor.get(PAGE))
    nobody = await town.visitor(**SERVERS)
    assert (await nobody.get(f"{SET}/digital")).headers["Location"].startswith("/organise/sign-in")
    assert await ModeSwitch.count() == 0


@pytest.mark.parametrize(("crowd", "is_named"), [(3, True), (4, False)])
async def test_more_people_than_a_room_holds_are_named_before_the_switch(town, monkeypatch, crowd, is_named):
    monkeypatch.setattr(rooms, "CROWD", crowd)
    browser = await house(town)
    page = await browser.get(f"{SET}/digital")
    assert ("4 people are expected in one room" in words(page)) is is_named


async def test_an_outage_stands_on_the_page(town):
    browser = await house(town)
    await press(browser)
    silent = MeetingServers([Server(f"http://127.0.0.1:{free_port()}")])
    await watch_servers(silent, datetime.now(UTC))
    assert "none of the meeting servers answers" in words(await browser.get(PAGE))


# Proposals


async def proposal_in(town):
    """A browser and the page of what a rule proposes."""
    rule = RULE | {"evaluate_days": 60, "approval": "propose", "enter_after": 1}
    browser = await house(town, rules=[rule])
    await ModeRule.update({ModeRule.created_at: datetime(2020, 1, 1, tzinfo=UTC)}, force=True)
    await publish(TODAY, 512.5, now=datetime.now(UTC))
    [row] = await ModeProposal.objects()
    return browser, f"{PAGE}/proposals/{row.id}"


async def test_a_proposal_shows_its_evidence_and_who_would_be_told(town):
    browser, path = await proposal_in(town)
    page = await browser.get(PAGE)
    assert f'href="{path}"' in page.text
    before = await everything()
    page = await browser.get(path)
    said = words(page)
    assert headings(page) == ["Shall the event move online?"]
    assert "512.5 on" in said
    assert "1 report at 400 or more" in said
    assert "4 people get an email" in said
    assert "Yes, and tell 4 people" in said
    assert await everything() == before


async def test_a_yes_twice_clicked_is_one(town):
    browser, path = await proposal_in(town)
    page = await browser.get(path)
    answers = [await browser.send_on(page, f"{path}/accept") for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == [path, path]
    assert (await event_named("forum")).mode == "digital"
    assert (await ModeSwitch.count(), (await event_named("forum")).mode_locked) == (1, False)
    said = words(await browser.get(path))
    assert "This was agreed to." in said
    assert "Office" in said
    assert "/accept" not in (await browser.get(path)).text
    await browser.send_on(page, f"{path}/decline")
    assert (await event_named("forum")).mode == "digital"


async def test_a_no_is_kept(town):
    browser, path = await proposal_in(town)
    page = await browser.get(path)
    await browser.send_on(page, f"{path}/decline")
    assert "This was declined" in words(await browser.get(path))
    await browser.send_on(page, f"{path}/accept")
    assert ((await event_named("forum")).mode, await ModeSwitch.count()) == ("in_person", 0)


async def test_a_yes_that_cannot_be_done_says_so_and_stays_open(town):
    _, path = await proposal_in(town)
    organiser = await town.organiser("second")
    await join(organiser, await event_named("forum"))
    browser = await town.signed_in(organiser)
    page = await browser.get(path)
    assert page.status_code == 200
    assert "No meeting server is set" in words(page)
    assert 'href="/organise/events/forum/edit"' in page.text
    assert "/accept" not in page.text
    answer = await browser.send_on(page, f"{path}/accept")
    assert answer.status_code == 409
    assert "No meeting server is set" in words(answer)
    [row] = await ModeProposal.objects()
    assert row.answer is None
    await browser.send_on(page, f"{path}/decline")
    assert "This was declined" in words(await browser.get(path))


async def test_a_proposal_of_a_cancelled_event_says_that_it_is(town):
    browser, path = await proposal_in(town)
    page = await browser.get(path)
    await Event.update({Event.status: "cancelled"}, force=True)
    shown = await browser.get(path)
    assert (shown.status_code, "/accept" in shown.text) == (200, False)
    assert "The event is cancelled." in words(shown)
    answer = await browser.send_on(page, f"{path}/accept")
    assert (answer.status_code, "The event is cancelled." in words(answer)) == (409, True)


@pytest.mark.parametrize("to", ["digital", "hybrid", "in_person"])
async def test_a_hand_answers_a_proposal_at_once(town, to):
    browser, path = await proposal_in(town)
    page = await browser.get(path)
    await press(browser, to, reason="Sturm", lock="yes")
    shown = await browser.get(path)
    assert "This does not apply any more." in words(shown)
    assert "/accept" not in shown.text
    assert path not in (await browser.get(PAGE)).text
    before = await everything()
    for answer in ("accept", "decline"):
        assert (await browser.send_on(page, f"{path}/{answer}")).headers["Location"] == path
    assert await everything() == before
    assert ((await event_named("forum")).mode, await ModeSwitch.count()) == (to, 1)
    [row] = await ModeProposal.objects()
    assert row.answer == "superseded"


async def test_a_proposal_of_another_event_is_not_found(town):
    browser, path = await proposal_in(town)
    await Event.update({Event.slug: "another"}, force=True)
    assert (await browser.get(path)).status_code == 404
    number = "a7c1e0d4-0c1b-4b59-8d7e-0f3b7c6f5a21"
    assert (await browser.get(f"/organise/events/another/mode/proposals/{number}")).status_code == 404


async def test_a_helper_sees_a_proposal_and_answers_nothing(town):
    browser, path = await proposal_in(town)
    page = await browser.get(path)
    helper = await town.organiser("helper", "helper")
    await join(helper, await event_named("forum"))
    visitor = await town.signed_in(helper, await town.visitor(**SERVERS))
    shown = await visitor.get(path)
    assert shown.status_code == 200
    assert "/accept" not in shown.text
    for answer in ("accept", "decline"):
        assert (await visitor.send_on(page, f"{path}/{answer}")).status_code == 403
    assert await Event.exists().where(Event.mode == "in_person")
    assert datetime.now(UTC) - (await ModeProposal.objects())[0].made_at < timedelta(minutes=1)
