"""The environment of pages and mails."""

import json
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
    environment,
    json_block,
    markdown,
    read_assets,
)

DE, EN = LANGUAGES["de"], LANGUAGES["en"]
ARABIC = Language("ar", Locale.parse("ar"), "rtl", "العربية")
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


# Texts


def test_numbers_have_the_separators_of_the_language(say):
    assert say("{{ 1234.5|number }}", DE) == "1.234,5"
    assert say("{{ 1234.5|number }}", EN) == "1,234.5"


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
