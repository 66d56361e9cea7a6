"""The environment of pages and mails. In expected texts `~` stands for a hard space."""

import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from babel import Locale
from jinja2 import UndefinedError

from dialograum.languages import LANGUAGES, Language
from dialograum.pages import (
    AssetsMissing,
    LanguageUnknown,
    Site,
    break_title,
    choose_text,
    day_alone,
    day_full,
    day_weekday,
    environment,
    json_block,
    markdown,
    month_short,
    read_assets,
    weekday_short,
)

DE, EN = LANGUAGES["de"], LANGUAGES["en"]
ARABIC = Language("ar", Locale.parse("ar"), "rtl", "العربية")
FRENCH = Language("fr", Locale.parse("fr"), "ltr", "Français")
POLISH, ROMANIAN, RUSSIAN, UKRAINIAN = (
    Language(code, Locale.parse(code), "ltr", code) for code in ("pl", "ro", "ru", "uk")
)
TURKISH = Language("tr", Locale.parse("tr"), "ltr", "Türkçe")
EASY = Language("de-simple", Locale.parse("de"), "ltr", "Leichte Sprache", ("de",))

SITE = Site(
    town="Gütersloh",
    base_url="https://dialog.example.org/",
    privacy_url="/privacy",
    imprint_url="https://town.example.org/imprint",
    languages=(DE, EN),
    default_language=DE,
)
NOW = datetime(2022, 10, 1, 12, 32, tzinfo=UTC)


@pytest.fixture(scope="module")
def jinja():
    return environment(SITE, lambda: NOW, assets={"kern.css": "kern.95886f9b5fa1.css"})


@pytest.fixture(scope="module")
def say(jinja):
    def render(source, language=DE, **context):
        return jinja.from_string(source).render(language=language, **context)

    return render


def request(path="/events/x", prefix="", query=b"", language=DE):
    state = {"language": language, "language_prefix": prefix}
    return SimpleNamespace(scope={"path": path, "query_string": query, "state": state})


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
    for language, words in ((DE, "16~Uhr"), (EN, "16:00"), (ARABIC, "16:00")):
        said = say("{{ at|clock }} {{ at|clock_words }}", language, at=day("2022-10-21T16:00"))
        assert said.replace("\u00a0", "~") == f"16:00 {words}"
    assert say("{{ at|clock_words }}", at=day("2022-10-21T08:05")) == "8:05\u00a0Uhr"


def test_numbers_have_the_separators_of_the_language(say):
    assert say("{{ 1234.5|number }}", DE) == "1.234,5"
    assert say("{{ 1234.5|number }}", EN) == "1,234.5"


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


# Texts


@pytest.mark.parametrize(
    ("texts", "language", "default", "expected"),
    [
        ({"de": "D", "en": "E"}, EN, "de", ("en", "E")),
        ({"de": "D", "tr": "T"}, EN, "de", ("de", "D")),
        ({"de": "D", "tr": "T"}, EN, "tr", ("tr", "T")),
        ({"de": "D", "en": "E"}, EASY, "en", ("de", "D")),
        ({"tr": "T"}, EN, "de", ("tr", "T")),
        ({"en": "", "de": "D"}, EN, "de", ("de", "D")),
        ({}, EN, "de", ("en", "")),
        (None, EN, "de", ("en", "")),
    ],
)
def test_a_reader_gets_the_nearest_text_and_its_language(say, texts, language, default, expected):
    assert choose_text(texts, language, default) == expected
    source = "{{ texts|text_language(default) }},{{ texts|text(default) }}"
    assert say(source, language, texts=texts, default=default) == ",".join(expected)


def test_the_towns_language_is_the_default_of_texts(say):
    assert say("{{ texts|text }}", ARABIC, texts={"en": "E", "de": "D"}) == "D"


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("Gemeinsam leben: Dialog", ("Gemeinsam leben", "Dialog")),
        ("Dialog", ("Dialog", "")),
        ("Um 16:30 los", ("Um 16:30 los", "")),
        ("A: B: C", ("A", "B: C")),
        ("", ("", "")),
    ],
)
def test_a_title_breaks_at_its_first_colon(title, parts):
    assert break_title(title) == parts


def test_markdown_becomes_html_below_the_pages_headings():
    assert (
        markdown("# A\n\n## B\n\n**b** *i*\n")
        == "<h3>A</h3>\n<h4>B</h4>\n<p><strong>b</strong> <em>i</em></p>\n"
    )
    assert markdown("### A", level=2) == "<h2>A</h2>\n"
    assert markdown("# A\n###### F", level=6) == "<h6>A</h6>\n<h6>F</h6>\n"
    assert markdown(None) == ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("[a](data:text/html,x)", "<p>[a](data:text/html,x)</p>\n"),
        ("[a](https://x.example)", '<p><a href="https://x.example" rel="noopener">a</a></p>\n'),
        ("[a](mailto:a@x.example)", '<p><a href="mailto:a@x.example" rel="noopener">a</a></p>\n'),
        ("![Plan](https://x.example/p.png)", "<p>Plan</p>\n"),
        ("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>\n"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>\n'),
        ('```x" onload="y\na\n```', "<pre><code>a\n</code></pre>\n"),
        (
            "|a|\n|:-:|\n|b|",
            "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table>\n",
        ),
    ],
)
def test_markdown_brings_no_scripts_styles_or_pictures(source, expected):
    assert markdown(source) == expected


def test_a_data_block_cannot_be_left():
    value = {"name": "</script><!-- & \u2028 \u2029 \"'"}
    block = json_block(value)
    assert not set("<>&\u2028\u2029") & set(block)
    assert json.loads(block) == value


# Pages and mails


def test_pages_escape_and_mails_do_not(jinja):
    assert jinja.autoescape("pages/event.html") is True
    assert jinja.autoescape("mail/confirm/body.html") is True
    assert jinja.autoescape("mail/confirm/body.txt") is False
    assert jinja.autoescape(None) is False


def test_what_is_not_given_is_an_error(say):
    with pytest.raises(UndefinedError):
        say("{{ nothing }}")


def test_the_language_is_given_or_the_requests(jinja):
    template = jinja.from_string(
        "{{ pgettext('time of day', '%(clock)s', clock='16:00', clock_short='16') }}"
    )
    assert template.render(language=DE) == "16 Uhr"
    assert template.render(language="en") == "16:00"
    assert template.render(request=request(language=DE)) == "16 Uhr"
    assert template.render(request=request(language=DE), language=EN) == "16:00"


@pytest.mark.parametrize("context", [{}, {"language": "xx"}, {"language": None}])
def test_a_rendering_without_a_language_says_so(jinja, context):
    with pytest.raises(LanguageUnknown):
        jinja.from_string("{{ _('x') }}").render(context)


def test_messages_have_plurals_and_values(say):
    source = "{% trans count=n, name='<b>' %}{{ count }} of {{ name }}{% pluralize %}{{ count }} seats{% endtrans %}"
    assert say(source, EN, n=1) == "1 of <b>"
    assert say(source, EN, n=2) == "2 seats"


def test_the_site_is_known_to_every_page(say):
    assert say("{{ town }} {{ privacy_url }} {{ imprint_url }} {{ now().isoformat() }}") == (
        "Gütersloh /privacy https://town.example.org/imprint 2022-10-01T12:32:00+00:00"
    )
    assert say("{{ languages|map(attribute='autonym')|join(' ') }}") == "Deutsch English"


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/events/x", "", "/events/x"),
        ("/events/x", "/en", "/en/events/x"),
        ("/", "", "/"),
        ("/", "/en", "/en"),
        ("https://town.example.org/imprint", "/en", "https://town.example.org/imprint"),
        ("#groups", "/en", "#groups"),
        ("mailto:a@example.org", "/en", "mailto:a@example.org"),
    ],
)
def test_an_address_keeps_the_language_that_was_chosen(say, path, prefix, expected):
    assert say("{{ url(path) }}", path=path, request=request(prefix=prefix)) == expected


def test_a_mail_has_no_prefix_and_whole_addresses(say):
    assert say("{{ url('/events/x') }} {{ absolute('/events/x') }}") == (
        "/events/x https://dialog.example.org/events/x"
    )


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/", b"", "/en"),
        ("/events/x", b"", "/en/events/x"),
        ("/", b"q=a%26b&mode=", "/en?q=a%26b&mode="),
        ("/", b"lang=de&q=%C3%BC", "/en?q=%C3%BC"),
    ],
)
def test_the_same_page_in_another_language(say, path, query, expected):
    assert say("{{ language_url('en') }}", request=request(path, "/de", query)) == expected


def test_assets_have_the_address_with_their_hash(say):
    assert say("{{ asset('kern.css') }}") == "/static/kern.95886f9b5fa1.css"
    with pytest.raises(AssetsMissing, match=r"other\.css.*bin/setup"):
        say("{{ asset('other.css') }}")


def test_missing_assets_name_the_command(tmp_path):
    with pytest.raises(AssetsMissing, match="bin/setup"):
        read_assets(tmp_path)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "manifest.json").write_text('{"a.css": "a.1.css"}')
    assert read_assets(tmp_path) == {"a.css": "a.1.css"}
