"""Languages, the language of a request, and whether the catalogues are complete."""

import re
from string import Formatter
from typing import Any

import httpx
import pytest
from babel import Locale
from litestar import Litestar, Request, get

from dialograum.languages import (
    LANGUAGES,
    Language,
    LanguageMiddleware,
    Translator,
    catalogue_path,
    gaps,
    msgids,
    negotiate,
    read_catalogue,
    update,
    updated,
)

DE, EN = LANGUAGES["de"], LANGUAGES["en"]
ARABIC = Language("ar", Locale.parse("ar"), "rtl", "العربية")
EASY = Language("de-simple", Locale.parse("de"), "ltr", "Leichte Sprache", ("de",))
OFFERED = (DE, EN, ARABIC, EASY)


# The registry


def test_german_and_english_are_shipped():
    assert [(language.code, language.direction, language.autonym) for language in (DE, EN)] == [
        ("de", "ltr", "Deutsch"),
        ("en", "ltr", "English"),
    ]


def test_a_language_is_known_once_it_has_a_catalogue():
    assert set(LANGUAGES) == {path.stem for path in catalogue_path("de").parent.glob("*.po")}


# Negotiation


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "de"),
        ("en", "en"),
        ("EN", "en"),
        ("en-GB", "en"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr,en;q=0.3,de;q=0.7", "de"),
        ("fr,it;q=0.9", "de"),
        ("ar-SA;q=0.5,en;q=0.4", "ar"),
        ("de-simple", "de-simple"),
        ("de-simple-x-a", "de-simple"),
        ("de-AT", "de"),
        ("*", "de"),
        ("en;q=0,*", "de"),
        ("fr, *;q=0.5, en;q=0.1", "de"),
        ("de;q=0,en;q=0.001", "en"),
        ("de;q=0", "de"),
        ("en;q=1.000", "en"),
        ("en;q=2,ar;q=0.1", "ar"),
        ("en;q=", "de"),
        ("en;q=nan,de", "de"),
        ("en-,;;,=,q=1,\x00,ar", "ar"),
        ("en;level=1;q=0.5,ar;q=0.4", "en"),
        (",".join(["xx"] * 100_000), "de"),
    ],
)
def test_the_best_liked_offered_language_is_found(header, expected):
    assert negotiate(header, OFFERED, DE).code == expected


# The middleware


@get(["/", "/events/{slug:str}", "/api/v1/events", "/static/{name:str}", "/error"], sync_to_thread=False)
def show(request: Request[Any, Any, Any]) -> dict[str, str | None]:
    language = request.scope["state"].get("language")
    return {
        "path": request.scope["path"],
        "language": language.code if language else None,
        "prefix": request.scope["state"].get("language_prefix"),
        "query": request.url.query,
    }


def browser(application: Any) -> httpx.AsyncClient:
    wrapped: Any = LanguageMiddleware(application, OFFERED, DE)
    return httpx.AsyncClient(transport=httpx.ASGITransport(wrapped), base_url="http://test")


@pytest.fixture
async def client():
    async with browser(Litestar([show])) as made:
        yield made


@pytest.mark.parametrize(
    ("address", "header", "path", "language", "prefix", "varies"),
    [
        ("/", None, "/", "de", "", True),
        ("/", "en-GB,en;q=0.9", "/", "en", "", True),
        ("/events/x", "fr", "/events/x", "de", "", True),
        ("/en", "de", "/", "en", "/en", False),
        ("/en/", "de", "/", "en", "/en", False),
        ("/en/events/x?y=1", "de", "/events/x", "en", "/en", False),
        ("/de-simple/events/x", None, "/events/x", "de-simple", "/de-simple", False),
        ("/events/x?lang=en", "de", "/events/x", "en", "/en", False),
        ("/en/events/x?lang=de", None, "/events/x", "en", "/en", False),
        ("/events/x?lang=zz", "en", "/events/x", "en", "", True),
        ("/events/x?lang=zz&lang=ar", None, "/events/x", "ar", "/ar", False),
        ("/events/x?slang=en", None, "/events/x", "de", "", True),
        ("/events/en", None, "/events/en", "de", "", True),
        ("/en/events/a%20b", None, "/events/a b", "en", "/en", False),
    ],
)
async def test_a_request_finds_its_language(client, address, header, path, language, prefix, varies):
    answer = await client.get(address, headers={"Accept-Language": header} if header else {})
    told = answer.json()
    assert (told["path"], told["language"], told["prefix"]) == (path, language, prefix)
    assert answer.headers["content-language"] == language
    assert (answer.headers.get("vary") == "Accept-Language") is varies


async def test_the_query_is_kept(client):
    assert (await client.get("/en/events/x?lang=de&y=1")).json()["query"] == "lang=de&y=1"


@pytest.mark.parametrize("address", ["/api/v1/events?lang=en", "/static/kern.css"])
async def test_the_api_and_files_have_no_language(client, address):
    answer = await client.get(address, headers={"Accept-Language": "en"})
    assert answer.json()["language"] is None
    assert "content-language" not in answer.headers
    assert "vary" not in answer.headers


@pytest.mark.parametrize("address", ["/en/api/v1/events", "/en/static/kern.css", "/fr/events/x", "/ena"])
async def test_nothing_stands_below_a_prefix_that_is_none(client, address):
    assert (await client.get(address)).status_code == 404


async def test_an_answer_may_say_its_own_language():
    async def german_only(scope, receive, send):
        headers = [(b"Content-Language", b"de")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async with browser(german_only) as client:
        assert (await client.get("/en")).headers.get_list("content-language") == ["de"]


async def test_what_is_not_a_request_passes():
    seen = []

    async def application(scope, receive, send):
        seen.append(scope["type"])

    await LanguageMiddleware(application, OFFERED, DE)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


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


def test_new_msgids_come_into_the_catalogue(templates):
    update("de", templates)
    assert gaps("de", templates).missing == ("Save", "Two lines", "month | May", "%(count)s seat")
    assert "Not ours" not in catalogue(templates).read_text()
    assert not re.search(r"\d{4}-\d\d-\d\d|^#:|page\.html", catalogue(templates).read_text(), re.MULTILINE)


def test_english_says_what_the_templates_say(templates):
    update("en", templates)
    assert gaps("en", templates).missing == ()
    assert "Save" not in catalogue(templates, "en").read_text()


def test_a_language_gets_as_many_plurals_as_it_has(templates):
    update("ar", templates)
    assert catalogue(templates, "ar").read_text().count("msgstr[") == 6


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
