"""An event moved by hand over the API and in a shell: who may, what follows, and what is refused."""

import asyncio
import json
from datetime import timedelta

import pytest

from events.actions import join
from events.queries import event_named
from events.tables import Activity, Event, Organiser
from hybrid.tables import ModeSwitch
from notifications.tables import Message, MessageStatus
from tests.forum import forum
from tests.shell import command

MODE = "/api/v1/events/forum/mode"
SERVERS = {"jitsi_urls": ["https://meet.example.org"]}
OPEN = {"confirm_email": False, "capacity": 5, "digital_capacity": 9, "hybrid_capacity": 2}


async def office(town, scope="write", name="office", role="organiser", **changes):
    """Another system of an organiser, of an installation with a meeting server."""
    organiser = await town.organiser(name, role)
    system = await town.system(organiser, scope)
    visitor = await town.visitor(**{**SERVERS, **changes})
    visitor.headers["Authorization"] = system.headers["Authorization"]
    return visitor


async def full_house(town, by=None):
    event = await town.event(by, registration=OPEN)
    for name in ("Anna Muster", "Bela Muster", "Cem Muster"):
        await town.register(event, name)
    await Message.update({Message.status: MessageStatus.SENT}, force=True)
    return event


async def told():
    return await Message.count().where(Message.kind == "event_changed")


async def test_a_put_moves_the_event_and_answers_like_get(town):
    api = await office(town, role="admin")
    await full_house(town)
    answer = await api.put(MODE, json={"mode": "digital", "reason": " The hall is flooded. "})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["mode"], body["base_mode"], body["locked"], body["reason"]) == (
        "digital",
        "in_person",
        True,
        "The hall is flooded.",
    )
    [entry] = body["switches"]
    assert (entry["from"], entry["to"], entry["by"], entry["via"]) == (
        "in_person",
        "digital",
        "Office",
        "hand",
    )
    assert (entry["locked"], body["adjustments"]) == (True, [])
    assert (await api.get(MODE)).json() == body
    assert await told() == 3
    assert (await api.get("/api/v1/events/forum")).json()["mode"] == "digital"
    assert await Activity.exists().where(Activity.what == "mode_set")


async def test_the_present_mode_without_a_lock_lifts_the_lock_and_tells_nobody(town):
    api = await office(town, role="admin")
    await full_house(town)
    await api.put(MODE, json={"mode": "digital", "reason": "Flood"})
    body = (await api.put(MODE, json={"mode": "digital", "reason": "Dry again", "lock": False})).json()
    assert (body["mode"], body["locked"], len(body["switches"])) == ("digital", False, 1)
    [entry] = body["adjustments"]
    assert entry.pop("at") > body["since"]
    assert entry == {
        "mode": "digital",
        "what": "unlocked",
        "by": "Office",
        "via": "hand",
        "reason": "Dry again",
        "locked": False,
        "evidence": None,
    }
    assert await told() == 3


async def test_hybrid_takes_the_seats_of_the_hall_that_are_named(town):
    api = await office(town, role="admin")
    await full_house(town)
    await api.put(MODE, json={"mode": "hybrid", "reason": "Distance", "hybrid_capacity": 1})
    event = await event_named("forum")
    assert (event.mode, event.in_person_taken, event.online_taken) == ("hybrid", 1, 2)
    await api.put(MODE, json={"mode": "hybrid", "reason": "A bigger hall", "hybrid_capacity": None})
    event = await event_named("forum")
    assert (event.in_person_taken, event.online_taken, event.hybrid_capacity) == (3, 0, None)
    body = (await api.put(MODE, json={"mode": "hybrid", "reason": "Stay so"})).json()
    assert [(entry["from"], entry["to"]) for entry in body["switches"]] == [("in_person", "hybrid")]
    assert [(entry["what"], entry["reason"]) for entry in body["adjustments"]] == [
        ("locked", "Stay so"),
        ("seats", "A bigger hall"),
    ]


async def test_seats_that_cannot_take_effect_are_refused(town):
    api = await office(town, role="admin")
    await town.event(mode="hybrid", registration=OPEN)
    for seats in (1, None):
        answer = await api.put(MODE, json={"mode": "hybrid", "reason": "Distance", "hybrid_capacity": seats})
        problem = answer.json()
        assert (answer.status_code, problem["type"].rpartition("/")[2]) == (422, "invalid")
        assert [error["field"] for error in problem["errors"]] == ["hybrid_capacity"]
        assert problem["detail"] == "hybrid_capacity: the event is hybrid by itself, its capacity counts."
    event = await event_named("forum")
    assert (event.hybrid_capacity, event.mode_locked, await ModeSwitch.count()) == (2, False, 0)
    answer = await api.put(MODE, json={"mode": "hybrid", "reason": "Stay so"})
    assert (answer.status_code, answer.json()["locked"]) == (200, True)


async def test_seats_may_be_named_before_they_count(town):
    api = await office(town, role="admin")
    await full_house(town)
    answer = await api.put(MODE, json={"mode": "digital", "reason": "Flood", "hybrid_capacity": 1})
    assert answer.status_code == 200
    assert (await event_named("forum")).hybrid_capacity == 1


@pytest.mark.parametrize("lock", [True, False])
async def test_the_present_mode_is_refused_too_where_nothing_is_to_be_decided(town, lock):
    api = await office(town, role="admin")
    event = await full_house(town)
    body = {"mode": "in_person", "reason": "Stay so", "lock": lock, "hybrid_capacity": 1}
    await Event.raw(
        "UPDATE event SET starts_at = starts_at - {}::interval, ends_at = ends_at - {}::interval,"
        " closes_at = closes_at - {}::interval",
        *[timedelta(days=31)] * 3,
    )
    answer = await api.put(MODE, json=body)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "mode-refused")
    assert answer.json()["detail"] == "The event is over."
    await Event.update({Event.status: "cancelled"}).where(Event.id == event.id)
    answer = await api.put(MODE, json=body)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "event-cancelled")
    event = await event_named("forum")
    assert (event.mode_locked, event.hybrid_capacity, await ModeSwitch.count()) == (False, 2, 0)
    assert not await Activity.exists().where(Activity.what == "mode_set")


async def test_a_lock_is_lifted_without_a_meeting_server_too(town):
    api = await office(town, role="admin")
    await full_house(town)
    await api.put(MODE, json={"mode": "digital", "reason": "Flood"})
    later = await town.visitor(jitsi_urls=[])
    later.headers["Authorization"] = api.headers["Authorization"]
    answer = await later.put(MODE, json={"mode": "digital", "reason": "Dry again", "lock": False})
    assert (answer.status_code, answer.json()["locked"]) == (200, False)


@pytest.mark.parametrize("to", ["in_person", "hybrid"])
async def test_an_event_that_is_digital_by_itself_needs_a_venue_to_take_place_in_a_hall(town, to):
    api = await office(town, role="admin")
    nowhere = {"venue": None, "venues": None, "sessions": None, "groups": None}
    await town.event(mode="digital", registration=OPEN, **nowhere)
    answer = await api.put(MODE, json={"mode": to, "reason": "At last"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "mode-refused")
    assert answer.json()["detail"] == "The event is digital by itself and has no venue."
    assert ((await event_named("forum")).mode, await ModeSwitch.count()) == ("digital", 0)
    venue = {"name": "Stadthalle"}
    await api.patch("/api/v1/events/forum", json={"venue": venue})
    assert (await api.put(MODE, json={"mode": to, "reason": "At last"})).json()["mode"] == to


async def test_helpers_see_no_address_of_an_organiser(town):
    api = await office(town, role="admin")
    event = await full_house(town)
    await Organiser.update({Organiser.name: ""}, force=True)
    await api.put(MODE, json={"mode": "digital", "reason": "Flood"})
    helper = await town.organiser("helper", "helper")
    await join(helper, event)
    seen = (await (await town.system(helper, "read")).get(MODE)).json()
    assert [entry["by"] for entry in seen["switches"]] == ["organiser"]
    seen = (await api.get(MODE)).json()
    assert [entry["by"] for entry in seen["switches"]] == ["office@example.org"]
    page = await (await town.signed_in(helper)).get("/organise/events/forum/mode")
    assert "office@example.org" not in page.text


async def test_where_it_cannot_be_done_the_reason_is_said_and_nothing_happens(town):
    api = await office(town, role="admin", jitsi_urls=[])
    await full_house(town)
    answer = await api.put(MODE, json={"mode": "digital", "reason": "Flood"})
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition("/")[2]) == (409, "mode-refused")
    assert "No meeting server is set" in problem["detail"]
    event = await event_named("forum")
    assert (event.mode, event.mode_locked, await ModeSwitch.count()) == ("in_person", False, 0)
    await api.post("/api/v1/events/forum/cancellation", json={})
    answer = await api.put(MODE, json={"mode": "hybrid", "reason": "Flood"})
    assert answer.json()["type"].rpartition("/")[2] == "event-cancelled"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "online", "reason": "Flood"}, "mode"),
        ({"mode": "digital"}, "reason"),
        ({"mode": "digital", "reason": " "}, "reason"),
        ({"mode": "digital", "reason": "a" * 2001}, "reason"),
        ({"mode": "digital", "reason": "a\x00b"}, "reason"),
        ({"mode": "digital", "reason": "Flood", "lock": "no"}, "lock"),
        ({"mode": "hybrid", "reason": "Flood", "hybrid_capacity": -1}, "hybrid_capacity"),
        ({"mode": "hybrid", "reason": "Flood", "seats": 3}, "seats"),
    ],
)
async def test_bad_input_is_refused_by_field(town, body, field):
    api = await office(town, role="admin")
    await town.event()
    answer = await api.put(MODE, json=body)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await ModeSwitch.count() == 0


async def test_a_reason_of_2000_characters_is_taken(town):
    api = await office(town, role="admin")
    await town.event()
    answer = await api.put(MODE, json={"mode": "digital", "reason": "a" * 2000})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [("organiser", "write", 403), ("helper", "write", 403), ("admin", "read", 403), ("admin", "write", 200)],
)
async def test_only_who_manages_the_event_may(town, role, scope, status):
    api = await office(town, scope, role=role)
    await town.event()
    answer = await api.put(MODE, json={"mode": "digital", "reason": "Flood"})
    assert answer.status_code == status
    assert (await (await town.visitor()).put(MODE, json={})).status_code == 401


async def test_two_hands_at_once_are_one_after_the_other(town):
    api = await office(town, role="admin")
    await full_house(town)
    answers = await asyncio.gather(
        *(api.put(MODE, json={"mode": "digital", "reason": reason}) for reason in ("one", "other"))
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await told() == 3
    moves = await ModeSwitch.select(ModeSwitch.from_mode, ModeSwitch.to_mode).order_by(ModeSwitch.id)
    assert [tuple(move.values()) for move in moves] == [("in_person", "digital"), ("digital", "digital")]


async def test_the_api_describes_it(visitor):
    paths = (await visitor.get("/api/v1/openapi.json")).json()["paths"]
    described = paths["/api/v1/events/{slug}/mode"]["put"]
    assert "until it is lifted: by `lock: false`" in described["description"]


# In a shell


async def shell(environment, *words, **settings):
    changed = {f"DIALOGRAUM_{name}": value for name, value in settings.items()}
    return await command("mode", "set", *words, environment=environment | changed)


URLS = {"JITSI_URLS": "https://meet.example.org"}


async def test_a_command_moves_the_event(town, environment):
    await full_house(town)
    words = ("forum", "hybrid", "--reason", "Distance", "--hybrid-capacity", "1", "--json")
    answer = await shell(environment, *words, **URLS)
    assert (answer.code, answer.err) == (0, "")
    body = json.loads(answer.out)
    assert (body["mode"], body["locked"], body["reason"]) == ("hybrid", True, "Distance")
    answer = await shell(environment, "forum", "hybrid", "--reason", "Free again", "--no-lock")
    assert answer.out.splitlines()[0] == "mode: hybrid (base in_person)"
    assert "lock lifted (hybrid) by command line, Free again" in answer.out
    assert "in_person -> hybrid by command line, Distance" in answer.out
    body = json.loads((await command("mode", "show", "forum", "--json", environment=environment)).out)
    assert [(entry["by"], entry["via"]) for entry in body["switches"] + body["adjustments"]] == [
        ("command line", "command line"),
        ("command line", "command line"),
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("forum", "digital", "--reason", "Flood"), 1, "No meeting server is set (JITSI_URLS)"),
        (("nowhere", "digital", "--reason", "Flood"), 1, "There is no such event"),
        (("forum", "online", "--reason", "Flood"), 2, "online"),
        (("forum", "digital"), 2, "--reason"),
        (("forum", "digital", "--reason", " "), 2, "must be text"),
    ],
)
async def test_a_command_that_cannot_be_done_says_why_in_one_line(town, environment, words, code, said):
    await town.event(groups=forum().get("groups"))
    answer = await shell(environment, *words)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert code == 2 or len(answer.err.splitlines()) == 1
    assert await ModeSwitch.count() == 0
