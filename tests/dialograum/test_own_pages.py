"""Changing one's own registration by the personal link: forms without JavaScript that act by POST alone."""

import re

import pytest

from events.queries import details
from events.tables import Event
from notifications.tables import Message
from registration import locking
from registration.queries import groups_held
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.forum import forum
from tests.visitor import Visitor, headings, words

DAY = forum()["starts_at"][:10]
DINNER = {
    "key": "dinner",
    "starts_at": f"{DAY}T18:00:00",
    "ends_at": f"{DAY}T18:30:00",
    "title": {"de": "Abendessen", "en": "Dinner"},
    "optional": True,
    "capacity": 1,
}
QUESTIONS = [{"preset": "organisation", "required": True}, {"preset": "food"}, {"preset": "photo"}]
SMALL = [
    {"key": "wohnen", "session": "groups", "capacity": 1, "title": {"de": "Wohnen", "en": "Housing"}},
    {"key": "bildung", "session": "groups", "capacity": 1, "title": {"de": "Bildung", "en": "Education"}},
]
HYBRID = {"mode": "hybrid", "registration": {"confirm_email": False, "capacity": 2, "digital_capacity": 1}}


async def hold(town: Town, **changes):
    values = {"registration": {"confirm_email": False}, "groups": SMALL, **changes}
    sessions = [*forum()["sessions"], DINNER]
    return await town.event(sessions=sessions, questions=QUESTIONS, **values)


async def register(town: Town, name="Kim Muster", group="wohnen", **more):
    answers = {"organisation": "Chor", "food": ["vegan"]}
    groups = {"groups": [group]} if group else {}
    return await town.register(await details("forum"), name, **{"groups": groups, "answers": answers, **more})


async def groups_of(row):
    return (await groups_held([row.id])).get(row.id, {})


async def again(row):
    found = await Registration.objects().where(Registration.id == row.id).output(load_json=True).first()
    assert found is not None
    return found


async def kinds():
    return [row["kind"] for row in await Message.select(Message.kind).order_by(Message.created_at)]


def errors(page):
    return re.findall(r'<li><a href="#([\w-]*)">([^<]*)</a></li>', page.text)


def checked(page):
    return set(re.findall(r'<input [^>]*name="([^"]*)" value="([^"]*)"[^>]* checked', page.text))


async def test_every_entry_has_its_own_way_to_change_it(town, visitor):
    await hold(town)
    own = town.link("own", await register(town))
    page = await visitor.get(own)
    ways = re.findall(rf'href="{own}/([^"]*)">Change<span class="kern-sr-only"> (.*?)</span></a>', page.text)
    assert ways == [
        ("attendance#seats", "Seats"),
        ("groups#signup-dinner", "Dinner"),
        ("groups#group-groups", "Working group"),
        ("answers#answers-organisation", "Which organisation do you come from?"),
        ("answers#answers-food", "What should we consider for your food?"),
        ("language", "Language of our messages"),
    ]
    for address, _ in ways:
        path, _, anchor = address.partition("#")
        form = await visitor.get(f"{own}/{path}")
        assert form.status_code == 200
        assert len(headings(form)) == 1
        assert not anchor or f'id="{anchor}"' in form.text


async def test_the_form_shows_what_one_has_and_what_is_free(town, visitor):
    await hold(town)
    await register(town, "Toni Muster", "bildung")
    own = town.link("own", await register(town))
    page = await visitor.get(f"{own}/groups")
    assert checked(page) == {("group.groups", "wohnen")}
    assert "Housing You have a seat Education Waitlist" in words(page)


async def test_every_round_has_one_field_for_a_second_wish(town, visitor):
    rounds = [
        {**forum()["sessions"][0], "key": key, "starts_at": f"{DAY}T{start}:00", "ends_at": f"{DAY}T{end}:00"}
        for key, start, end in (("one", "16:30", "17:00"), ("two", "17:00", "17:30"))
    ]
    groups = [
        {**{name: group[name] for name in ("key", "capacity", "title")}, "sessions": ["one", "two"]}
        for group in SMALL
    ]
    await town.event(sessions=rounds, groups=groups, registration={"confirm_email": False})
    own = town.link("own", await town.register(await details("forum"), groups={"one": ["wohnen"]}))
    page = await visitor.get(f"{own}/groups")
    assert re.findall(r'<select [^>]*name="([^"]*)"', page.text) == ["group2.one", "group2.two"]


async def test_another_group_is_theirs_at_once_and_the_page_says_so(town, visitor):
    await hold(town)
    row = await register(town)
    await town.deliver()
    own = town.link("own", row)
    answer = await visitor.send_form(
        f"{own}/groups", {"group.groups": "bildung", "group2.groups": "wohnen", "signup.dinner": "yes"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{own}?saved=groups")
    assert await groups_of(row) == {"groups": "bildung", "dinner": "dinner"}
    page = await visitor.get(answer.headers["location"])
    assert "We have saved your choice." in words(page)
    assert 'role="status"' in page.text
    assert "Dinner You have a seat" in words(page)
    assert "We have saved" not in words(await visitor.get(own))
    assert await kinds() == ["confirmed", "registration_changed"]


async def test_a_group_is_given_back(town, visitor):
    await hold(town)
    row = await register(town)
    own = town.link("own", row)
    assert (await visitor.send_form(f"{own}/groups", {"group.groups": "none"})).status_code == 303
    assert await groups_of(row) == {}
    page = await visitor.get(own)
    assert "Working group Without a group" in words(page)
    assert checked(await visitor.get(f"{own}/groups")) == {("group.groups", "none")}


async def test_a_full_group_is_told_at_its_field_and_nothing_is_lost(town, visitor):
    await hold(town)
    await register(town, "Toni Muster", "bildung")
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.send_form(f"{own}/groups", {"group.groups": "bildung", "signup.dinner": "yes"})
    assert page.status_code == 422
    assert errors(page) == [
        ("group-groups", "No seat is free in what you chose. You keep the group that you have")
    ]
    assert page.text.count('id="group-groups-error"') == 1
    assert checked(page) == {("group.groups", "bildung"), ("signup.dinner", "yes")}
    assert await groups_of(row) == {"groups": "wohnen"}
    assert await kinds() == ["confirmed", "confirmed"]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, ["group-groups"]),
        ({"group.groups": "chor"}, ["group-groups"]),
        ({"group.groups": "wohnen", "group2.groups": "chor"}, ["group2-groups"]),
    ],
)
async def test_what_cannot_be_chosen_is_named(town, visitor, fields, found):
    await hold(town)
    own = town.link("own", await register(town))
    page = await visitor.send_form(f"{own}/groups", fields)
    assert (page.status_code, [field for field, _ in errors(page)]) == (422, found)


async def test_a_locked_group_is_shown_without_a_way_to_leave_it(town, visitor):
    await hold(town)
    row = await register(town)
    await locking.lock(row.id, "groups", await town.organiser(), row.registered_at)
    own = town.link("own", row)
    page = await visitor.get(f"{own}/groups")
    assert "We have set this for you." in words(page)
    assert 'name="group.groups"' not in page.text
    answer = await visitor.send_form(f"{own}/groups", {"group.groups": "bildung", "signup.dinner": "yes"})
    assert answer.status_code == 303
    assert await groups_of(row) == {"groups": "wohnen", "dinner": "dinner"}


async def test_a_form_that_was_open_while_somebody_else_changed_it_asks_again(town, visitor):
    await hold(town)
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.get(f"{own}/groups")
    await Registration.update({Registration.wishes: {"groups": ["wohnen", "bildung"]}}).where(
        Registration.id == row.id
    )
    answer = await visitor.send_on(page, f"{own}/groups", {"group.groups": "bildung"})
    assert answer.status_code == 422
    assert "changed in the meantime" in answer.text
    assert await groups_of(row) == {"groups": "wohnen"}
    answer = await visitor.send_on(answer, f"{own}/groups", {"group.groups": "bildung"})
    assert answer.status_code == 303
    assert await groups_of(row) == {"groups": "bildung"}


async def test_three_wishes_are_shown_and_kept(town, visitor):
    third = {"key": "arbeit", "session": "groups", "title": {"de": "Arbeit", "en": "Work"}}
    await hold(town, groups=[*SMALL, third])
    row = await register(town, groups={"groups": ["wohnen", "bildung", "arbeit"]})
    own = town.link("own", row)
    page = await visitor.get(f"{own}/groups")
    chosen = re.findall(r'<option value="(\w+)"[^>]* selected>', page.text)
    assert chosen == ["bildung", "arbeit"]
    fields = {"group.groups": "wohnen", "group2.groups": "arbeit", "group3.groups": "bildung"}
    assert (await visitor.send_on(page, f"{own}/groups", fields)).status_code == 303
    assert (await again(row)).wishes["groups"] == ["wohnen", "arbeit", "bildung"]


async def test_attendance_and_seats_are_changed_where_there_is_room(town, visitor):
    await hold(town, **HYBRID)
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.get(f"{own}/attendance")
    assert checked(page) == {("attendance", "in_person")}
    assert "On site as now Online 1 free" in words(page)
    answer = await visitor.send_form(f"{own}/attendance", {"attendance": "online", "seats": "1"})
    assert answer.headers["location"] == f"{own}?saved=attendance"
    page = await visitor.get(answer.headers["location"])
    assert "We have saved how you take part." in words(page)
    assert "Taking part Online" in words(page)
    assert (await again(row)).sequence == 1


async def test_a_full_attendance_is_told_and_the_seat_is_kept(town, visitor):
    await hold(town, **HYBRID)
    await register(town, "Toni Muster", None, attendance="online")
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.send_form(f"{own}/attendance", {"attendance": "online", "seats": "1"})
    assert page.status_code == 422
    assert [field for field, _ in errors(page)] == ["attendance"]
    assert "You keep what you have" in page.text
    assert checked(page) == {("attendance", "online")}
    assert (await again(row)).attendance == "in_person"


@pytest.mark.parametrize(
    ("seats", "said"),
    [
        ("3", "So many seats are not free"),
        ("2", "has no room for so many"),
        ("7", "Choose one to six seats"),
    ],
)
async def test_seats_that_are_not_there_are_refused(town, visitor, seats, said):
    await hold(town, registration={"confirm_email": False, "capacity": 2})
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.send_form(f"{own}/attendance", {"seats": seats})
    assert page.status_code == 422
    [(field, text)] = errors(page)
    assert field == "seats"
    assert said in text
    assert (await again(row)).seats == 1


async def test_answers_are_shown_filled_in_and_required_ones_stay_required(town, visitor):
    await hold(town)
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.get(f"{own}/answers")
    assert 'value="Chor"' in page.text
    assert checked(page) == {("answers.food.vegan", "yes")}
    assert "consents." not in page.text
    fields = {"answers.organisation": " ", "answers.food.halal": "yes"}
    page = await visitor.send_form(f"{own}/answers", fields)
    assert (page.status_code, [field for field, _ in errors(page)]) == (422, ["answers-organisation"])
    assert checked(page) == {("answers.food.halal", "yes")}
    answer = await visitor.send_form(f"{own}/answers", {"answers.organisation": "Verein"})
    assert answer.headers["location"] == f"{own}?saved=answers"
    kept = await again(row)
    assert (kept.answers, kept.special_answers) == ({"organisation": "Verein"}, {})
    assert "Verein" in (await visitor.get(own)).text
    assert await kinds() == ["confirmed"]


async def test_the_language_is_chosen_from_the_list(town, visitor):
    await hold(town)
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.send_form(f"{own}/language", {"language": "xx"})
    assert (page.status_code, [field for field, _ in errors(page)]) == (422, ["language"])
    answer = await visitor.send_form(f"{own}/language", {"language": "en"})
    assert answer.headers["location"] == f"{own}?saved=language"
    assert (await again(row)).language == "en"
    assert "From now on we write to you in this language." in words(
        await visitor.get(answer.headers["location"])
    )


async def test_who_waits_sees_the_position_and_leaves_by_one_click(town, visitor):
    await hold(town, registration={"confirm_email": False, "capacity": 1})
    await register(town, "Toni Muster")
    row = await register(town)
    other = await register(town, "Alex Muster")
    own = town.link("own", row)
    page = await visitor.get(own)
    assert "Your position: 1." in words(page)
    assert f'action="{own}/cancel"' in page.text
    assert f'href="{own}/cancel"' not in page.text
    assert (await visitor.send_on(page, f"{own}/cancel")).status_code == 303
    assert (await again(row)).status == "cancelled"
    assert "Your position: 1." in words(await visitor.get(town.link("own", other)))


async def test_who_waits_chooses_what_counts_later(town, visitor):
    await hold(town, registration={"confirm_email": False, "capacity": 1})
    await register(town, "Toni Muster")
    row = await register(town)
    own = town.link("own", row)
    assert "Your choice counts when you move up." in words(await visitor.get(f"{own}/groups"))
    assert (await visitor.send_form(f"{own}/groups", {"group.groups": "bildung"})).status_code == 303
    assert (await again(row)).wishes["groups"] == ["bildung"]


async def test_the_page_of_who_has_cancelled_leads_to_a_new_registration_while_that_is_open(town, visitor):
    await hold(town)
    row = await register(town)
    own = town.link("own", row)
    assert (await visitor.send_form(f"{own}/cancel")).status_code == 303
    page = await visitor.get(own)
    assert "Your registration is cancelled" in words(page)
    assert 'href="/events/forum/register"' in page.text
    assert f"{own}/groups" not in page.text
    for thing in ("groups", "attendance", "answers", "language"):
        answer = await visitor.get(f"{own}/{thing}")
        assert answer.status_code == 409
        assert "Your registration can no longer be changed" in words(answer)
    await Event.update({Event.in_person_limit: 1, Event.capacity: 1, Event.waitlist: False}, force=True)
    await register(town, "Toni Muster")
    page = await visitor.get(own)
    assert 'href="/events/forum/register"' not in page.text
    assert "You cannot register here at the moment." in words(page)


async def test_once_the_event_has_begun_only_answers_and_language_are_changed(town, visitor):
    event = await hold(town)
    row = await register(town)
    own = town.link("own", row)
    await Event.update({Event.starts_at: row.registered_at}).where(Event.id == event.id)
    page = await visitor.get(own)
    assert f"{own}/groups" not in page.text
    assert f"{own}/attendance" not in page.text
    assert f"{own}/answers" in page.text
    for thing, code in (("groups", 409), ("attendance", 409), ("answers", 200), ("language", 200)):
        assert (await visitor.get(f"{own}/{thing}")).status_code == code


async def test_where_nothing_is_asked_or_chosen_there_is_no_page_for_it(town, visitor):
    await town.event(registration={"confirm_email": False}, groups=[], sessions=[])
    row = await town.register(await details("forum"))
    own = town.link("own", row)
    assert (await visitor.get(own)).status_code == 200
    for thing in ("groups", "answers"):
        assert (await visitor.get(f"{own}/{thing}")).status_code == 404


async def test_a_language_in_the_address_stays_there_after_a_change(town):
    await hold(town)
    own = town.link("own", await register(town))
    visitor: Visitor = await town.visitor()
    answer = await visitor.send_form(f"/de{own}/language", {"language": "en"})
    assert answer.headers["location"] == f"/de{own}?saved=language"
