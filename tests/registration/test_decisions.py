from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from events.errors import Conflict, EventUnknown, FormInvalid, TooManyRequests
from events.rules import Attendance, EventStatus
from registration import decisions as deciding
from registration.decisions import Admitted, Newcomer, Outcome, Past, Repeated, Request
from registration.errors import EventFull, GroupUnknown
from registration.limits import Limit, Limits
from registration.questions import Question
from registration.rules import RegistrationStatus, Slot
from tests.events.examples import dialogue

NOW = datetime(2022, 11, 1, 12, tzinfo=UTC)
"""Tuesday."""

STARTS_AT = datetime(2022, 11, 18, 15, tzinfo=UTC)
EVENT = dialogue(in_person_limit=2, in_person_taken=0)
PENDING, CONFIRMED, WAITLISTED, *_ = RegistrationStatus
SLOTS = [Slot("first", "wohnen", STARTS_AT, STARTS_AT + timedelta(hours=1), 1, 1)]
FOOD = Question(key="food", type="text", label={"de": "Essen"}, required=True)


def asks(name, at=NOW, key=None, body="", client=None, mailbox=None, **values):
    newcomer = Newcomer(name, f"{name}@example.org", **values)
    return Request(newcomer, at, key=key, body=body, client=client, mailbox=mailbox)


def decide(*arguments: Any, **more: Any) -> list[Any]:
    return list(deciding.decide(*arguments, **more))


def statuses(*requests, event=EVENT, **more):
    return [
        decision.outcome.status if isinstance(decision, Admitted) else type(decision)
        for decision in decide(event, SLOTS, (), requests, **more)
    ]


def test_seats_go_in_order_of_arrival_and_the_rest_waits():
    assert statuses(asks("kim"), asks("toni"), asks("alex"), asks("eve")) == [
        *(PENDING, PENDING, WAITLISTED, WAITLISTED)
    ]


def test_places_on_the_waitlist_are_counted_on():
    waiting = replace(EVENT, in_person_taken=2, in_person_waiting=7)
    decisions = decide(waiting, SLOTS, (), [asks("kim"), asks("toni", seats=3), asks("alex")])
    assert [decision.position for decision in decisions] == [8, 9, 10]


def test_a_family_that_does_not_fit_has_everybody_behind_it_wait():
    assert statuses(asks("kim"), asks("family", seats=2), asks("toni")) == [PENDING, WAITLISTED, WAITLISTED]


def test_without_a_waitlist_who_comes_too_late_is_refused_and_a_smaller_one_gets_in():
    strict = replace(EVENT, waitlist=False)
    requests = asks("kim"), asks("family", seats=2), asks("toni"), asks("alex")
    assert statuses(*requests, event=strict) == [PENDING, EventFull, PENDING, EventFull]


def test_who_is_known_takes_no_seat_and_is_told_the_same():
    decisions = decide(
        EVENT, SLOTS, (), [asks("kim"), asks("toni"), asks("alex")], Past(known={"kim@example.org"})
    )
    assert [decision.is_known for decision in decisions] == [True, False, False]
    assert [decision.outcome.status for decision in decisions] == [PENDING, PENDING, PENDING]


def test_who_asks_twice_at_once_is_known_the_second_time_however_the_address_is_written():
    again = Request(Newcomer("Kim", "KIM@Example.org"), NOW)
    decisions = decide(EVENT, SLOTS, (), [asks("kim"), again, asks("toni")])
    assert [decision.is_known for decision in decisions] == [False, True, False]
    assert decisions[2].outcome.status is PENDING


def test_the_last_seat_in_a_group_goes_to_the_first():
    requests = [asks(name, wishes={"first": ("wohnen",)}) for name in ("kim", "toni")]
    groups = [decision.outcome.groups for decision in decide(EVENT, SLOTS, (), requests)]
    assert groups == [{"first": "wohnen"}, {"first": None}]


def test_one_that_cannot_be_used_is_refused_alone():
    decisions = decide(
        EVENT,
        SLOTS,
        (),
        [
            asks("kim", wishes={"first": ("sport",)}),
            asks("toni", attendance=Attendance.ONLINE),
            asks("eve", answers={"food": "vegan"}),
            asks("alex"),
        ],
    )
    assert [type(decision) for decision in decisions] == [GroupUnknown, FormInvalid, FormInvalid, Admitted]


def test_answers_are_kept_as_the_questions_have_them():
    (missing, given) = decide(EVENT, SLOTS, (FOOD,), [asks("kim"), asks("toni", answers={"food": " vegan "})])
    assert missing.errors == [("answers.food", "missing")]
    assert given.accepted.answers == {"food": "vegan"}


def test_a_draft_is_not_there():
    assert statuses(asks("kim"), event=replace(EVENT, status=EventStatus.DRAFT)) == [EventUnknown]


def test_a_seat_is_held_in_the_time_zone_of_the_event():
    (decision,) = decide(EVENT, SLOTS, (), [asks("kim")])
    assert decision.outcome.held_until.isoformat() == "2022-11-02T13:00:00+01:00"


def test_without_confirmation_nobody_holds():
    (decision,) = decide(replace(EVENT, confirm_email=False), SLOTS, (), [asks("kim")])
    assert decision.outcome == Outcome(CONFIRMED, {})


def test_a_repeated_key_gets_the_first_answer_whatever_has_happened_since():
    first = Outcome(PENDING, {})
    past = Past(answered={("kim@example.org", "k"): ("b", first)}, known={"kim@example.org"})
    closed = replace(EVENT, status=EventStatus.CANCELLED)
    same, other, another_key = decide(
        closed,
        SLOTS,
        (),
        [asks("kim", key="k", body="b"), asks("kim", key="k", body="c"), asks("kim", key="l")],
        past,
    )
    assert same == Repeated(first)
    assert isinstance(other, Conflict)
    assert not isinstance(another_key, Repeated)


def test_a_client_is_stopped_and_others_are_not():
    limits = Limits(client=Limit(3, 60))
    past = Past(demands={"a": [NOW - timedelta(seconds=61), NOW - timedelta(seconds=50)]})
    requests = [asks(f"k{number}", client="a") for number in range(4)] + [asks("toni", client="b")]
    decisions = decide(replace(EVENT, in_person_limit=None), SLOTS, (), requests, past, limits)
    assert [type(decision) for decision in decisions] == [
        *(Admitted, Admitted, TooManyRequests, TooManyRequests, Admitted)
    ]
    assert decisions[2].facts["retry_after"] == 10


def test_who_is_refused_for_another_reason_is_not_counted():
    limits = Limits(client=Limit(1, 60))
    requests = [asks("kim", client="a", wishes={"first": ("sport",)}), asks("toni", client="a")]
    assert statuses(*requests, limits=limits) == [GroupUnknown, PENDING]


def test_an_address_is_written_to_so_often_and_no_more_known_or_not():
    limits = Limits(address=Limit(2, 3600))
    for known in ((), {"kim@example.org"}):
        decided = statuses(*[asks("kim", mailbox="m")] * 3, limits=limits, past=Past(known=known))
        assert decided == [PENDING, PENDING, TooManyRequests]


def test_a_client_holds_only_so_many_seats_unconfirmed():
    limits, roomy = Limits(client=Limit(60, 60)), replace(EVENT, in_person_limit=None)
    requests = asks("kim", client="a", seats=4), asks("toni", client="a"), asks("eve", client="b")
    decided = statuses(*requests, event=roomy, limits=limits, past=Past(unconfirmed={"a": 16}))
    assert decided == [PENDING, TooManyRequests, PENDING]
    one_more = statuses(
        asks("kim", client="a", seats=5), event=roomy, limits=limits, past=Past(unconfirmed={"a": 16})
    )
    assert one_more == [TooManyRequests]


def test_who_waits_holds_nothing_unconfirmed():
    limits, full = Limits(client=Limit(60, 60)), replace(EVENT, in_person_taken=2)
    assert statuses(asks("kim", client="a"), event=full, limits=limits, past=Past(unconfirmed={"a": 20})) == [
        WAITLISTED
    ]
