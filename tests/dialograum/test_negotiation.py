"""The language of a request."""

from typing import Any

import httpx
import pytest
from babel import Locale
from litestar import Litestar, Request, get

from dialograum.languages import LANGUAGES, Language
from dialograum.negotiation import LanguageMiddleware, is_of_the_desk, negotiate, shown_at

DE, EN = LANGUAGES["de"], LANGUAGES["en"]
ARABIC = Language("ar", Locale.parse("ar"), "rtl", "العربية")
EASY = Language("de-simple", Locale.parse("de"), "ltr", "Leichte Sprache", ("de",))
OFFERED = (DE, EN, ARABIC, EASY)


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


@get(
    [
        "/",
        "/organise",
        "/organise/events/{slug:str}",
        "/organise/events/{slug:str}/preview",
        "/events/{slug:str}",
        "/api/v1/events",
        "/static/{name:str}",
        "/error",
    ],
    sync_to_thread=False,
)
def show(request: Request[Any, Any, Any]) -> dict[str, str | None]:
    language = request.scope["state"].get("language")
    return {
        "path": request.scope["path"],
        "language": language.code if language else None,
        "prefix": request.scope["state"].get("language_prefix"),
        "query": request.url.query,
    }


def browser(application: Any, default: Language = DE) -> httpx.AsyncClient:
    wrapped: Any = LanguageMiddleware(application, OFFERED, default)
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


@pytest.mark.parametrize(
    ("address", "header", "default", "language", "prefix", "varies"),
    [
        ("/organise", "en", DE, "en", "", True),
        ("/organise", "ar", DE, "de", "", True),
        ("/organise", "ar, en;q=0.5", DE, "en", "", True),
        ("/organise", "ar", EN, "en", "", True),
        ("/organise", "ar", ARABIC, "de", "", True),
        ("/organise", "fr", ARABIC, "de", "", True),
        ("/en/organise", "de", DE, "en", "/en", False),
        ("/organise/events/x?lang=en", "de", DE, "en", "/en", False),
        ("/ar/organise", None, DE, "de", "/ar", True),
        ("/ar/organise", "en", DE, "en", "/ar", True),
        ("/organise/events/x?lang=ar", None, EN, "en", "/ar", True),
        ("/de-simple/organise/events/x", None, DE, "de", "/de-simple", True),
        ("/ar/organise/events/x/preview", None, DE, "ar", "/ar", False),
        ("/organise/events/x/preview", "ar", DE, "ar", "", True),
        ("/events/organise", "ar", DE, "ar", "", True),
    ],
)
async def test_organisers_pages_come_in_complete_languages(
    address, header, default, language, prefix, varies
):
    async with browser(Litestar([show]), default) as client:
        answer = await client.get(address, headers={"Accept-Language": header} if header else {})
    assert (answer.json()["language"], answer.json()["prefix"]) == (language, prefix)
    assert answer.headers["content-language"] == language
    assert (answer.headers.get("vary") == "Accept-Language") is varies


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/organise", True),
        ("/organise/", True),
        ("/organise/events/x/attendees", True),
        ("/organise/events/x/preview/x", True),
        ("/organise/events/x/preview", False),
        ("/organised", False),
        ("/events/organise", False),
        ("/", False),
    ],
)
def test_the_desk_s_pages_are_known_by_their_path(path, is_one):
    assert is_of_the_desk(path) is is_one
    assert shown_at(path, OFFERED) == ((DE, EN) if is_one else OFFERED)


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
