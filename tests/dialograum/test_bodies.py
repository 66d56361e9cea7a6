"""Bodies that the API cannot use: each value is named with what is wrong about it, in plain English."""

from typing import Any

import pytest

from registration.tables import Registration

MODE = ("PUT", "/api/v1/events/forum/mode")
REGISTER = ("POST", "/api/v1/events/forum/registrations")
EDIT = ("PATCH", "/api/v1/registrations/{id}")
CREATE = ("POST", "/api/v1/events")
CHANGE = ("PATCH", "/api/v1/events/forum")
CANCEL = ("POST", "/api/v1/events/forum/cancellation")

FLOOD = {"mode": "digital", "reason": "Flood"}
ANNA = {"name": "Anna Muster", "email": "anna@example.org"}
MODES = "Must be one of: in_person, hybrid, digital."
REASON = "Must be text without control characters, 2000 characters at most."

REFUSED: list[tuple[tuple[str, str], Any, dict[str, str | None]]] = [
    (MODE, {"mode": "digital"}, {"reason": "Is missing."}),
    (MODE, {}, {"mode": "Is missing.", "reason": "Is missing."}),
    (MODE, FLOOD | {"mode": "online", "reason": " "}, {"mode": MODES, "reason": "Must not be empty."}),
    (MODE, FLOOD | {"reason": ""}, {"reason": "Must not be empty."}),
    (MODE, FLOOD | {"reason": "a\0b"}, {"reason": REASON}),
    (MODE, FLOOD | {"reason": "a" * 2001}, {"reason": REASON}),
    (MODE, FLOOD | {"reason": None}, {"reason": REASON}),
    (MODE, FLOOD | {"lock": "yes"}, {"lock": "Must be true or false."}),
    (MODE, FLOOD | {"lock": "true"}, {"lock": "Must be true or false."}),
    (MODE, FLOOD | {"lock": 1}, {"lock": "Must be true or false."}),
    (
        MODE,
        FLOOD | {"hybrid_capacity": "3"},
        {"hybrid_capacity": "Must be a whole number from 0 to 1000000."},
    ),
    (MODE, FLOOD | {"hybrid_capacity": -1}, {"hybrid_capacity": "Must be a whole number from 0 to 1000000."}),
    (MODE, FLOOD | {"seats": 3}, {"seats": "Is not a known key."}),
    (MODE, FLOOD | {"lok": True}, {"lok": "Is not a known key. Did you mean lock?"}),
    (MODE, [], {"": "Must be a table of keys and values."}),
    (MODE, "Flood", {"": "Must be a table of keys and values."}),
    (REGISTER, {"email": "anna@example.org"}, {"name": "Is missing."}),
    (REGISTER, ANNA | {"nickname": "A"}, {"nickname": "Is not a known key. Did you mean name?"}),
    (REGISTER, ANNA | {"seats": "2"}, {"seats": "Must be a whole number."}),
    (REGISTER, ANNA | {"name": 5}, {"name": "Must be text."}),
    (REGISTER, ANNA | {"attendance": "hall"}, {"attendance": "Must be one of: in_person, online."}),
    (REGISTER, ANNA | {"groups": {"first": "wohnen"}}, {"groups.first": "Must be a list."}),
    (REGISTER, ANNA | {"groups": {"first": [7]}}, {"groups.first[0]": "Must be text."}),
    (REGISTER, ANNA | {"consents": {"photos": "yes"}}, {"consents.photos": "Must be true or false."}),
    (EDIT, {"name": None}, {"name": "Must be text."}),
    (EDIT, {"seats": "2", "nome": "A"}, {"nome": None, "seats": "Must be a whole number."}),
    (EDIT, {"groups": {"first": 7}}, {"groups.first": "Must be text."}),
    (CREATE, [], {"": "Must be a table of keys and values."}),
    (CREATE, {"slug": "Forum"}, {"slug": None, "timezone": "Is missing.", "starts_at": "Is missing."}),
    (CHANGE, {"title": "Forum"}, {"title": None}),
    (CANCEL, {"reason": 7}, {"reason": "Must be text, 2000 characters at most."}),
    (CANCEL, {"why": "Flood"}, {"why": "Is not a known key."}),
]


async def office(town):
    """Another system of an organiser, an event, and the address of a registration to it."""
    organiser = await town.organiser()
    person = await town.register(await town.event(organiser, registration={"confirm_email": False}))
    return await town.system(organiser), {"id": person.id}


async def test_each_value_that_cannot_be_used_is_named(town):
    api, known = await office(town)
    for (method, path), body, expected in REFUSED:
        answer = await api.request(method, path.format(**known), json=body)
        problem = answer.json()
        assert (answer.status_code, problem["type"].rpartition("/")[2]) == (422, "invalid"), body
        said = {error["field"]: error["detail"] for error in problem["errors"]}
        assert said.keys() >= expected.keys(), body
        assert said.items() >= {(field, why) for field, why in expected.items() if why}, body
        assert all(field in problem["detail"] for field in expected), body
        assert "regex" not in answer.text, body


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "The body is empty. It must be JSON."),
        (b"{", "The body is not JSON: "),
        (b"mode=digital&reason=Flood", "The body is not JSON: "),
        (b'{"mode": "digital", "reason": "\xff"}', "The body is not JSON: it is not UTF-8 text."),
    ],
)
async def test_a_body_that_is_no_json_is_called_so(town, content, detail):
    api, known = await office(town)
    for method, path in (MODE, REGISTER, EDIT, CREATE, CHANGE):
        answer = await api.request(method, path.format(**known), content=content)
        problem = answer.json()
        assert (answer.status_code, problem["type"].rpartition("/")[2]) == (422, "invalid")
        assert problem["errors"] == [{"field": "", "detail": problem["detail"]}]
        assert problem["detail"].startswith(detail)


async def test_a_body_that_may_be_left_out_may_be_empty(town):
    api, _ = await office(town)
    assert (await api.request(*CANCEL)).status_code == 200


async def test_who_may_not_come_in_learns_nothing_of_the_body(town):
    _, known = await office(town)
    stranger = await town.visitor()
    for method, path in (MODE, EDIT, CREATE, CHANGE, CANCEL):
        assert (await stranger.request(method, path.format(**known), content=b"{")).status_code == 401
    assert await Registration.count() == 1
