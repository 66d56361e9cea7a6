"""Days and times in words. In expected texts `~` stands for a hard space."""

import re
from datetime import datetime
from types import SimpleNamespace

import pytest
from babel import Locale

from dialograum.languages import LANGUAGES, Language
from dialograum.pages import Site, day_alone, day_full, day_weekday, environment, month_short, weekday_short

DE, EN = LANGUAGES["de"], LANGUAGES["en"]
ARABIC = Language("ar", Locale.parse("ar"), "rtl", "العربية")
FRENCH, POLISH, ROMANIAN, RUSSIAN, TURKISH, UKRAINIAN = (
    Language(code, Locale.parse(code), "ltr", code) for code in ("fr", "pl", "ro", "ru", "tr", "uk")
)
EASY = Language("de-simple", Locale.parse("de"), "ltr", "Leichte Sprache", ("de",))


@pytest.fixture(scope="module")
def say():
    made = environment(Site("Gütersloh", "https://dialog.example.org/", "", "", (DE, EN), DE), assets={})

    def render(source, language=DE, **context):
        return made.from_string(source).render(language=language, **context)

    return render


def day(text):
    return datetime.fromisoformat(text)


# Days


@pytest.mark.parametrize(
    ("on", "language", "full", "weekday", "alone", "short", "month"),
    [
        ("2022-10-21", DE, "Freitag, 21.~Oktober 2022", "Freitag, 21.~Oktober", "21.~Oktober", "Fr", "Okt."),
        (
            "2022-11-18",
            DE,
            "Freitag, 18.~November 2022",
            "Freitag, 18.~November",
            "18.~November",
            "Fr",
            "Nov.",
        ),
        ("2022-10-01", DE, "Samstag, 1.~Oktober 2022", "Samstag, 1.~Oktober", "1.~Oktober", "Sa", "Okt."),
        ("2023-03-05", DE, "Sonntag, 5.~März 2023", "Sonntag, 5.~März", "5.~März", "So", "März"),
        (
            "2024-02-29",
            DE,
            "Donnerstag, 29.~Februar 2024",
            "Donnerstag, 29.~Februar",
            "29.~Februar",
            "Do",
            "Feb.",
        ),
        (
            "2026-12-31",
            DE,
            "Donnerstag, 31.~Dezember 2026",
            "Donnerstag, 31.~Dezember",
            "31.~Dezember",
            "Do",
            "Dez.",
        ),
        ("2027-01-01", DE, "Freitag, 1.~Januar 2027", "Freitag, 1.~Januar", "1.~Januar", "Fr", "Jan."),
        (
            "2022-10-21",
            EASY,
            "Freitag, 21.~Oktober 2022",
            "Freitag, 21.~Oktober",
            "21.~Oktober",
            "Fr",
            "Okt.",
        ),
        ("2022-10-21", EN, "Friday, 21~October 2022", "Friday, 21~October", "21~October", "Fri", "Oct"),
        ("2023-06-01", EN, "Thursday, 1~June 2023", "Thursday, 1~June", "1~June", "Thu", "Jun"),
        (
            "2022-10-21",
            ARABIC,
            "الجمعة، 21~أكتوبر 2022",
            "الجمعة، 21~أكتوبر",
            "21~أكتوبر",
            "الجمعة",
            "أكتوبر",
        ),
        (
            "2022-10-21",
            FRENCH,
            "vendredi 21~octobre 2022",
            "vendredi 21~octobre",
            "21~octobre",
            "ven.",
            "oct.",
        ),
        ("2022-10-21", TURKISH, "21~Ekim 2022 Cuma", "21~Ekim Cuma", "21~Ekim", "Cum", "Eki"),
        (
            "2022-10-21",
            POLISH,
            "piątek, 21~października 2022",
            "piątek, 21~października",
            "21~października",
            "pt.",
            "paź",
        ),
        (
            "2022-10-21",
            ROMANIAN,
            "vineri, 21~octombrie 2022",
            "vineri, 21~octombrie",
            "21~octombrie",
            "vin.",
            "oct.",
        ),
        (
            "2022-10-21",
            RUSSIAN,
            "пятница, 21~октября 2022\u202fг.",
            "пятница, 21~октября",
            "21~октября",
            "пт",
            "окт.",
        ),
        (
            "2022-10-21",
            UKRAINIAN,
            "пʼятниця, 21~жовтня 2022\u202fр.",
            "пʼятниця, 21~жовтня",
            "21~жовтня",
            "пт",
            "жовт.",
        ),
    ],
)
def test_days_are_said_as_the_language_does(on, language, full, weekday, alone, short, month):
    said = [
        words(day(on), language) for words in (day_full, day_weekday, day_alone, weekday_short, month_short)
    ]
    assert [text.replace("\u00a0", "~") for text in said] == [full, weekday, alone, short, month]


def test_every_shipped_language_says_every_day_of_a_year():
    for language in LANGUAGES.values():
        said = {day_weekday(datetime.fromordinal(738000 + n), language) for n in range(365)}
        assert len(said) == 365


# Times


@pytest.mark.parametrize(
    ("start", "end", "german", "english"),
    [
        ("2022-10-21T16:00", "2022-10-21T19:00", "16~bis~19~Uhr", "16:00~to~19:00"),
        ("2022-10-21T16:30", "2022-10-21T19:00", "16:30~bis~19~Uhr", "16:30~to~19:00"),
        ("2022-10-21T16:00", "2022-10-21T18:45", "16~bis~18:45~Uhr", "16:00~to~18:45"),
        ("2022-10-21T09:05", "2022-10-21T12:00", "9:05~bis~12~Uhr", "09:05~to~12:00"),
        ("2022-10-21T00:00", "2022-10-21T08:00", "0~bis~8~Uhr", "00:00~to~08:00"),
        ("2022-10-21T20:00", "2022-10-22T00:00", "20~bis~24~Uhr", "20:00~to~24:00"),
        (
            "2022-10-21T20:00",
            "2022-10-22T00:30",
            "20~Uhr bis Samstag, 22.~Oktober, 0:30~Uhr",
            "20:00 to Saturday, 22~October, 00:30",
        ),
        (
            "2022-10-21T16:30",
            "2022-10-23T12:00",
            "16:30~Uhr bis Sonntag, 23.~Oktober, 12~Uhr",
            "16:30 to Sunday, 23~October, 12:00",
        ),
        (
            "2022-10-21T16:00",
            "2022-10-23T00:00",
            "16~Uhr bis Samstag, 22.~Oktober, 24~Uhr",
            "16:00 to Saturday, 22~October, 24:00",
        ),
        (
            "2022-12-31T20:00",
            "2023-01-01T02:00",
            "20~Uhr bis Sonntag, 1.~Januar, 2~Uhr",
            "20:00 to Sunday, 1~January, 02:00",
        ),
    ],
)
def test_a_span_is_said_by_24_hours(say, start, end, german, english):
    for language, expected in ((DE, german), (EN, english)):
        said = say("{{ span(start, end) }}", language, start=day(start), end=day(end))
        assert said.replace("\u00a0", "~") == expected


@pytest.mark.parametrize(
    ("at", "german", "english"),
    [
        ("2022-10-01T14:32", "Samstag, 1.~Oktober, 14:32~Uhr", "Saturday, 1~October, 14:32"),
        ("2022-10-02T14:00", "Sonntag, 2.~Oktober, 14~Uhr", "Sunday, 2~October, 14:00"),
        ("2022-10-03T00:00", "Montag, 3.~Oktober, 0~Uhr", "Monday, 3~October, 00:00"),
        ("2022-11-13T23:59:59", "Sonntag, 13.~November, 23:59~Uhr", "Sunday, 13~November, 23:59"),
    ],
)
def test_a_moment_has_its_weekday(say, at, german, english):
    assert say("{{ at|moment }}", DE, at=day(at)).replace("\u00a0", "~") == german
    assert say("{{ at|moment }}", EN, at=day(at)).replace("\u00a0", "~") == english


def test_a_time_of_day_is_the_same_in_figures_and_differs_in_words(say):
    for language, words in ((DE, "16~Uhr"), (EN, "16:00"), (FRENCH, "16:00")):
        said = say("{{ at|clock }} {{ at|clock_words }}", language, at=day("2022-10-21T16:00"))
        assert said.replace("\u00a0", "~") == f"16:00 {words}"
    assert say("{{ at|clock_words }}", at=day("2022-10-21T08:05")) == "8:05\u00a0Uhr"


@pytest.mark.parametrize(
    ("ends", "expected", "has_dash"),
    [
        ("2022-10-21T19:00", "Freitag, 21.~Oktober, 16–19~Uhr", True),
        ("2022-10-22T12:00", "Freitag, 21.~Oktober, 16~Uhr bis Samstag, 22.~Oktober, 12~Uhr", False),
    ],
)
def test_times_with_a_dash_run_from_left_to_right(say, ends, expected, has_dash):
    event = SimpleNamespace(starts_local=day("2022-10-21T16:00"), ends_local=day(ends))
    source = "{% from 'macros/event.html' import when with context %}{{ when(event) }}"
    said = say(source, event=event).replace("\u00a0", "~")
    assert re.sub("<[^>]*>", "", said).strip() == expected
    assert ('dir="ltr"' in said) is has_dash
