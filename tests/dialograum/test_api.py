"""The JSON API as INTERFACE promises it: shapes, status codes, problem types, cursors, versions."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dialograum.event_file import from_document, merge_patch
from events.queries import details
from notifications.tables import Message
from registration import actions
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.forum import forum
from tests.visitor import Visitor

URL = "/api/v1/events"
FORUM = f"{URL}/forum"
EVENT = {
    "slug",
    "title",
    "summary",
    "description_html",
    "language",
    "kind",
    "status",
    "timezone",
    "starts_at",
    "ends_at",
}
EVENT |= {"mode", "version", "registration", "venues", "sessions", "groups", "questions", "contact", "links"}
REGISTRATION = {"id", "name", "email", "status", "attendance", "seats", "language", "groups", "wishes"}
REGISTRATION |= {"registered_at", "answers", "consents"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and problem type of a refusal, which is a problem document throughout."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body.keys() == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == answer.status_code
    return body["status"], body["type"].rpartition("/")[2]


def fields(answer: httpx.Response) -> set[str]:
    return {error["field"] for error in answer.json()["errors"]}


@pytest.fixture
async def system(town: Town) -> Visitor:
    """Another system, with a token of the organiser of every event it creates."""
    return await town.system(await town.organiser())


async def kinds(event_slug: str = "forum") -> list[str]:
    """The kinds of the mails about an event, as they were written."""
    event = await details(event_slug)
    rows = await Message.select(Message.kind).where(Message.event_id == event.id).order_by(Message.created_at)
    return [row["kind"] for row in rows]


# Reading events


async def test_an_event_has_the_promised_shape(town, visitor):
    await town.event(
        contact={"role": {"de": "Büro"}, "email": "buero@example.org"},
        registration={"digital_capacity": 300, "opens_at": "2026-01-01T09:00:00"},
    )
    answer = await visitor.get(FORUM, headers={"Accept-Language": "de"})
    event = answer.json()
    assert set(event) == EVENT
    assert event["title"] == "Gemeinsam leben: Forum"
    assert event["language"] == "de"
    assert "<strong>alles</strong>" in event["description_html"]
    starts = datetime.fromisoformat(event["starts_at"])
    assert starts.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
    assert starts.hour == 16
    assert event["registration"] == {
        "state": "open",
        "opens_at": "2026-01-01T09:00:00+01:00",
        "closes_at": event["registration"]["closes_at"],
        "capacity": 10,
        "digital_capacity": 300,
        "seats_left": {"in_person": 10, "online": 0},
        "waitlisted": 0,
    }
    assert event["groups"][0]["sessions"] == ["groups"]
    assert event["groups"][0]["capacity"] == event["groups"][0]["seats_left"] == 2
    assert event["venues"][0]["name"] == "Stadthalle"
    assert event["contact"]["role"] == "Büro"
    page = f"{town.settings.base_url}/events/forum"
    assert event["links"] == {"page": page, "register": f"{page}/register", "ics": f"{page}/calendar.ics"}
    assert answer.headers["etag"] == f'"{event["version"]}"'


async def test_texts_come_in_the_language_asked_for_else_in_the_event_s_own(town, visitor):
    await town.event()
    for headers, query, title in (
        ({"Accept-Language": "en"}, "", "Living together: forum"),
        ({"Accept-Language": "tr"}, "", "Gemeinsam leben: Forum"),
        ({"Accept-Language": "de"}, "?lang=en", "Living together: forum"),
    ):
        assert (await visitor.get(FORUM + query, headers=headers)).json()["title"] == title
    english = (await visitor.get(FORUM + "?lang=en")).json()
    assert english["summary"] == "Wir reden miteinander."


async def test_seats_and_state_are_those_of_this_moment(town, visitor):
    event = await town.event(registration={"capacity": 1})
    await town.register(event)
    await town.register(event, "Ben Muster")
    registration = (await visitor.get(FORUM)).json()["registration"]
    assert registration["state"] == "full"
    assert registration["seats_left"]["in_person"] == 0
    assert registration["waitlisted"] == 1


@pytest.mark.parametrize(
    ("terms", "state"),
    [
        ({"opens_at": "2099-01-01T00:00:00", "closes_at": None}, "upcoming"),
        ({"closes_at": "2026-01-01T00:00:00"}, "closed"),
        ({"capacity": None}, "open"),
        ({"capacity": 0}, "full"),
    ],
)
async def test_states(town, visitor, terms, state):
    times = {"starts_at": "2099-06-01T16:00:00", "ends_at": "2099-06-01T19:00:00"}
    await town.event(**times, registration=terms)
    found = (await visitor.get(FORUM)).json()["registration"]
    assert found["state"] == state
    if terms.get("capacity", 0) is None:
        assert found["seats_left"]["in_person"] is None


async def test_events_are_found_by_day_mode_and_words(town, visitor):
    first = date(2031, 5, 1)
    for number in range(4):
        day = first + timedelta(days=number)
        await town.event(
            slug=f"day-{number}",
            starts_at=f"{day}T16:00:00",
            ends_at=f"{day}T19:00:00",
            mode="hybrid" if number % 2 else "in_person",
            title={"de": f"Tag {number}", "en": None},
            summary={"de": "100 % Wir_reden"} if number == 3 else None,
        )
    for query, found in (
        ("", [0, 1, 2, 3]),
        ("from=2031-05-02&to=2031-05-03", [1, 2]),
        ("from=2031-05-02T14:00:00Z", [1, 2, 3]),
        ("from=2031-05-02T16:00:01%2B02:00", [2, 3]),
        ("mode=hybrid", [1, 3]),
        ("mode=digital", []),
        ("q=tag", [0, 1, 2, 3]),
        ("q=TAG+2", [2]),
        ("q=100+%25", [3]),
        ("q=r_r", [3]),
        ("q=%25", [3]),
        ("q=Wirxreden", []),
        ("q=+", [0, 1, 2, 3]),
    ):
        items = (await visitor.get(f"{URL}?{query}")).json()["items"]
        assert [item["slug"] for item in items] == [f"day-{number}" for number in found], query


async def test_cursors_lead_through_events_that_begin_at_the_same_time(town, visitor):
    for number in range(5):
        await town.event(slug=f"event-{number}")
    seen: list[str] = []
    cursor, pages = "", 0
    while cursor is not None:
        page = (await visitor.get(f"{URL}?limit=2&cursor={cursor}")).json()
        seen += [item["slug"] for item in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert seen == [f"event-{number}" for number in range(5)]
    assert pages == 3
    whole = (await visitor.get(f"{URL}?limit=5")).json()
    assert whole["next"] is None


async def test_cancelled_events_stay_visible(town, visitor, system):
    await system.post(URL, json=forum())
    await system.post(f"{FORUM}/cancellation", json={"reason": "Sturm"})
    assert (await visitor.get(FORUM)).json()["status"] == "cancelled"
    assert len((await visitor.get(URL)).json()["items"]) == 1


# Writing events


async def test_an_event_file_as_json_creates_an_event(system):
    created = await system.post(URL, json=forum())
    assert created.status_code == 201
    assert created.json()["version"] == 1
    assert created.headers["etag"] == '"1"'
    assert refusal(await system.post(URL, json=forum())) == (409, "conflict")


UNUSABLE_FILES: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour"),
    ({"starts_at": None}, "starts_at"),
    ({"starts_at": 5}, "starts_at"),
    ({"timezone": "Berlin"}, "timezone"),
    ({"ends_at": "2020-01-01T00:00:00"}, "ends_at"),
    ({"registration": {"closes_at": "2199-01-01T00:00:00"}}, "registration.closes_at"),
    ({"registration": {"capacity": -1}}, "registration.capacity"),
    ({"sessions": []}, "groups[0].session"),
    ({"title": {"de": "a\0b"}}, "title.de"),
    ({"title": {"de": None}}, "title.de"),
    ({"short": "organise"}, "short"),
    ({"short": "de"}, "short"),
    ({"slug": "../x"}, "slug"),
    ({"slug": 'a"\r\nX: y'}, "slug"),
]


async def test_a_file_that_cannot_be_used_is_refused_by_field(system):
    for changes, field in UNUSABLE_FILES:
        answer = await system.post(URL, json=merge_patch(forum(), changes))
        assert refusal(answer) == (422, "invalid"), changes
        assert field in fields(answer), changes


async def test_a_short_address_belongs_to_one_event(system):
    await system.post(URL, json=forum(short="kurz"))
    answer = await system.post(URL, json=forum(slug="other", short="kurz"))
    assert refusal(answer) == (422, "invalid")
    assert fields(answer) == {"short"}


async def test_a_patch_changes_what_it_names_and_replaces_lists_whole(system):
    await system.post(URL, json=forum())
    headers = {"Content-Type": "application/merge-patch+json"}
    patch = '{"title": {"en": null, "de": "Neu"}, "registration": {"capacity": 12}, "groups": []}'
    event = (await system.patch(FORUM, content=patch, headers=headers)).json()
    assert event["title"] == "Neu"
    assert event["registration"]["capacity"] == 12
    assert event["groups"] == []
    assert event["version"] == 2
    assert event["sessions"]
    assert event["summary"] == "Wir reden miteinander."


async def test_a_patch_that_leaves_no_event_changes_nothing(system):
    await system.post(URL, json=forum())
    before = (await system.get(FORUM)).json()
    for patch in (
        {"slug": "other"},
        {"starts_at": None},
        {"x": 1},
        {"groups": {"key": "x"}},
        {"title": None},
    ):
        assert refusal(await system.patch(FORUM, json=patch)) == (422, "invalid"), patch
    assert (await system.get(FORUM)).json() == before


async def test_a_patch_holds_for_the_version_it_names(system):
    await system.post(URL, json=forum())
    for if_match, status in (
        ('"1"', 200),
        ('"1"', 409),
        ('W/"2"', 200),
        ("*", 200),
        ('"1", "4"', 200),
        ("x", 409),
    ):
        answer = await system.patch(FORUM, json={"kind": "workshop"}, headers={"If-Match": if_match})
        assert answer.status_code == status, if_match
        assert status == 200 or refusal(answer) == (409, "conflict")


async def test_of_patches_at_once_none_is_lost(system):
    await system.post(URL, json=forum())
    patches = [{"registration": {"capacity": 20 + n}} if n % 2 else {"kind": f"kind-{n}"} for n in range(8)]
    answers = await asyncio.gather(*(system.patch(FORUM, json=patch) for patch in patches))
    assert {answer.status_code for answer in answers} <= {200, 409}
    done = [patch for patch, answer in zip(patches, answers, strict=True) if answer.status_code == 200]
    assert done
    event = (await system.get(FORUM)).json()
    assert event["version"] == 1 + len(done)
    kinds_set = [patch["kind"] for patch in done if "kind" in patch]
    assert event["kind"] in (kinds_set or ["dialogue"])
    capacities = [patch["registration"]["capacity"] for patch in done if "registration" in patch]  # type: ignore[index]
    assert event["registration"]["capacity"] in (capacities or [10])


async def test_a_capacity_below_what_is_held_is_a_conflict_that_says_how_many(town, system):
    await system.post(URL, json=forum())
    event = await details("forum")
    for name in ("Anna Muster", "Ben Muster", "Cem Muster"):
        await town.register(event, name, groups={"groups": ["wohnen"]})
    answer = await system.patch(FORUM, json={"registration": {"capacity": 2}})
    assert refusal(answer) == (409, "conflict")
    assert "3" in answer.json()["detail"]
    assert (await system.patch(FORUM, json={"registration": {"capacity": 3}})).status_code == 200
    answer = await system.patch(FORUM, json={"groups": [forum()["groups"][0] | {"capacity": 1}]})
    assert refusal(answer) == (409, "conflict")


async def test_a_mode_that_people_would_not_survive_is_refused(town, system):
    await system.post(URL, json=forum())
    await town.register(await details("forum"))
    assert refusal(await system.patch(FORUM, json={"mode": "digital"})) == (409, "mode-refused")


async def test_who_is_registered_is_told_of_a_new_time_and_of_the_cancellation(town, system):
    await system.post(URL, json=forum(registration={"confirm_email": False}))
    await town.register(await details("forum"))
    await town.deliver()
    later = forum()["ends_at"].replace("T19", "T20")
    await system.patch(FORUM, json={"ends_at": later})
    await town.deliver()
    await system.patch(FORUM, json={"kind": "workshop"})
    answer = await system.post(f"{FORUM}/cancellation", json={"reason": "Sturm"})
    assert answer.json()["status"] == "cancelled"
    assert (await system.post(f"{FORUM}/cancellation")).status_code == 200
    assert await kinds() == ["confirmed", "event_changed", "event_cancelled"]
    assert refusal(await system.patch(FORUM, json={"status": "published"})) == (409, "conflict")


async def test_a_cancellation_that_cannot_be_read_cancels_nothing(system):
    await system.post(URL, json=forum())
    bodies: list[Any] = [{"reason": "x" * 2001}, {"reason": 5}, {"why": "x"}, []]
    for body in bodies:
        assert refusal(await system.post(f"{FORUM}/cancellation", json=body)) == (422, "invalid"), body
    assert (await system.get(FORUM)).json()["status"] == "published"


# Registering


ANNA = {"name": "Anna Muster", "email": "anna@example.org"}


async def test_registering_holds_a_seat_until_the_address_is_confirmed(town, visitor):
    await town.event()
    answer = await visitor.post(f"{FORUM}/registrations", json=ANNA | {"groups": {"groups": ["wohnen"]}})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"status", "groups", "held_until"}
    assert body["status"] == "pending"
    assert body["groups"] == {"groups": "wohnen"}
    held = datetime.fromisoformat(body["held_until"])
    assert timedelta(hours=23) < held - datetime.now(UTC) <= timedelta(hours=24)
    assert await kinds() == ["confirm"]


async def test_a_known_address_gets_the_same_answer_and_one_mail(town, visitor):
    await town.event()
    first = await visitor.post(f"{FORUM}/registrations", json=ANNA)
    second = await visitor.post(
        f"{FORUM}/registrations", json=ANNA | {"name": "Eve", "email": "ANNA@example.org"}
    )
    assert second.status_code == first.status_code == 201
    assert first.json().keys() == second.json().keys()
    assert await kinds() == ["confirm", "already_registered"]
    assert await Registration.count() == 1


async def test_an_idempotency_key_gets_its_first_answer_again(town, visitor):
    await town.event()
    url, headers = f"{FORUM}/registrations", {"Idempotency-Key": "k1"}
    first = await visitor.post(url, json=ANNA, headers=headers)
    assert (await visitor.post(url, json=ANNA, headers=headers)).json() == first.json()
    assert await kinds() == ["confirm"]
    other = await visitor.post(url, json=ANNA | {"seats": 2}, headers=headers)
    assert refusal(other) == (409, "conflict")
    ben = await visitor.post(url, json=ANNA | {"email": "ben@example.org"}, headers=headers)
    assert ben.status_code == 201
    assert refusal(await visitor.post(url, json=ANNA, headers={"Idempotency-Key": "k" * 129})) == (
        422,
        "invalid",
    )


UNUSABLE: list[tuple[dict[str, Any], str, str | None]] = [
    ({"email": None}, "invalid", "email"),
    ({"email": "anna"}, "invalid", "email"),
    ({"email": "anna@exämple..org"}, "invalid", "email"),
    ({"email": "a" * 250 + "@example.org"}, "invalid", "email"),
    ({"email": "anna@example.org\r\nBcc: x@example.org"}, "invalid", "email"),
    ({"name": ""}, "invalid", "name"),
    ({"name": "x" * 10_000}, "invalid", "name"),
    ({"name": "Anna\0"}, "invalid", "name"),
    ({"name": "Anna\u202e"}, "invalid", "name"),
    ({"name": 5}, "invalid", "name"),
    ({"language": "xx"}, "invalid", "language"),
    ({"seats": 0}, "invalid", "seats"),
    ({"seats": 7}, "invalid", "seats"),
    ({"seats": 10**30}, "invalid", "seats"),
    ({"seats": "two"}, "invalid", "seats"),
    ({"attendance": "online"}, "invalid", "attendance"),
    ({"attendance": "hall"}, "invalid", "attendance"),
    ({"answers": {"x": 1}}, "invalid", "answers.x"),
    ({"groups": {"groups": ["wohnen"] * 21}}, "invalid", "groups"),
    ({"groups": {"groups": ["none"]}}, "group-unknown", "groups.groups"),
    ({"groups": {"dinner": ["wohnen"]}}, "group-unknown", "groups.dinner"),
    ({"groups": {"\0": ["\0"]}}, "group-unknown", None),
    ({"status": "confirmed"}, "invalid", None),
]


async def test_a_registration_that_cannot_be_used(town, visitor):
    await town.event()
    for changes, code, field in UNUSABLE:
        answer = await visitor.post(f"{FORUM}/registrations", json=ANNA | changes)
        assert refusal(answer) == (422, code), changes
        assert field is None or field in fields(answer), changes
    assert not await Registration.exists()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"registration": {"opens_at": "2099-01-01T00:00:00", "closes_at": None}},
            (409, "registration-not-open"),
        ),
        ({"registration": {"closes_at": "2026-01-01T00:00:00"}}, (409, "registration-closed")),
        ({"registration": {"capacity": 0, "waitlist": False}}, (409, "event-full")),
        ({"status": "cancelled"}, (409, "event-cancelled")),
        ({"status": "draft"}, (404, "not-found")),
    ],
)
async def test_an_event_that_takes_nobody(town, visitor, event, expected):
    times = {"starts_at": "2099-06-01T16:00:00", "ends_at": "2099-06-01T19:00:00"}
    await town.event(**times, **event)
    assert refusal(await visitor.post(f"{FORUM}/registrations", json=ANNA)) == expected
    assert refusal(await visitor.post(f"{URL}/none/registrations", json=ANNA)) == (404, "not-found")


# By hand


async def test_by_hand_after_the_deadline_beyond_the_seats_and_without_an_address(town, system):
    terms = {"closes_at": "2026-01-01T00:00:00", "capacity": 0}
    await system.post(URL, json=forum(registration=terms))
    answer = await system.post(
        f"{FORUM}/registrations", json={"name": "Frau Ohne", "groups": {"groups": ["wohnen"]}}
    )
    assert answer.status_code == 201
    assert answer.json()["status"] == "confirmed"
    assert answer.json()["email"] is None
    assert (await system.get(FORUM)).json()["registration"]["capacity"] == 1
    assert await kinds() == []
    told = await system.post(f"{FORUM}/registrations", json=ANNA | {"language": "en"})
    assert told.json()["language"] == "en"
    assert await kinds() == ["confirmed"]
    assert refusal(await system.post(f"{FORUM}/registrations", json=ANNA)) == (409, "conflict")


async def test_a_registration_has_the_promised_shape(town, system):
    await system.post(URL, json=forum(registration={"capacity": 1}))
    event = await details("forum")
    await town.register(event, groups={"groups": ["bildung", "wohnen"]})
    await town.register(event, "Ben Muster", groups={"groups": ["wohnen"]})
    anna, ben = (await system.get(f"{FORUM}/registrations")).json()["items"]
    assert set(anna) >= REGISTRATION
    assert anna["groups"] == {"groups": "bildung"}
    assert anna["wishes"] == {"groups": ["bildung", "wohnen"]}
    assert "waitlist_position" not in anna
    assert ben["status"] == "waitlisted"
    assert ben["waitlist_position"] == 1
    assert ben["groups"] == {"groups": None}
    assert datetime.fromisoformat(anna["registered_at"]).utcoffset() is not None


async def test_an_edit_by_hand_is_told(town, system):
    await system.post(URL, json=forum(registration={"confirm_email": False}))
    registration = await town.register(await details("forum"))
    await town.deliver()
    url = f"/api/v1/registrations/{registration.id}"
    answer = await system.patch(url, json={"name": "Anna Neu", "seats": 2, "groups": {"groups": "wohnen"}})
    assert answer.status_code == 200
    assert answer.json()["name"] == "Anna Neu"
    assert answer.json()["seats"] == 2
    assert answer.json()["groups"] == {"groups": "wohnen"}
    assert (await system.patch(url, json={})).status_code == 200
    assert await kinds() == ["confirmed", "registration_changed"]
    event = (await system.get(FORUM)).json()
    assert event["registration"]["seats_left"]["in_person"] == 8
    assert event["groups"][0]["seats_left"] == 0


UNUSABLE_EDITS: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"name": ""}, (422, "invalid")),
    ({"email": "x"}, (422, "invalid")),
    ({"seats": 9}, (422, "invalid")),
    ({"language": "xx"}, (422, "invalid")),
    ({"attendance": "online"}, (422, "invalid")),
    ({"status": "confirmed"}, (422, "invalid")),
    ({"answers": {"x": 1}}, (422, "invalid")),
    ({"groups": {"groups": "none"}}, (422, "group-unknown")),
    ({"groups": {"none": None}}, (422, "group-unknown")),
    ({"email": "ben@example.org"}, (409, "conflict")),
]


async def test_an_edit_that_cannot_be_made(town, system):
    await system.post(URL, json=forum())
    event = await details("forum")
    registration = await town.register(event)
    await town.register(event, "Ben Muster")
    for patch, expected in UNUSABLE_EDITS:
        answer = await system.patch(f"/api/v1/registrations/{registration.id}", json=patch)
        assert refusal(answer) == expected, patch
    after = await Registration.select().where(Registration.id == registration.id).output(load_json=True)
    assert after[0]["name"] == "Anna Muster"
    assert after[0]["email"] == "anna@example.org"


async def test_cancelling_a_registration_moves_the_waitlist_up(town, system):
    await system.post(URL, json=forum(registration={"capacity": 1, "confirm_email": False}))
    event = await details("forum")
    anna = await town.register(event)
    await town.register(event, "Ben Muster")
    url = f"/api/v1/registrations/{anna.id}/cancellation"
    assert (await system.post(url)).json()["status"] == "cancelled"
    assert (await system.post(url)).json()["status"] == "cancelled"
    assert await kinds() == ["confirmed", "waitlisted", "registration_cancelled", "promoted"]
    listed = (await system.get(f"{FORUM}/registrations")).json()
    assert listed["counts"] == {"pending": 0, "confirmed": 1, "waitlisted": 0, "cancelled": 1, "expired": 0}
    assert refusal(await system.patch(url.removesuffix("/cancellation"), json={"name": "X"})) == (
        409,
        "conflict",
    )
    assert refusal(await system.post(f"/api/v1/registrations/{uuid4()}/cancellation")) == (404, "not-found")
    assert refusal(await system.post("/api/v1/registrations/1/cancellation")) == (404, "not-found")


# The attendee list and the outbox


async def test_the_list_is_filtered_and_leads_on(town, system):
    await system.post(URL, json=forum(mode="hybrid", registration={"capacity": 3, "digital_capacity": 9}))
    event = await details("forum")
    people: list[dict[str, Any]] = [
        {"attendance": "in_person", "groups": {"groups": ["wohnen"]}},
        {"attendance": "online"},
        {"attendance": "in_person", "groups": {"groups": ["bildung"]}},
        {"attendance": "in_person"},
        {"attendance": "in_person"},
    ]
    names = ["Anna_1", "Ben", "Cem", "Dora", "Eve%"]
    for name, values in zip(names, people, strict=True):
        row = await town.register(event, name, email=f"{name.lower().strip('%')}@example.org", **values)
        if name == "Ben":
            await actions.confirm(row.id, datetime.now(UTC))
    for query, found in (
        ("", [0, 1, 2, 3, 4]),
        ("status=waitlisted", [4]),
        ("status=confirmed", [1]),
        ("group=wohnen", [0]),
        ("group=none", []),
        ("attendance=online", [1]),
        ("q=ben@EXAMPLE", [1]),
        ("q=example.org", [0, 1, 2, 3, 4]),
        ("q=_", [0]),
        ("q=%25", [4]),
        ("q=%5C", []),
        ("status=pending&attendance=in_person&q=cem", [2]),
    ):
        answer = (await system.get(f"{FORUM}/registrations?{query}")).json()
        assert [item["name"] for item in answer["items"]] == [names[n] for n in found], query
        assert answer["counts"]["pending"] == 3
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await system.get(f"{FORUM}/registrations?limit=2&cursor={cursor}")).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next"]
    assert seen == names
    for query in (
        "status=here",
        "attendance=hall",
        "limit=0",
        "limit=501",
        "cursor=x",
        "cursor=LTE",
        "q=" + "x" * 201,
    ):
        assert refusal(await system.get(f"{FORUM}/registrations?{query}")) == (422, "invalid"), query


async def test_the_csv_opens_in_a_spreadsheet_and_runs_nothing(town, system):
    await system.post(URL, json=forum())
    await town.register(
        await details("forum"), '=HYPERLINK("http://evil.example";"x")', email="a@example.org"
    )
    await town.register(await details("forum"), 'Ben "Z"; Muster', email="+b@example.org")
    answer = await system.get(f"{FORUM}/registrations.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="forum.csv"'
    assert answer.headers["cache-control"] == "no-store"
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    lines = text.split("\r\n")
    assert len(lines) == 4
    assert '"\'=HYPERLINK(""http://evil.example"";""x"")"' in lines[1]
    assert '"Ben ""Z""; Muster";"\'+b@example.org"' in lines[2]


async def test_the_outbox_of_an_event(town, system):
    await system.post(URL, json=forum())
    event = await details("forum")
    for name in ("Anna Muster", "Ben Muster", "Cem Muster"):
        await town.register(event, name)
    page = (await system.get(f"{FORUM}/messages?limit=2")).json()
    message = page["items"][0]
    assert set(message) == {"to", "kind", "status", "attempts", "due_at", "sent_at", "last_error"}
    assert (message["to"], message["kind"], message["status"]) == ("anna@example.org", "confirm", "queued")
    rest = (await system.get(f"{FORUM}/messages?limit=2&cursor={page['next']}")).json()
    assert [item["to"] for item in rest["items"]] == ["cem@example.org"]
    assert rest["next"] is None
    assert (await system.get(f"{FORUM}/messages?status=sent")).json()["items"] == []
    assert refusal(await system.get(f"{FORUM}/messages?status=lost")) == (422, "invalid")
    assert refusal(await system.get(f"{FORUM}/messages?cursor=x")) == (422, "invalid")


# The description


async def test_the_api_describes_itself(visitor):
    described = (await visitor.get("/api/v1/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    calls = {(method, path) for path, methods in described["paths"].items() for method in methods}
    assert calls == {
        ("get", "/api/v1/events"),
        ("post", "/api/v1/events"),
        ("get", "/api/v1/events/{slug}"),
        ("patch", "/api/v1/events/{slug}"),
        ("post", "/api/v1/events/{slug}/cancellation"),
        ("get", "/api/v1/events/{slug}/mode"),
        ("put", "/api/v1/events/{slug}/mode"),
        ("get", "/api/v1/events/{slug}/registrations"),
        ("post", "/api/v1/events/{slug}/registrations"),
        ("get", "/api/v1/events/{slug}/registrations.csv"),
        ("get", "/api/v1/events/{slug}/messages"),
        ("patch", "/api/v1/registrations/{registration_id}"),
        ("post", "/api/v1/registrations/{registration_id}/cancellation"),
    }
    listing = described["paths"]["/api/v1/events"]["get"]["parameters"]
    assert {"from", "to", "mode", "q", "cursor"} <= {parameter["name"] for parameter in listing}


def test_the_example_is_an_event_file():
    assert from_document(forum()).slug == "forum"


async def test_two_changes_at_once_both_count(town):
    office = await town.organiser()
    await town.event(office)
    system = await town.system(office)
    changes = [{"title": {"en": "New"}}, {"venue": {"name": "Rathaus"}}, {"registration": {"capacity": 7}}]
    answers = await asyncio.gather(*(system.patch(FORUM, json=change) for change in changes))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    event = (await system.get(FORUM)).json()
    assert (event["title"], event["registration"]["capacity"]) == ("New", 7)
    assert event["venues"][0]["name"] == "Rathaus"
