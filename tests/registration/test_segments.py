"""Whom a segment holds: what can be asked of an event, and whom the database finds."""

import pytest

from registration.announcement_queries import reach
from registration.segments import (
    Segment,
    answer_asked,
    answers_to_choose,
    fields_of,
    segment_typed,
    unknown_in,
)
from registration.tables import Consent, Registration
from tests.events.examples import dialogue
from tests.registration.town import (
    CONFIRMED,
    EXPIRED,
    NOW,
    ROUNDS,
    cancel,
    group,
    hold,
    id_of,
    joined,
    register,
    row_of,
    seat,
)

QUESTIONS = (
    {
        "key": "food",
        "type": "choice",
        "label": {"de": "Essen"},
        "choices": [{"key": "vegan", "label": {"de": "Vegan"}}, {"key": "meat", "label": {"de": "Fleisch"}}],
    },
    {"key": "train", "type": "yes_no", "label": {"de": "Mit der Bahn?"}},
    {"key": "photo", "type": "consent", "label": {"de": "Fotos"}},
    {"key": "age", "type": "number", "label": {"de": "Alter"}},
    {"preset": "access"},
)
EVENT = dialogue(questions=QUESTIONS)
LANGUAGES = ("de", "en")


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({}, []),
        ({"statuses": ()}, [("status", "missing")]),
        ({"statuses": ("pending", "expired")}, []),
        ({"attendance": "online"}, []),
        ({"attendance": "astral"}, [("attendance", "unknown")]),
        ({"session": "groups"}, []),
        ({"session": "welcome"}, [("session", "unknown")]),
        ({"group": "wohnen"}, []),
        ({"group": "-"}, []),
        ({"group": "-", "session": "groups"}, []),
        ({"group": "chor"}, [("group", "unknown")]),
        ({"group": "wohnen", "session": "groups"}, []),
        ({"language": "en"}, []),
        ({"language": "tlh"}, [("language", "unknown")]),
        ({"answer": "food=vegan"}, []),
        ({"answer": "food=air"}, [("answer", "unknown")]),
        ({"answer": "train=no"}, []),
        ({"answer": "photo=agreed"}, []),
        ({"answer": "age=30"}, [("answer", "unknown")]),
        ({"answer": "access=wheelchair"}, [("answer", "unknown")]),
    ],
    ids=str,
)
def test_only_what_the_event_knows_can_be_asked(asked, wrong):
    assert unknown_in(Segment(**asked), EVENT, LANGUAGES) == wrong


def test_without_groups_none_can_be_asked_for():
    bare = dialogue(groups=(), sessions=())
    assert unknown_in(Segment(group="-"), bare, LANGUAGES) == [("group", "unknown")]


def test_protected_answers_choose_nobody():
    assert set(answers_to_choose(EVENT)) == {
        "food=vegan",
        "food=meat",
        "train=yes",
        "train=no",
        "photo=agreed",
    }


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ("", ("", None)),
        ("food=vegan", ("food", "vegan")),
        ("train=yes", ("train", True)),
        ("train=no", ("train", False)),
        ("photo=agreed", ("photo", None)),
        ("gone=vegan", ("", None)),
    ],
)
def test_an_answer_is_asked_for_as_it_is_kept(answer, asked):
    assert answer_asked(Segment(answer=answer), EVENT) == asked


def test_a_form_gives_back_its_segment():
    segment = Segment(
        statuses=(CONFIRMED, EXPIRED),
        attendance="online",
        session="groups",
        group="-",
        language="en",
        answer="a=b",
    )
    assert segment_typed(fields_of(segment)) == segment
    assert segment_typed({"status.confirmed": "yes", "group": " wohnen "}) == Segment(group="wohnen")
    assert segment_typed({}).statuses == ()


@pytest.fixture
async def people(database):
    """ada and ben sit in groups, cem has none; dora waits; eve has not confirmed; fay cancelled; gus came again."""
    event = await hold(
        capacity=6,
        sessions=(*ROUNDS, joined("dinner", "18:30", "19:00")),
        groups=(group("a", "first", "second"), group("b", "first")),
        questions=QUESTIONS,
        confirm_email=True,
    )
    await seat("ada", wishes={"first": ["a"], "dinner": ["dinner"]})
    await seat("ben", wishes={"first": ["b"], "second": ["a"]})
    await seat("cem", wishes={"dinner": ["dinner"]})
    await register("eve")
    await seat("fay")
    await cancel("fay")
    await seat("gus")
    await cancel("gus")
    await seat("gus")
    await seat("hal", seats=1)
    await register("dora")
    await Registration.update({Registration.language: "en"}).where(Registration.name == "ben")
    await Registration.update({Registration.attendance: "online"}).where(Registration.name == "hal")
    for name, answers in (
        ("ada", {"food": "vegan", "train": True}),
        ("cem", {"food": ["vegan", "meat"], "train": False}),
    ):
        await Registration.update({Registration.answers: answers}).where(Registration.name == name)
    for name, ended in (("ada", None), ("ben", NOW)):
        await Consent.insert(
            Consent(
                registration=await id_of(name),
                key="photo",
                text_hash="",
                language="de",
                given_at=NOW,
                withdrawn_at=ended,
            )
        )
    return event


ALL = ("pending", "confirmed", "waitlisted", "cancelled", "expired")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, 5),  # ada, ben, cem, gus, hal
        ({"statuses": ("pending",)}, 1),
        ({"statuses": ("waitlisted",)}, 1),
        ({"statuses": ("cancelled",)}, 1),  # fay; gus is registered again
        ({"statuses": ALL}, 8),
        ({"attendance": "online"}, 1),
        ({"attendance": "in_person"}, 4),
        ({"group": "a"}, 2),  # ada first, ben second
        ({"group": "a", "session": "first"}, 1),
        ({"group": "b"}, 1),
        ({"session": "second"}, 1),
        ({"session": "dinner"}, 2),
        ({"group": "dinner"}, 2),
        ({"group": "-"}, 3),  # cem, gus, hal: a dinner is no group
        ({"group": "-", "session": "second"}, 4),
        ({"group": "-", "session": "dinner"}, 3),
        ({"language": "en"}, 1),
        ({"language": "de"}, 4),
        ({"answer": "food=vegan"}, 2),
        ({"answer": "food=meat"}, 1),
        ({"answer": "train=yes"}, 1),
        ({"answer": "train=no"}, 1),
        ({"answer": "photo=agreed"}, 1),
        ({"answer": "food=vegan", "group": "a", "language": "de"}, 1),
        ({"answer": "food=meat", "group": "a"}, 0),
    ],
    ids=str,
)
async def test_a_segment_holds_those_of_whom_all_of_it_is_true(people, asked, found):
    reached = await reach(people, Segment(**asked))
    assert (reached.people, reached.recipients) == (found, found)


async def test_who_has_no_address_and_who_wants_none_are_counted_apart(people):
    await Registration.update({Registration.email: None, Registration.address: None}).where(
        Registration.name == "ada"
    )
    await Registration.update({Registration.announcements_off_at: NOW}).where(Registration.name == "ben")
    reached = await reach(people, Segment())
    assert (reached.people, reached.without_address, reached.unsubscribed, reached.recipients) == (5, 1, 1, 3)
    assert reached.by_language == {"de": 3}
    assert (await row_of("cem")).announcements_off_at is None
