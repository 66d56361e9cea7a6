"""Event files: what is read, what is refused and why, what is written, and how dates move."""

import json
import tomllib
from contextlib import suppress
from copy import deepcopy
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialograum.event_file import (
    EventDocument,
    EventFile,
    EventFileInvalid,
    from_document,
    merge_patch,
    patched,
    read,
    read_files,
    remarks,
    shift,
    to_document,
    write,
)
from events.forms import (
    ContactSpec,
    GroupSpec,
    MeetingSpec,
    RegistrationSpec,
    SeriesSpec,
    SessionSpec,
    TopicSpec,
    VenueSpec,
)
from events.rules import EventStatus, Mode
from hybrid.forms import ModeRuleSpec
from registration.questions import ChoiceSpec, QuestionSpec
from registration.reminders import ReminderSpec

EXAMPLES = Path(__file__).parents[2] / "dialograum" / "examples"
GUETERSLOH = EXAMPLES / "guetersloh-dialog-2022.toml"
SERIES = EXAMPLES / "kreis-guetersloh-konzept.toml"

WHOLE: dict[str, Any] = {
    "slug": "dialog",
    "timezone": "Europe/Berlin",
    "starts_at": datetime(2022, 11, 18, 16),
    "ends_at": datetime(2022, 11, 18, 19),
    "title": {"de": "Gemeinsam leben"},
    "registration": {"opens_at": datetime(2022, 10, 17, 9), "closes_at": datetime(2022, 11, 13, 23, 59, 59)},
    "venue": {"name": "Stadthalle"},
    "contact": {"email": "integration@example.org"},
    "sessions": [
        {
            "key": "talk",
            "starts_at": datetime(2022, 11, 18, 16),
            "ends_at": datetime(2022, 11, 18, 17),
            "title": {"de": "Vortrag"},
        },
        {
            "key": "groups",
            "starts_at": datetime(2022, 11, 18, 17),
            "ends_at": datetime(2022, 11, 18, 19),
            "title": {"de": "Gruppen"},
        },
    ],
    "groups": [
        {"key": "wohnen", "session": "groups", "title": {"de": "Wohnen"}},
        {"key": "bildung", "session": "groups", "title": {"de": "Bildung"}},
    ],
    "mode_rules": [{"indicator": "rki-incidence", "region": "05754", "enter_at": 400.0, "leave_at": 300}],
    "reminders": [{"before": "7 days"}],
    "questions": [{"key": "hint", "type": "text", "label": {"de": "Was brauchen Sie?"}}],
}
ABSENT = object()
NO_SUCH_TIME = (
    "Does not exist in Europe/Berlin, where clocks go forward."
    " Is it 2022-03-27T01:30:00+01:00 or 2022-03-27T03:30:00+02:00?"
)


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The whole event with other values at paths such as `groups.1.session`."""
    document = deepcopy(WHOLE)
    for path, value in changes:
        *above, last = path.split(".")
        table: Any = document
        for key in above:
            table = table[int(key)] if isinstance(table, list) else table.setdefault(key, {})
        if value is ABSENT:
            del table[last]
        elif isinstance(table, list):
            table.append(value)
        else:
            table[last] = value
    return document


def problems_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(EventFileInvalid) as refused:
        read(tomli_w.dumps(document).encode(), "event.toml")
    assert {problem.file for problem in refused.value.problems} == {"event.toml"}
    return [(problem.path, problem.reason) for problem in refused.value.problems]


def test_the_whole_event_of_these_tests_is_in_order():
    event = read(tomli_w.dumps(WHOLE).encode(), "event.toml").events[0]
    assert event.default_language == "de"
    assert event.status is EventStatus.DRAFT
    assert event.mode is Mode.IN_PERSON
    assert event.retention_days == 30
    assert event.registration.hold_hours == 24
    assert event.venues == (VenueSpec(name="Stadthalle"),)
    assert event.groups[0].sessions == ("groups",)


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        # Keys and types
        ([("colour", "red")], "colour", "Is not a known key."),
        ([("start_at", 1)], "start_at", "Is not a known key. Did you mean starts_at?"),
        ([("bad key\n", 1)], "'bad key\\n'", "Is not a known key."),
        ([("groups.0.sesion", "groups")], "groups[0].sesion", "Is not a known key. Did you mean session?"),
        ([("registration.deadline", 1)], "registration.deadline", "Is not a known key."),
        ([("title", "Gemeinsam leben")], "title", "Must be a table of texts by language"),
        ([("title", {})], "title", "Must be a table of texts by language"),
        ([("title.German", "x")], "title.German", "Must be a language code"),
        ([("venue", "Stadthalle")], "venue", "Must be a table"),
        ([("sessions", {"key": "talk"})], "sessions", "Must be a list."),
        ([("groups.1.capacity", "20")], "groups[1].capacity", "Must be a whole number from 0 to 1000000."),
        ([("groups.1.capacity", 20.0)], "groups[1].capacity", "Must be a whole number"),
        ([("groups.1.capacity", True)], "groups[1].capacity", "Must be a whole number"),
        ([("registration.capacity", -1)], "registration.capacity", "Must be a whole number from 0"),
        ([("registration.digital_capacity", 1_000_001)], "registration.digital_capacity", "Must be a whole"),
        (
            [("registration.hold_hours", 0)],
            "registration.hold_hours",
            "Must be a whole number from 1 to 720.",
        ),
        ([("registration.hold_hours", 721)], "registration.hold_hours", "Must be a whole number"),
        ([("registration.waitlist", "yes")], "registration.waitlist", "Must be true or false."),
        (
            [("registration.allocation", "lottery")],
            "registration.allocation",
            "Must be one of: first_come, at",
        ),
        ([("mode", "online")], "mode", "Must be one of: in_person, hybrid, digital."),
        ([("status", "open")], "status", "Must be one of: draft, published, cancelled."),
        ([("retention_days", 3651)], "retention_days", "Must be a whole number from 0 to 3650."),
        ([("starts_at", date(2022, 11, 18))], "starts_at", "Must be a local date and time without offset"),
        ([("starts_at", "Friday")], "starts_at", "Must be a local date and time"),
        (
            [("starts_at", datetime.fromisoformat("2022-11-18T16:00:00+01:00"))],
            "starts_at",
            "Must be a local",
        ),
        (
            [("sessions.0.ends_at", datetime.fromisoformat("2022-11-18T16:00:00Z"))],
            "sessions[0].ends_at",
            "Mu",
        ),
        # Required
        ([("slug", ABSENT)], "slug", "Is missing."),
        ([("timezone", ABSENT)], "timezone", "Is missing."),
        ([("starts_at", ABSENT)], "starts_at", "Is missing."),
        ([("ends_at", ABSENT)], "ends_at", "Is missing."),
        ([("title", ABSENT)], "title", "Is missing."),
        ([("title", {"en": "x"})], "title.de", "Is missing: the title in the default language."),
        ([("default_language", "en")], "title.en", "Is missing: the title in the default language."),
        ([("sessions.0.key", ABSENT)], "sessions[0].key", "Is missing."),
        ([("venue.name", ABSENT)], "venue.name", "Is missing."),
        # Texts
        ([("slug", "Dialog")], "slug", "Must be small letters"),
        ([("slug", "dialog\n")], "slug", "Must be small letters"),
        ([("slug", "a--b")], "slug", "Must be small letters"),
        ([("slug", "a" * 81)], "slug", "Must be small letters a to z, digits and single hyphens"),
        ([("short", "über")], "short", "Must be small letters"),
        ([("timezone", "Europe/Guetersloh")], "timezone", "Must be a time zone such as Europe/Berlin."),
        ([("timezone", "../../etc/passwd")], "timezone", "Must be a time zone"),
        ([("title.de", "Zwei\nZeilen")], "title.de", "Must be one line of text"),
        ([("title.de", "Zwei\u2028Zeilen")], "title.de", "Must be one line of text"),
        ([("title.de", "Gem\x00einsam")], "title.de", "Must be one line of text without control characters"),
        ([("title.de", "nebel \u202e")], "title.de", "Must be one line of text"),
        ([("title.de", "  ")], "title.de", "Must not be empty."),
        ([("title.de", "x" * 301)], "title.de", "Must be one line of text"),
        (
            [("description", {"de": "Glocke \x07"})],
            "description.de",
            "Must be text without control characters",
        ),
        ([("description", {"de": "x" * 20_001})], "description.de", "Must be text"),
        ([("contact.email", "integration(at)example.org")], "contact.email", "Must be an e-mail address"),
        ([("contact.email", "a@example.org\nBcc: b@example.org")], "contact.email", "Must be an e-mail"),
        ([("groups.0.moderators", ["a@example.org", "b"])], "groups[0].moderators[1]", "Must be an e-mail"),
        ([("venue.country", "Deutschland")], "venue.country", "Must be a country code"),
        (
            [("meeting", {"url": "http://meet.example.org/x"})],
            "meeting.url",
            "Must be an address that begins",
        ),
        ([("meeting", {"url": "https://"})], "meeting.url", "Must be an address that begins with https://."),
        ([("meeting", {"url": "https://a:b@example.org/"})], "meeting.url", "Must be an address"),
        ([("meeting", {"url": "https://example.org/a b"})], "meeting.url", "Must be an address"),
        ([("meeting", {"url": "https://[x/"})], "meeting.url", "Must be an address"),
        # Times
        ([("ends_at", datetime(2022, 11, 18, 15))], "ends_at", "Must be after starts_at."),
        ([("ends_at", datetime(2022, 11, 18, 16))], "ends_at", "Must be after starts_at."),
        (
            [("registration.closes_at", datetime(2022, 11, 18, 16, 0, 1))],
            "registration.closes_at",
            "Must not be",
        ),
        (
            [("registration.closes_at", datetime(2022, 10, 17, 9))],
            "registration.closes_at",
            "Must be after opens",
        ),
        (
            [("registration", {"opens_at": datetime(2022, 11, 18, 16)})],
            "registration.opens_at",
            "Must be before the start of the event.",
        ),
        (
            [("sessions.1.ends_at", datetime(2022, 11, 18, 17))],
            "sessions[1].ends_at",
            "Must be after the sess",
        ),
        (
            [("registration.opens_at", datetime(1022, 10, 17, 9))],
            "registration.opens_at",
            "Must be in the years 1970 to 2199.",
        ),
        (
            [("registration.opens_at", datetime(2022, 3, 27, 2, 30))],
            "registration.opens_at",
            NO_SUCH_TIME,
        ),
        (
            [("registration.closes_at", datetime(2022, 10, 30, 2, 30))],
            "registration.closes_at",
            "Exists twice in Europe/Berlin, as 2022-10-30T02:30:00+02:00 or 2022-10-30T02:30:00+01:00.",
        ),
        # Places and programme
        ([("venues", [{"key": "marta", "name": "Marta"}])], "venue", "Must not stand beside venues."),
        (
            [("venue", ABSENT), ("venues", [{"key": "marta", "name": "A"}, {"key": "marta", "name": "B"}])],
            "venues[1].key",
            "Another venue has the key marta already.",
        ),
        ([("sessions.0.venue", "marta")], "sessions[0].venue", "There is no venue with the key marta."),
        ([("sessions.1.key", "talk"), ("groups", [])], "sessions[1].key", "Another session has the key talk"),
        ([("groups.1.key", "wohnen")], "groups[1].key", "Another group has the key wohnen already."),
        ([("groups.1.session", "rounds")], "groups[1].session", "There is no session with the key rounds."),
        ([("groups.1.session", ABSENT)], "groups[1].session", "Is missing: the key of the session"),
        ([("groups.1.sessions", ["talk"])], "groups[1].session", "Must not stand beside sessions."),
        (
            [("groups.1.session", ABSENT), ("groups.1.sessions", ["talk", "rounds"])],
            "groups[1].sessions[1]",
            "There is no session with the key rounds.",
        ),
        (
            [("groups.1.session", ABSENT), ("groups.1.sessions", ["talk", "talk"])],
            "groups[1].sessions[1]",
            "The session talk is named already.",
        ),
        (
            [("groups.0.moderators", ["a@example.org", "A@example.org"])],
            "groups[0].moderators[1]",
            "This address is named already.",
        ),
        # Rules
        ([("mode_rules.0.leave_at", 400.5)], "mode_rules[0].leave_at", "Must not be above enter_at."),
        ([("mode_rules.0.enter_at", float("nan"))], "mode_rules[0].enter_at", "Must be a number."),
        ([("mode_rules.0.region", 5754)], "mode_rules[0].region", "Must be one line of text"),
        ([("mode_rules.0.enter_after", 0)], "mode_rules[0].enter_after", "Must be a whole number from 1"),
        ([("mode_rules.0.mode", "in_person")], "mode_rules[0].mode", "Must be one of: digital, hybrid."),
        ([("mode_rules.0.expires_on", datetime(2023, 1, 1))], "mode_rules[0].expires_on", "Must be a date"),
        (
            [("mode_rules.1", {**WHOLE["mode_rules"][0], "mode": "digital"})],
            "mode_rules[1].key",
            "Another rule has the key rki-incidence/05754/digital already.",
        ),
        # Reminders
        ([("reminders.0.before", "soon")], "reminders[0].before", "Must be a number of minutes, hours, days"),
        ([("reminders.0.at", "9 Uhr")], "reminders[0].at", "Must be a time of day such as 09:00."),
        ([("reminders.0.at", "24:00")], "reminders[0].at", "Must be a time of day"),
        (
            [("reminders.0", {"before": "2 hours", "at": "09:00"})],
            "reminders[1].at",
            "Must only stand beside",
        ),
        (
            [("reminders.0", {"before": "0 days"})],
            "reminders[1].at",
            "Is missing: a reminder on the day itself",
        ),
        ([("reminders.0.audience", "everybody")], "reminders[0].audience", "Must be all, in_person, online"),
        ([("reminders.0.audience", "group:x")], "reminders[0].audience", "There is no group with the key x."),
        ([("reminders.1", {"before": "1 week"})], "reminders[1]", "Another reminder goes to the same people"),
        # Questions
        (
            [("questions.0.type", "date")],
            "questions[0].type",
            "Must be one of: text, choice, choices, yes_no",
        ),
        (
            [("questions.0.type", "choice")],
            "questions[0].choices",
            "Is missing: a question of the type choice",
        ),
        (
            [("questions.0.choices", [{"key": "a", "label": {"de": "A"}}])],
            "questions[0].choices",
            "Must not stand in a question of the type text.",
        ),
        (
            [
                ("questions.0.type", "choices"),
                ("questions.0.choices", [{"key": "a", "label": {"de": x}} for x in "AB"]),
            ],
            "questions[0].choices[1].key",
            "Another choice has the key a already.",
        ),
        ([("questions.1", WHOLE["questions"][0])], "questions[1].key", "Another question has the key hint"),
        ([("questions.0.key", ABSENT)], "questions[0].key", "Is missing: a question without a preset"),
        ([("questions.0.type", ABSENT)], "questions[0].type", "Is missing: a question without a preset"),
        ([("questions.0.label", ABSENT)], "questions[0].label", "Is missing: a question without a preset"),
        ([("questions.0.label", {})], "questions[0].label", "Is missing: a question without a preset"),
        (
            [("questions.1", {"preset": "lunch"})],
            "questions[1].preset",
            "Must be one of: access, interpreter",
        ),
        (
            [("questions.1", {"preset": "food", "type": "text"})],
            "questions[1].type",
            "Must not stand beside the preset food",
        ),
        (
            [("questions.1", {"preset": "food"}), ("questions.2", {"preset": "food"})],
            "questions[2].key",
            "Another question has the key food already.",
        ),
        (
            [("questions.1", {"preset": "district", "choices": [{"key": "a", "label": {"de": "A"}}]})],
            "questions[1].choices",
            "Must not stand in a question of the type text.",
        ),
        (
            [("questions.1", {"preset": "photo", "required": True})],
            "questions[1].required",
            "Must not stand in a question of the type consent, which is voluntary.",
        ),
        (
            [("questions.1", {"preset": "photo", "special_category": True})],
            "questions[1].special_category",
            "Must not stand in a question of the type consent.",
        ),
        ([("questions.0.min", 1)], "questions[0].min", "Must not stand in a question of the type text."),
        ([("questions.0.max", float("nan"))], "questions[0].max", "Must be a number from"),
        ([("questions.0.max", float("inf"))], "questions[0].max", "Must be a number from"),
        (
            [("questions.0.type", "number"), ("questions.0.min", 3), ("questions.0.max", 2)],
            "questions[0].max",
            "Must not be less than min.",
        ),
        (
            [("questions.0.type", "yes_no"), ("questions.0.multiline", True)],
            "questions[0].multiline",
            "Must not stand in a question of the type yes_no.",
        ),
        # Topics
        (
            [("topics", [{"title": {"de": "x"}, "initiator": "Anna"}])],
            "topics[0].initiator",
            "Is not a known",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_path_and_reason(changes, path, reason):
    found = problems_of(changed(*changes))
    assert [at for at, _ in found] == [path]
    assert found[0][1].startswith(reason)


def test_all_values_of_a_wrong_shape_are_named_at_once():
    document = changed(
        ("colour", "red"), ("ends_at", ABSENT), ("groups.1.capacity", "x"), ("sessions.0.key", 1)
    )
    assert [path for path, _ in problems_of(document)] == [
        "colour",
        "ends_at",
        "sessions[0].key",
        "groups[1].capacity",
    ]


def test_all_that_does_not_fit_together_is_named_at_once():
    document = changed(
        ("registration.closes_at", datetime(2022, 11, 19)),
        ("groups.0.session", "rounds"),
        ("mode_rules.0.leave_at", 500),
        ("reminders.0.audience", "group:x"),
    )
    assert [path for path, _ in problems_of(document)] == [
        "registration.closes_at",
        "groups[0].session",
        "mode_rules[0].leave_at",
        "reminders[0].audience",
    ]


@pytest.mark.parametrize(
    ("data", "format_", "reason"),
    [
        (b"slug = ", "toml", "Is not TOML: Invalid value (at end of document)."),
        (b"<html>", "toml", "Is not TOML: "),
        (b"slug = 1\nslug = 2", "toml", "Is not TOML: "),
        (b"starts_at = 2022-02-30T00:00:00", "toml", "Is not TOML: "),
        (b"a = " + b"1" * 5000, "toml", "Is not TOML: "),
        (b"slug = '\xff'", "toml", "Is not UTF-8 text."),
        (b"{'slug': 1}", "json", "Is not JSON: "),
        (b"", "json", "Is not JSON: "),
        (b"[]", "json", "Must be a table of keys and values."),
        (b"a = " + b"[" * 100_000, "toml", "Is nested too deeply."),
        (b'{"events": ' + b"[" * 900 + b"]" * 900 + b"}", "json", "Is nested too deeply."),
        (b"#" * 1_000_001, "toml", "Is larger than 1 MB."),
        (b"#" * 10_000_000, "toml", "Is larger than 1 MB."),
    ],
)
def test_what_is_no_event_file_is_refused_as_a_whole(data, format_, reason):
    with pytest.raises(EventFileInvalid) as refused:
        read(data, "event.toml", format_)
    [problem] = refused.value.problems
    assert (problem.file, problem.path) == ("event.toml", "")
    assert problem.reason.startswith(reason)
    assert str(refused.value) == f"event.toml: {problem.reason}"


def test_a_file_of_one_megabyte_is_read():
    text = tomli_w.dumps(WHOLE)
    data = text.encode() + b"#" * (1_000_000 - len(text.encode()))
    assert read(data, "event.toml") == read(text.encode(), "event.toml")


def test_a_byte_order_mark_and_line_ends_of_windows_change_nothing():
    document = changed(("description", {"de": "Erste Zeile\nzweite Zeile\n"}))
    text = tomli_w.dumps(document, multiline_strings=True)
    plain = read(text.encode(), "event.toml")
    assert read(text.replace("\n", "\r\n").encode("utf-8-sig"), "event.toml") == plain
    as_json = {**to_document(plain.events[0]), "description": {"de": "Erste Zeile\r\nzweite Zeile\r\n"}}
    assert from_document(as_json) == plain.events[0]


def test_problems_in_a_series_say_in_which_event():
    document: dict[str, Any] = {
        "series": {"slug": "s", "title": {"en": "S"}},
        "events": [WHOLE, {**WHOLE, "colour": 1}],
    }
    assert problems_of(document) == [("events[1].colour", "Is not a known key.")]
    del document["events"][1]["colour"]
    document["events"][1]["ends_at"] = WHOLE["starts_at"]
    assert problems_of(document) == [
        ("series.title.de", "Is missing: the title in the default language."),
        ("events[1].ends_at", "Must be after starts_at."),
        ("events[1].slug", "Another event of this run has dialog already."),
    ]


def test_a_series_without_events_is_refused():
    assert problems_of({"series": {"slug": "s", "title": {"de": "S"}}}) == [("events", "Is missing.")]
    assert problems_of({"series": {"slug": "s", "title": {"de": "S"}}, "events": []}) == [
        ("events", "Must have 1 entries at least.")
    ]
    assert problems_of({"events": 1}) == [("events", "Must be a list.")]


def test_a_slug_used_twice_in_one_run_is_refused_with_the_problems_of_all_files(tmp_path):
    first, second, third = tmp_path / "first.toml", tmp_path / "second.json", tmp_path / "third.toml"
    first.write_text(tomli_w.dumps(changed(("short", "dialog"))))
    second.write_bytes(msgspec.json.encode(changed(("short", "dialog"))))
    third.write_text("slug = 1")
    with pytest.raises(EventFileInvalid) as refused:
        read_files([first, second, third, tmp_path / "absent.toml"])
    lines = str(refused.value).splitlines()
    assert lines[0] == f"{second}: slug: Another event of this run has dialog already."
    assert lines[1] == f"{second}: short: Another event of this run has dialog already."
    assert lines[2].startswith(f"{third}: slug: Must be small letters")
    assert lines[-1] == f"{tmp_path / 'absent.toml'}: Cannot be read: No such file or directory."


def test_the_default_language_of_the_town_is_that_of_events_which_name_none():
    document = changed(("title", {"en": "Living together"}))
    assert (
        read(tomli_w.dumps(document).encode(), "x", default_language="en").events[0].default_language == "en"
    )


def test_the_examples_are_read_and_written_again():
    files = read_files(sorted(EXAMPLES.glob("*.toml")))
    assert [event.slug for file in files for event in file.events] == [
        "integrationskonferenz-ost-2019",
        "gemeinsam-leben-2022",
        "werkstatttreffen-herford-2023",
        "impulsforum-begegnungen",
        "integrationskonferenz-2023",
        "workshop-sprache-bildung-2023",
        "workshop-gesundheit-pflege-2023",
    ]
    for file in files:
        text = write(file)
        assert read(text.encode(), "again.toml") == file
        assert write(read(text.encode(), "again.toml")) == text
        assert remarks(file) == []


def test_the_event_of_guetersloh_is_read_in_full():
    event = read(GUETERSLOH.read_bytes(), "x").events[0]
    assert event.short == "integration"
    assert event.registration == RegistrationSpec(
        opens_at=datetime(2022, 10, 17, 9),
        closes_at=datetime(2022, 11, 13, 23, 59, 59),
        capacity=120,
        digital_capacity=300,
    )
    assert [group.key for group in event.groups if group.moderators] == ["wohnen"]
    assert event.mode_rules == (
        ModeRuleSpec(
            indicator="rki-incidence",
            region="05754",
            region_title={"de": "Gütersloh", "en": "Gütersloh", "tr": "Gütersloh", "ar": "غوترسلو"},
            enter_at=400.0,
            leave_at=300.0,
            enter_after=3,
            leave_after=5,
            max_age_hours=72,
            freeze_hours=48,
        ),
    )
    assert event.mode_rules[0].effective_key == "rki-incidence/05754/digital"


@pytest.mark.parametrize(
    ("start", "weekday", "starts_at", "ends_at", "opens_at", "closes_at", "talk_at"),
    [
        # The day of the real event was a Friday.
        ("2022-11-18", 4, "2022-11-18 16:00", "2022-11-18 19:00", "2022-10-17 09:00", "2022-11-13", "16:15"),
        ("2027-03-01", 0, "2027-03-01 16:00", "2027-03-01 19:00", "2027-01-28 09:00", "2027-02-24", "16:15"),
        # Clocks go forward on Sunday, 2027-03-28: local times stay.
        ("2027-04-01", 3, "2027-04-01 16:00", "2027-04-01 19:00", "2027-02-28 09:00", "2027-03-27", "16:15"),
        # Over a 29 February, and back in time.
        ("2028-03-01", 2, "2028-03-01 16:00", "2028-03-01 19:00", "2028-01-29 09:00", "2028-02-25", "16:15"),
        ("2021-11-01", 0, "2021-11-01 16:00", "2021-11-01 19:00", "2021-09-30 09:00", "2021-10-27", "16:15"),
    ],
)
def test_all_dates_move_by_the_same_number_of_days(
    start, weekday, starts_at, ends_at, opens_at, closes_at, talk_at
):
    event = read(GUETERSLOH.read_bytes(), "x", start=date.fromisoformat(start)).events[0]
    assert event.starts_at.weekday() == weekday
    assert (event.starts_at, event.ends_at) == (
        datetime.fromisoformat(starts_at),
        datetime.fromisoformat(ends_at),
    )
    assert event.registration.opens_at == datetime.fromisoformat(opens_at)
    assert event.registration.closes_at == datetime.fromisoformat(f"{closes_at} 23:59:59")
    assert event.sessions[1].starts_at == datetime.fromisoformat(f"{start} {talk_at}")


def test_the_earliest_event_of_a_series_begins_on_the_day():
    file = read(SERIES.read_bytes(), "x")
    later_first = EventFile(series=file.series, events=file.events[::-1])
    moved = shift(later_first, date(2027, 5, 14))
    assert [event.starts_at for event in moved.events] == [
        datetime(2027, 9, 9, 16),
        datetime(2027, 6, 17, 16),
        datetime(2027, 5, 14, 14),
    ]
    assert shift(moved, date(2023, 5, 12)) == later_first


def test_the_end_of_a_rule_moves_too():
    document = changed(("mode_rules.0.expires_on", date(2022, 12, 31)))
    [event] = read(tomli_w.dumps(document).encode(), "x", start=date(2022, 11, 19)).events
    assert event.mode_rules[0].expires_on == date(2023, 1, 1)


def test_the_clocks_are_asked_after_the_move():
    night = changed(
        ("starts_at", datetime(2022, 3, 26, 22)),
        ("ends_at", datetime(2022, 3, 27, 2, 30)),
        ("registration", ABSENT),
        ("sessions", []),
        ("groups", []),
    )
    assert [path for path, _ in problems_of(night)] == ["ends_at"]
    data = tomli_w.dumps(night).encode()
    assert read(data, "x", start=date(2022, 3, 25)).events[0].ends_at == datetime(2022, 3, 26, 2, 30)
    with pytest.raises(EventFileInvalid, match=r"x: ends_at: Exists twice in Europe/Berlin"):
        read(data, "x", start=date(2022, 10, 29))


def test_a_day_out_of_the_calendar_is_refused():
    data = tomli_w.dumps(WHOLE).encode()
    with pytest.raises(EventFileInvalid, match="Must be in the years 1970 to 2199"):
        read(data, "x", start=date(9999, 12, 1))
    far = changed(("ends_at", datetime(2030, 1, 1)))
    with pytest.raises(EventFileInvalid, match="Cannot be moved to 9999-12-01"):
        read(tomli_w.dumps(far).encode(), "x", start=date(9999, 12, 1))


def test_a_session_outside_the_event_is_worth_a_remark():
    document = changed(("sessions.1.ends_at", datetime(2022, 11, 18, 20)))
    file = read(tomli_w.dumps(document).encode(), "x")
    assert [tuple(remark) for remark in remarks(file)] == [
        ("dialog", "sessions[1]", "Is not within the time of the event.")
    ]


def test_one_venue_and_one_session_are_written_as_such():
    document = tomllib.loads(write(read(tomli_w.dumps(WHOLE).encode(), "x")))
    assert document["venue"] == {"name": "Stadthalle"}
    assert document["groups"][0]["session"] == "groups"
    assert "venues" not in document
    assert "sessions" not in document["groups"][0]


def test_times_in_json_have_no_offset():
    document = to_document(read(tomli_w.dumps(WHOLE).encode(), "x").events[0])
    assert json.loads(json.dumps(document)) == document
    assert document["starts_at"] == "2022-11-18T16:00:00"
    assert from_document(document).starts_at == datetime(2022, 11, 18, 16)
    with pytest.raises(EventFileInvalid, match=r"^starts_at: Must be a local date and time without offset"):
        from_document({**document, "starts_at": "2022-11-18T16:00:00+01:00"})


# RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_does_what_its_standard_shows(original, patch, result):
    before = deepcopy((original, patch))
    assert merge_patch(original, patch) == result
    assert (original, patch) == before


def test_a_patch_changes_what_it_names_and_nothing_else():
    event = read(tomli_w.dumps(WHOLE).encode(), "x").events[0]
    assert patched(event, {}) == event
    bigger = patched(event, {"registration": {"capacity": 5, "closes_at": None}, "venue": {"room": "Saal"}})
    assert bigger.registration == RegistrationSpec(opens_at=datetime(2022, 10, 17, 9), capacity=5)
    assert bigger.venues == (VenueSpec(name="Stadthalle", room="Saal"),)
    assert patched(event, {"title": {"en": "Living together"}}).title == {
        "de": "Gemeinsam leben",
        "en": "Living together",
    }


def test_a_patch_may_replace_one_venue_by_several_and_back():
    event = read(tomli_w.dumps(WHOLE).encode(), "x").events[0]
    two = patched(event, {"venues": [{"key": "a", "name": "A"}, {"key": "b", "name": "B"}]})
    assert [venue.key for venue in two.venues] == ["a", "b"]
    assert patched(two, {"venue": {"name": "Stadthalle"}}) == event
    assert patched(event, {"venue": None}).venues == ()


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ("online", ": Must be a table of keys and values."),
        ({"slug": None}, "slug: Is missing."),
        ({"colour": "red"}, "colour: Is not a known key."),
        ({"registration": {"closes_at": "2022-11-19T00:00:00"}}, "registration.closes_at: Must not be after"),
        ({"groups": [{"key": "x", "title": {"de": "X"}}]}, r"groups\[0\].session: Is missing"),
    ],
)
def test_a_patch_that_leads_to_no_usable_event_is_refused(patch, problem):
    event = read(tomli_w.dumps(WHOLE).encode(), "x").events[0]
    with pytest.raises(EventFileInvalid, match=f"^{problem.removeprefix(': ')}"):
        patched(event, patch)


def test_a_patch_nested_without_end_is_refused():
    event = read(tomli_w.dumps(WHOLE).encode(), "x").events[0]
    patch: dict[str, Any] = {}
    for _ in range(5000):
        patch = {"a": patch}
    with pytest.raises(EventFileInvalid, match="Is nested too deeply"):
        patched(event, patch)


KEYS = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True)
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\u202d\u202e")
LINES = st.text(CHARACTERS, min_size=1, max_size=12).filter(str.strip)
TEXTS = st.text(CHARACTERS | st.sampled_from('\n\t"\\'), min_size=1, max_size=12).filter(str.strip)
LANGUAGES = st.sampled_from(["de", "en", "de-simple", "ar", "pt-BR"])
BY_LANGUAGE = st.dictionaries(LANGUAGES, LINES, max_size=2)
TITLES = st.dictionaries(LANGUAGES, LINES, min_size=1, max_size=2)
LONG = st.dictionaries(LANGUAGES, TEXTS, max_size=2)
LIMITS = st.none() | st.integers(0, 1_000_000)
EMAILS = st.sampled_from(["a@example.org", "b.c@example.org", "jürgen@exämple.org"])
# At noon no clocks change in Berlin.
NOONS = st.integers(-9000, 20_000).map(lambda days: datetime(2000, 1, 1, 12, 30, 5) + timedelta(days=days))


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def distinct(strategy: st.SearchStrategy[Any], size: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=size, unique_by=lambda part: part.key).map(tuple)


VENUES = st.builds(
    VenueSpec,
    key=KEYS,
    name=LINES,
    room=optional(LINES),
    street=optional(LINES),
    postal_code=optional(LINES),
    locality=optional(LINES),
    country=st.sampled_from([None, "DE"]),
    access=LONG,
)
CONTACTS = st.builds(
    ContactSpec, role=BY_LANGUAGE, name=optional(LINES), email=optional(EMAILS), phone=optional(LINES)
).filter(lambda contact: contact != ContactSpec())
LEVELS = st.floats(-1e12, 1e12)
RULES = st.builds(
    lambda levels, **rest: ModeRuleSpec(leave_at=min(levels), enter_at=max(levels), **rest),
    levels=st.tuples(LEVELS, LEVELS),
    indicator=st.sampled_from(["rki-incidence", "dwd-warnings"]),
    region=LINES,
    enter_after=optional(st.integers(1, 100)),
    leave_after=optional(st.integers(1, 100)),
    settle_days=optional(st.integers(0, 366)),
    trend=st.sampled_from(["any", "rising"]),
    mode=st.sampled_from(["digital", "hybrid"]),
    max_age_hours=optional(st.integers(1, 8784)),
    evaluate_days=optional(st.integers(0, 366)),
    freeze_hours=optional(st.integers(0, 8784)),
    approval=st.sampled_from(["automatic", "propose"]),
    expires_on=optional(st.dates(date(2000, 1, 1), date(2100, 1, 1))),
    key=optional(LINES),
).filter(lambda rule: rule.key != rule.default_key)
CHOICES = st.builds(ChoiceSpec, key=KEYS, label=TITLES)
BOUNDS = st.integers(-100, 100).map(float)
QUESTIONS = st.one_of(
    st.builds(
        QuestionSpec,
        key=KEYS,
        type=st.sampled_from(["text", "yes_no", "number"]),
        label=TITLES,
        hint=LONG,
        purpose=BY_LANGUAGE,
        required=st.booleans(),
        special_category=st.booleans(),
    ),
    st.builds(
        QuestionSpec,
        key=KEYS,
        type=st.sampled_from(["choice", "choices"]),
        label=TITLES,
        choices=distinct(CHOICES, 3).filter(len),
    ),
    st.builds(
        lambda bounds, **rest: QuestionSpec(type="number", min=min(bounds), max=max(bounds), **rest),
        bounds=st.tuples(BOUNDS, BOUNDS),
        key=KEYS,
        label=TITLES,
    ),
    st.builds(QuestionSpec, key=KEYS, type=st.just("consent"), label=TITLES, hint=LONG),
    st.builds(QuestionSpec, key=KEYS, type=st.just("text"), label=TITLES, multiline=st.booleans()),
    st.builds(
        QuestionSpec,
        preset=st.sampled_from(["access", "food", "district"]),
        key=KEYS,
        label=BY_LANGUAGE,
        required=st.booleans(),
    ),
)
TOPICS = st.builds(
    TopicSpec, title=TITLES, challenge=LONG, affected=LONG, outcome=LONG, ideas=LONG, next_steps=LONG
)


@st.composite
def registrations(draw: st.DrawFn, starts_at: datetime) -> RegistrationSpec:
    closes_at = draw(optional(st.integers(0, 50).map(lambda days: starts_at - timedelta(days=days))))
    opens_at = draw(optional(st.integers(51, 90).map(lambda days: starts_at - timedelta(days=days))))
    return RegistrationSpec(
        opens_at=opens_at,
        closes_at=closes_at,
        capacity=draw(LIMITS),
        digital_capacity=draw(LIMITS),
        hybrid_capacity=draw(LIMITS),
        waitlist=draw(st.booleans()),
        confirm_email=draw(st.booleans()),
        hold_hours=draw(st.integers(1, 720)),
        allocation=draw(st.sampled_from(["first_come", "at_deadline"])),
    )


@st.composite
def events(draw: st.DrawFn) -> EventDocument:
    starts_at = draw(NOONS)
    venues = draw(distinct(VENUES, 3))
    sessions = draw(
        distinct(
            st.builds(
                SessionSpec,
                key=KEYS,
                kind=KEYS,
                venue=st.sampled_from([None, *(venue.key for venue in venues)]),
                starts_at=st.just(starts_at),
                ends_at=st.integers(1, 9).map(lambda hours: starts_at + timedelta(hours=hours)),
                title=TITLES,
                speaker=BY_LANGUAGE,
                optional=st.booleans(),
                capacity=LIMITS,
            ),
            3,
        )
    )
    groups: tuple[GroupSpec, ...] = ()
    if sessions:
        within = st.lists(st.sampled_from([s.key for s in sessions]), min_size=1, unique=True).map(tuple)
        groups = draw(
            distinct(
                st.builds(
                    GroupSpec,
                    key=KEYS,
                    sessions=within,
                    title=TITLES,
                    capacity=LIMITS,
                    digital_capacity=LIMITS,
                    moderators=st.lists(EMAILS, unique=True).map(tuple),
                ),
                3,
            )
        )
    audiences = ["all", "in_person", "online", "unconfirmed", *(f"group:{group.key}" for group in groups)]
    reminders = draw(
        st.lists(
            st.one_of(
                st.builds(
                    ReminderSpec,
                    before=st.sampled_from(["7 days", "1 day", "2 weeks"]),
                    at=st.sampled_from([None, "09:00", "23:59"]),
                    audience=st.sampled_from(audiences),
                    text=LONG,
                ),
                st.builds(ReminderSpec, before=st.sampled_from(["2 hours", "30 minutes"]), text=LONG),
            ),
            max_size=3,
            unique_by=lambda reminder: (reminder.before, reminder.at, reminder.audience),
        )
    )
    language = draw(LANGUAGES)
    return EventDocument(
        slug=draw(KEYS),
        short=draw(optional(KEYS)),
        kind=draw(KEYS),
        timezone="Europe/Berlin",
        default_language=language,
        status=draw(st.sampled_from(EventStatus)),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=draw(st.integers(0, 3)), hours=draw(st.integers(1, 9))),
        mode=draw(st.sampled_from(Mode)),
        retention_days=draw(st.integers(0, 3650)),
        title={**draw(BY_LANGUAGE), language: draw(LINES)},
        summary=draw(LONG),
        description=draw(LONG),
        registration=draw(registrations(starts_at)),
        venues=venues,
        contact=draw(optional(CONTACTS)),
        meeting=draw(st.sampled_from([None, MeetingSpec(url="https://meet.example.org/x?y#z")])),
        sessions=sessions,
        groups=groups,
        topics=tuple(draw(st.lists(TOPICS, max_size=2))),
        mode_rules=tuple(
            draw(st.lists(RULES, max_size=2, unique_by=lambda rule: rule.effective_key)),
        ),
        reminders=tuple(reminders),
        questions=draw(distinct(QUESTIONS, 2)),
    )


@st.composite
def files(draw: st.DrawFn) -> EventFile:
    several = draw(
        st.lists(events(), min_size=1, max_size=2, unique_by=(lambda e: e.slug, lambda e: e.short or e.slug))
    )
    language = draw(LANGUAGES)
    series = SeriesSpec(
        slug=draw(KEYS),
        default_language=language,
        title={language: draw(LINES)},
        summary=draw(LONG),
        description=draw(LONG),
    )
    return EventFile(series=draw(st.sampled_from([None, series])), events=tuple(several))


slowly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slowly
@given(files())
def test_what_is_written_is_read_as_the_same(file):
    text = write(file)
    again = read(text.encode(), "again.toml")
    assert again == file
    assert write(again) == text


@slowly
@given(events())
def test_what_becomes_a_document_comes_back_as_the_same(event):
    document = json.loads(json.dumps(to_document(event)))
    assert from_document(document) == event
    assert patched(event, {}) == event


@slowly
@given(events(), st.integers(-300, 300))
def test_a_move_there_and_back_changes_nothing(event, days):
    file = EventFile(events=(event,))
    there = shift(file, event.starts_at.date() + timedelta(days=days))
    assert there.events[0].starts_at - event.starts_at == timedelta(days=days)
    assert shift(there, event.starts_at.date()) == file


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(slowly, max_examples=200)
@given(st.data())
def test_junk_at_any_place_is_refused_or_used_and_never_an_accident(data):
    document = to_document(from_document(to_document(read(tomli_w.dumps(WHOLE).encode(), "x").events[0])))
    table: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(table) if isinstance(table, dict) else range(len(table))))
        if not isinstance(table[key], dict | list) or not table[key] or data.draw(st.booleans()):
            break
        table = table[key]
    table[key] = data.draw(JUNK)
    with suppress(EventFileInvalid):
        event = from_document(document)
        assert from_document(to_document(event)) == event
