"""Languages, and whether their catalogues are complete."""

import re
from string import Formatter
from typing import Any

import pytest
from babel import Locale

from dialograum.languages import (
    LANGUAGES,
    Language,
    Translator,
    catalogue_path,
    gaps,
    msgids,
    read_catalogue,
    update,
    updated,
)

DE, EN = LANGUAGES["de"], LANGUAGES["en"]
ARABIC = Language("ar", Locale.parse("ar"), "rtl", "العربية")
EASY = Language("de-simple", Locale.parse("de"), "ltr", "Leichte Sprache", ("de",))


# The registry


def test_german_and_english_are_shipped():
    assert [(language.code, language.direction, language.autonym) for language in (DE, EN)] == [
        ("de", "ltr", "Deutsch"),
        ("en", "ltr", "English"),
    ]


def test_no_line_ends_within_the_german_word_for_email():
    said = [str(message.string) for message in read_catalogue(catalogue_path("de"))]
    assert [text for text in said if "E-Mail" in text] == []
    assert any("E\u2011Mail" in text for text in said)


def test_german_and_english_are_complete():
    assert [language.code for language in LANGUAGES.values() if language.is_complete] == ["de", "en"]


def test_a_language_is_known_once_it_has_a_catalogue():
    assert set(LANGUAGES) == {path.stem for path in catalogue_path("de").parent.glob("*.po")}


# Catalogues


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_is_complete(code):
    found = gaps(code)
    assert not found.missing, "run python -m dialograum.languages and translate what is empty"
    assert not found.obsolete, "run python -m dialograum.languages --prune"


def texts(value: Any) -> list[str]:
    """One text, or those of a plural."""
    return [value] if isinstance(value, str) else [text for text in value if text]


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_name_only_what_their_messages_name(code):
    """Times in words have more to choose from than their English msgid names."""
    times = {"time of day", "times on one day", "times on two days", "times with a dash", "day and time"}
    for message in read_catalogue(catalogue_path(code)):
        if not message.id or message.context in times:
            continue
        known = {name for text in texts(message.id) for name in re.findall(r"%\((\w+)\)s", text)}
        for text in texts(message.string):
            assert set(re.findall(r"%\((\w+)\)s", text)) <= known, text
            assert not re.search(r"%(?!\(\w+\)s|%)", text), text


def test_messages_are_plain_text_without_format_fields():
    """A brace in a msgid is an expression that was meant to be evaluated."""
    for message in msgids():
        for text in texts(message.id):
            assert not any(name for _, name, _, _ in Formatter().parse(text) if name), text


@pytest.fixture
def templates(tmp_path):
    (tmp_path / "translations").mkdir()
    (tmp_path / "page.html").write_text(
        "{{ _('Save') }} {% trans %}\n  Two\n  lines\n{% endtrans %} {{ pgettext('month', 'May') }}"
        "{% trans count=n %}{{ count }} seat{% pluralize %}{{ count }} seats{% endtrans %}"
    )
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "built.html").write_text("{{ _('Not ours') }}")
    for code in ("de", "en", "de-simple", "ar"):
        (tmp_path / "translations" / f"{code}.po").write_text('msgid ""\nmsgstr ""\n')
    return tmp_path


def catalogue(templates, code="de"):
    return catalogue_path(code, templates)


def test_citizens_catalogues_hold_what_citizens_see(templates):
    for name, text in (
        (
            "desk/page.html",
            "{% from 'macros/list.html' import row %}{% from 'macros/both.html' import x %}{{ _('Desk') }}",
        ),
        ("pages/page.html", "{% from 'macros/both.html' import x with context %}{{ _('Page') }}"),
        (
            "macros/both.html",
            "{% from 'macros/deep.html' import y %}{% from 'macros/desk_x.html' import z %}{{ _('Both') }}",
        ),
        ("macros/deep.html", "{{ _('Deep') }}"),
        ("macros/list.html", "{{ _('List') }}"),
        ("macros/desk_x.html", "{{ _('Error at the desk') }}"),
        ("mail/kind/words.txt", "{{ _('Mail') }}"),
        (
            "mail/organisers/kind/words.txt",
            "{% from 'words/rules.txt' import x %}{{ _('Mail to organisers') }}",
        ),
        ("words/rules.txt", "{{ _('Rule') }}"),
        ("words/times.txt", "{{ _('Time') }}"),
    ):
        (templates / name).parent.mkdir(parents=True, exist_ok=True)
        (templates / name).write_text(text)
    theirs = {"Both", "Deep", "Page", "Mail", "Time"}
    organisers = {"Desk", "List", "Error at the desk", "Mail to organisers", "Rule"}
    for code, expected in (("ar", theirs), ("de-simple", theirs), ("de", theirs | organisers)):
        update(code, templates)
        assert set(gaps(code, templates).missing) & (theirs | organisers) == expected

    path = catalogue(templates, "ar")
    path.write_text(path.read_text() + '\nmsgid "Desk"\nmsgstr "x"\n')
    assert gaps("ar", templates).obsolete == ("Desk",)


def test_new_msgids_come_into_the_catalogue(templates):
    update("de", templates)
    assert gaps("de", templates).missing == ("Save", "Two lines", "month | May", "%(count)s seat")
    assert "Not ours" not in catalogue(templates).read_text()
    assert not re.search(r"\d{4}-\d\d-\d\d|^#:|page\.html", catalogue(templates).read_text(), re.MULTILINE)


def test_english_says_what_the_templates_say(templates):
    update("en", templates)
    assert gaps("en", templates).missing == ()
    assert "Save" not in catalogue(templates, "en").read_text()


@pytest.mark.parametrize(
    ("code", "forms"),
    [
        ("de", {1: 0, 0: 1, 2: 1, 11: 1, 21: 1}),
        ("tr", {0: 0, 1: 0, 2: 0}),
        ("ar", {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 103: 3, 11: 4, 26: 4, 99: 4, 100: 5, 102: 5, 1000: 5}),
        ("uk", {1: 0, 21: 0, 2: 1, 4: 1, 22: 1, 0: 2, 5: 2, 11: 2, 12: 2, 100: 2}),
        ("ru", {1: 0, 101: 0, 3: 1, 24: 1, 0: 2, 6: 2, 14: 2, 111: 2}),
        ("pl", {1: 0, 2: 1, 4: 1, 22: 1, 0: 2, 5: 2, 12: 2, 21: 2, 112: 2}),
        ("ro", {1: 0, 0: 1, 2: 1, 19: 1, 101: 1, 20: 2, 100: 2, 120: 2}),
    ],
)
def test_a_language_has_its_own_plurals(templates, code, forms):
    path = catalogue(templates, code)
    path.write_text('msgid ""\nmsgstr ""\n')
    update(code, templates)
    written = path.read_text()
    assert written.count("msgstr[") == len(set(forms.values()))
    path.write_text(re.sub(r'msgstr\[(\d)\] ""', r'msgstr[\1] "%(count)s: \1"', written))
    made = Translator(Language(code, Locale.parse(code), "ltr", code), templates)
    found = {n: made.ngettext("%(count)s seat", "%(count)s seats", n) for n in forms}
    assert found == {n: f"%(count)s: {form}" for n, form in forms.items()}


def test_translations_are_kept_and_unused_ones_set_aside(templates):
    update("de", templates)
    path = catalogue(templates)
    path.write_text(path.read_text().replace('msgid "Save"\nmsgstr ""', 'msgid "Save"\nmsgstr "Speichern"'))
    update("de", templates)
    assert Translator(DE, templates).gettext("Save") == "Speichern"

    page = (templates / "page.html").read_text()
    (templates / "page.html").write_text(page.replace("Save", "Send"))
    update("de", templates)
    assert gaps("de", templates).obsolete == ("Save",)
    assert '#~ msgid "Save"' in path.read_text()

    (templates / "page.html").write_text(page)
    update("de", templates)
    assert gaps("de", templates).obsolete == ()
    assert Translator(DE, templates).gettext("Save") == "Speichern"

    (templates / "page.html").write_text("")
    update("de", templates, prune=True)
    assert "Save" not in path.read_text()


def test_an_update_without_news_changes_nothing(templates):
    update("de", templates)
    before = catalogue(templates).read_bytes()
    update("de", templates)
    assert catalogue(templates).read_bytes() == before


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_is_as_the_command_writes_it(code):
    written = catalogue_path(code).read_text(encoding="utf-8")
    assert updated(code) == written, "run python -m dialograum.languages"


def test_what_a_language_lacks_comes_from_its_fallback(templates):
    catalogue(templates, "de").write_text('msgid ""\nmsgstr ""\n\nmsgid "Save"\nmsgstr "Speichern"\n')
    assert Translator(EASY, templates).gettext("Save") == "Speichern"
    assert Translator(EASY, templates).gettext("Send") == "Send"
    assert Translator(ARABIC, templates).npgettext("x", "seat", "seats", 2) == "seats"
    assert Translator(ARABIC, templates).ngettext("seat", "seats", 1) == "seat"
    assert Translator(ARABIC, templates).pgettext("month", "May") == "May"
