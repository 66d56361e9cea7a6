"""An event moves online by its rule and comes back: at every stage mails, calendars, page and links are right."""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from email.message import EmailMessage

import pytest

from events.rules import instant
from tests.journeys.installation import until
from tests.journeys.moving import Moving, confirm, invitation, join_path, moving

GUETERSLOH, HERFORD = "guetersloh-dialog-2022.toml", "herford-werkstatt-2023.toml"
LANGUAGES = ("de", "en", "tr", "uk", "ar")
GROUPS = (
    *("willkommenskultur", "bildung-arbeit", "bildung-erziehung", "beratung"),
    *("wohnen", "teilhabe", "gesundheit"),
)
HALL = "Stadthalle Gütersloh"
BY_HAND, SEATED, PEOPLE = 100, 120, 142
HIGH, LOW = 450, 200
RULE = {
    "indicator": "rki-incidence",
    "region": "05754",
    "enter_at": 400,
    "leave_at": 300,
    "enter_after": 3,
    "leave_after": 5,
    # As many publications as it takes come in a minute here: the first bear dates of last week.
    "max_age_hours": 720,
}

logger = logging.getLogger(__name__)


@pytest.fixture
async def town():
    async with moving(LOW) as town:
        yield town


def at(day: date, clock: str) -> datetime:
    return instant(datetime.fromisoformat(f"{day}T{clock}"), "Europe/Berlin")


def address(number: int) -> str:
    return f"guest-{number}@example.org"


def body(number: int) -> dict[str, object]:
    wishes = [GROUPS[(number + step) % len(GROUPS)] for step in range(len(GROUPS))]
    return {
        "name": f"Gast {number}",
        "email": address(number),
        "language": LANGUAGES[number % len(LANGUAGES)],
        "groups": {"groups": wishes},
    }


async def fill(town: Moving, slug: str) -> None:
    """A hundred are written down by the office, twenty register, and twenty-two more find the hall full."""
    async with town.town.system() as office, town.town.visitor() as visitor:
        for number in range(PEOPLE):
            by = office if number < BY_HAND else visitor
            answer = await by.post(f"/api/v1/events/{slug}/registrations", json=body(number))
            assert answer.status_code == 201, answer.text
    for number in range(BY_HAND, PEOPLE):
        await confirm(town.town, await town.postbox.mail(address(number), 1))
    people = await town.registrations(slug)
    assert Counter(one["status"] for one in people.values()) == {"confirmed": SEATED, "waitlisted": 22}
    # Those of the office get one mail; who registers is asked, and told if there is a seat.
    mails = PEOPLE + SEATED - BY_HAND
    await until(lambda: counted(town, people).total() >= mails, "everybody's mails")


async def news(town: Moving, before: Counter[str]) -> dict[str, EmailMessage]:
    """The mail that each of these has got since, exactly one."""
    expected = before + Counter(before.keys())
    await until(lambda: counted(town, before).total() >= expected.total(), "a mail to everybody")
    assert counted(town, before) == expected
    return {one: town.postbox.to(one)[-1] for one in before}


def counted(town: Moving, people: Iterable[str]) -> Counter[str]:
    """How many mails each of these has got so far."""
    found = Counter(town.postbox.sink.recipients)
    return Counter({one: found[one] for one in people})


async def assert_in_time(town: Moving, slug: str, people: list[str]) -> None:
    """Nobody was told before it was so. How long it took is logged (`--log-cli-level=info`)."""
    read_at, switched_at, *sent_at = await town.times(slug, people)
    assert read_at <= switched_at <= sent_at[0]
    seconds = (sent_at[-1] - read_at).total_seconds()
    logger.info("The last of %d mails left %.1f s after the report was read", len(people), seconds)


async def test_the_event_of_guetersloh_moves_online_and_comes_back(town):
    slug, day = await town.import_example(GUETERSLOH, mode_rules=[RULE])
    await fill(town, slug)
    people = [address(number) for number in range(PEOPLE)]
    before = counted(town, people)
    first = {one: invitation(town.postbox.to(one)[-1]) for one in people[:SEATED]}
    assert {entry.method for entry in first.values()} == {"REQUEST"}

    assert {HALL in entry.place for entry in first.values()} == {True}
    shown = await town.shown(slug)
    assert (shown.mode, shown.attendance, shown.status) == (
        "in_person",
        "OfflineEventAttendanceMode",
        "EventScheduled",
    )
    assert shown.places == ("Place",)
    assert shown.calendar == shown.feed
    assert HALL in shown.calendar[0]
    days = [await town.publish(slug, HIGH, mode) for mode in ("in_person", "in_person", "digital")]
    moved = await town.shown(slug)
    assert (moved.mode, moved.attendance, moved.status) == (
        "digital",
        "OnlineEventAttendanceMode",
        "EventMovedOnline",
    )
    assert moved.places == ("VirtualLocation",)
    assert moved.calendar == moved.feed == ("Online", shown.calendar[1] + 1)
    assert "Diese Veranstaltung findet jetzt online statt" in moved.words
    assert HALL not in moved.words.replace(f"Vorher: {HALL}", "")

    # Everybody is told once, with an entry of the same UID that is newer, and who waited has moved up.
    told = await news(town, before)
    await assert_in_time(town, slug, people)
    online = {one: invitation(mail) for one, mail in told.items()}
    for one, entry in online.items():
        assert entry.method == "REQUEST"
        assert one not in first or (entry.uid, entry.sequence > first[one].sequence) == (first[one].uid, True)
        assert entry.join == join_path(told[one])
        assert entry.join in entry.place
        assert HALL not in entry.place
    assert len({entry.uid for entry in online.values()}) == PEOPLE
    assert {mail["Content-Language"] for mail in told.values()} == set(LANGUAGES)
    listed = await town.registrations(slug)
    assert {(one["status"], one["attendance"]) for one in listed.values()} == {("confirmed", "online")}
    held = Counter(one["groups"]["groups"] for one in listed.values())
    without = held.pop(None)
    assert (without, held) == (2, dict.fromkeys(GROUPS, 20))

    # Each link leads into the room of the person's group, and into that alone; two without a group stay with all.
    links = {one: entry.join for one, entry in online.items()}
    opening, working = at(day, "15:50"), at(day, "17:00")
    few = {one: links[one] for one in people[::20]}
    plenary = {one.room for one in (await town.behind(few, opening)).values()}
    assert len(plenary) == 1
    found = await town.behind(links, working)
    rooms = {one.room for one in found.values()}
    assert len(rooms) == 1 + len(GROUPS)
    led = {(listed[one]["groups"]["groups"], town.opens_alone(found[one], working, rooms)) for one in people}
    assert len(led) == 1 + len(GROUPS)
    assert dict(led)[None] in plenary
    early = await town.behind(few, at(day, "15:30"))
    assert {one.address for one in early.values()} == {None}

    # Below the threshold five times: the hall is theirs again who had it, the rest stay online.
    before = counted(town, people)
    days += [await town.publish(slug, LOW, mode) for mode in ["digital"] * 4 + ["hybrid"]]
    back = {one: invitation(mail) for one, mail in (await news(town, before)).items()}
    await assert_in_time(town, slug, people)
    for one, entry in back.items():
        assert (entry.method, entry.uid) == ("REQUEST", online[one].uid)
        assert entry.sequence > online[one].sequence
        # Whoever has a seat in the hall reads where it is, whoever has none gets the link.
        assert (HALL in entry.place, "/join/" in entry.place) == (one in first, one not in first)
    listed = await town.registrations(slug)
    assert {listed[one]["attendance"] for one in people[:SEATED]} == {"in_person"}
    assert {listed[one]["attendance"] for one in people[SEATED:]} == {"online"}
    assert Counter(one["groups"]["groups"] for one in listed.values()) == {**held, None: without}
    after = await town.shown(slug)
    assert (after.mode, after.attendance, after.status) == (
        "hybrid",
        "MixedEventAttendanceMode",
        "EventScheduled",
    )
    assert after.places == ("Place", "VirtualLocation")
    assert after.calendar == after.feed == (f"{shown.calendar[0]}, oder online", moved.calendar[1] + 1)
    assert HALL in after.words
    assert "Vorher" not in after.words
    async with town.town.visitor() as visitor:
        event = (await visitor.get(f"/api/v1/events/{slug}")).json()
    assert event["registration"]["seats_left"]["in_person"] == 0
    found = await town.behind(links, working)
    assert {one for one in people if found[one].address is None} == set(people[:SEATED])
    assert all(HALL in found[one].words for one in people[:SEATED])
    assert {town.opens_alone(found[one], working, rooms) for one in people[SEATED:]} <= rooms

    async with town.town.system() as office:
        mode = (await office.get(f"/api/v1/events/{slug}/mode")).json()
    switches = sorted((one["at"], one["from"], one["to"], one["by"]) for one in mode["switches"])
    assert [one[1:] for one in switches] == [("in_person", "digital", "rule"), ("digital", "hybrid", "rule")]
    causes = sorted(
        (one["evidence"]["report"]["report_on"], one["evidence"]["reading"]["value"])
        for one in mode["switches"]
    )
    assert causes == [(days[2], HIGH), (days[7], LOW)]
    assert counted(town, people) == before + Counter(people)


async def test_a_join_link_follows_its_person_through_both_rounds_in_herford(town):
    rule = {**RULE, "enter_after": 1, "leave_after": 1}
    slug, day = await town.import_example(HERFORD, mode_rules=[rule])
    rounds = {
        "kim@example.org": {"round-1": ["vielfalt"], "round-2": ["integration"]},
        "toni@example.org": {"round-1": ["integration"], "round-2": ["vielfalt"], "tour": ["tour"]},
        "noone@example.org": {},
    }
    async with town.town.system() as office:
        for one, groups in rounds.items():
            answer = await office.post(
                f"/api/v1/events/{slug}/registrations",
                json={"name": one.partition("@")[0].title(), "email": one, "groups": groups},
            )
            assert answer.status_code == 201, answer.text
    await until(lambda: counted(town, rounds).total() >= len(rounds), "a mail to everybody")
    before = counted(town, rounds)
    await town.publish(slug, HIGH, "digital")
    links = {one: join_path(mail) for one, mail in (await news(town, before)).items()}

    second = date.fromordinal(day.toordinal() + 1)
    led: dict[tuple[str, str], str] = {}
    times = {
        "opening": at(day, "13:10"),
        "tour": at(day, "16:45"),
        "round-1": at(second, "10:45"),
        "break": at(second, "11:35"),
        "round-2": at(second, "12:00"),
        "closing": at(second, "13:00"),
    }
    found = {name: await town.behind(links, moment) for name, moment in times.items()}
    # Who did not sign up for the walk waits for the next day.
    assert [one for one in rounds if found["tour"][one].address] == ["toni@example.org"]
    found["tour"] = {"toni@example.org": found["tour"]["toni@example.org"]}
    rooms = {one.room for there in found.values() for one in there.values()}
    for name, there in found.items():
        for one, behind in there.items():
            led[name, one] = town.opens_alone(behind, times[name], rooms)
    kim, toni, noone = rounds
    plenary = led["opening", noone]
    assert {led[name, one] for name in ("opening", "closing") for one in rounds} == {plenary}
    assert {led[name, noone] for name in ("round-1", "round-2")} == {plenary}
    # Between the rounds the link leads into the next room already.
    for one in (kim, toni):
        assert led["break", one] == led["round-2", one]
        assert len({led["round-1", one], led["round-2", one], plenary}) == 3
    # The same group in another round is another room.
    assert len({led[name, one] for name in ("round-1", "round-2") for one in (kim, toni)}) == 4
    assert "vielfalt" in led["round-1", kim]
    assert "vielfalt" in led["round-2", toni]
    assert "integration" in led["round-2", kim]
