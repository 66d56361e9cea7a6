"""Lists of people: sent as a file, looked at, and registered."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from dialograum import retention
from dialograum.tables import ImportDraft
from dialograum.web import BODY_BYTES
from dialograum.work import tend
from events.queries import details
from events.tables import Activity
from notifications.tables import Message
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.registration.test_list_files import workbook
from tests.visitor import Visitor, hidden_fields

IMPORT = "/organise/events/forum/attendees/import"
LIST = "Name;E-Mail;Sprache;Arbeitsgruppe;Personen\r\n"


@pytest.fixture
async def browser(town: Town) -> Visitor:
    """An organiser's browser; their event is the forum, with two seats of which Anna holds one."""
    organiser = await town.organiser()
    event = await town.event(organiser, registration={"capacity": 2, "confirm_email": False})
    await town.register(event)
    return await town.signed_in(organiser)


async def send(browser: Visitor, data: str | bytes, name: str = "list.csv"):
    page = await browser.get(IMPORT)
    content = data.encode() if isinstance(data, str) else data
    return await browser.post(IMPORT, data=hidden_fields(page), files={"file": (name, content)})


async def draft(browser: Visitor, data: str | bytes):
    """The address of a list that was sent, with its columns as they were guessed."""
    answer = await send(browser, data)
    assert answer.status_code == 303, answer.text
    url = answer.headers["location"]
    page = await browser.get(url)
    chosen = dict(
        re.findall(
            r'<select[^>]*name="(column\.\d+)".*?<option value="([^"]*)" selected', page.text, re.DOTALL
        )
    )
    answer = await browser.send_on(page, url, chosen)
    assert answer.headers["location"] == f"{url}/check"
    return url


async def apply(browser: Visitor, url: str, **fields):
    return await browser.send_form(f"{url}/check", {"tell": "yes", **fields})


def counts(page):
    return [int(number) for number in re.findall(r"<dd>(\d+)</dd>", page.text.split("d-counts")[1])[:5]]


async def names() -> list[str]:
    return [row["name"] for row in await Registration.select().order_by(Registration.arrival)]


async def test_a_list_is_looked_at_before_anybody_is_registered(browser):
    url = await draft(
        browser,
        LIST
        + "Kim Müßig;kim@example.org;de;Wohnen;2\r\n"
        + "Toni;;en;;\r\n"
        + "Anna;ANNA@example.org;;;\r\n"
        + "Anna Muster;;;;\r\n"
        + "Fehler;nix;;Chor;9\r\n",
    )
    page = await browser.get(f"{url}/check")
    assert counts(page) == [2, 1, 1, 0, 1]
    assert "On site 3 seats are needed and 1 are free." in page.text
    assert "rises from 2 to 4" in page.text
    assert "This is no email address; " in page.text
    assert "The number of people is not 1 to 6; There is no such group" in page.text
    assert await names() == ["Anna Muster"]
    assert await Message.count() == 1


async def test_everybody_is_registered_once_however_often_the_button_is_pressed(browser):
    url = await draft(browser, LIST + "Kim;kim@example.org;de;Wohnen;2\nToni;;en;;\n")
    page = await browser.get(f"{url}/check")
    for _ in range(2):
        answer = await browser.send_on(page, f"{url}/check", {"tell": "yes"})
        assert answer.headers["location"] == f"{url}/done"
    assert await names() == ["Anna Muster", "Kim", "Toni"]
    assert (await details("forum")).capacity == 4
    assert "2 people are registered" in (await browser.get(f"{url}/done")).text
    assert (await browser.get(f"{url}/check")).headers["location"] == f"{url}/done"
    rows = await Message.select(Message.recipient).where(Message.kind == "confirmed")
    assert sorted(row["recipient"] for row in rows) == ["anna@example.org", "kim@example.org"]
    assert await Activity.count().where(Activity.what == "list_imported") == 1
    again = await draft(browser, LIST + "Kim;kim@example.org;de;Wohnen;2\nToni;;en;;\n")
    assert counts(await browser.get(f"{again}/check")) == [0, 1, 1, 0, 0]


async def test_nothing_of_the_list_is_kept_but_what_was_left_out(browser):
    url = await draft(browser, LIST + "Kim;kim@example.org;;;\n=Fehler;+nix;;;\n")
    await apply(browser, url)
    rows = await ImportDraft.select(ImportDraft.rows).output(load_json=True)
    assert [row["rows"] for row in rows] == [[[3, ["=Fehler", "+nix", "", "", ""]]]]
    file = await browser.get(f"{url}/left-out.csv")
    assert file.headers["content-disposition"] == 'attachment; filename="forum-left-out.csv"'
    assert file.headers["cache-control"] == "no-store"
    heading, row = file.text.removeprefix("\ufeff").split("\r\n")[:2]
    assert heading == '"Name";"E-Mail";"Sprache";"Arbeitsgruppe";"Personen";"Reason"'
    assert row == '"\'=Fehler";"\'+nix";"";"";"";"This is no email address"'


async def test_namesakes_are_registered_when_they_are_ticked_and_told_only_if_wanted(browser):
    url = await draft(browser, "Name\nAnna Muster\nanna muster\nKim\n")
    page = await browser.get(f"{url}/check")
    assert re.findall(r'name="also" value="(\d+)"', page.text) == ["2", "3"]
    await browser.send_on(page, f"{url}/check", {"also": ["3", "x", "99"]})
    assert await names() == ["Anna Muster", "anna muster", "Kim"]
    assert await Message.count() == 1


async def test_no_one_is_told_without_the_tick(browser):
    url = await draft(browser, LIST + "Kim;kim@example.org;;;\n")
    await browser.send_form(f"{url}/check")
    assert await Message.count() == 1


async def test_columns_are_guessed_and_can_be_put_right(browser):
    answer = await send(
        browser, workbook(["Wer", "Mail", None], ["Kim", "kim@example.org", 3.0]), "list.xlsx"
    )
    url = answer.headers["location"]
    page = await browser.get(url)
    assert "Column 3" in page.text
    assert "For example: kim@example.org" in page.text
    wrong = await browser.send_on(page, url, {"column.0": "email", "column.1": "email", "column.2": "chor"})
    assert wrong.status_code == 422
    assert re.findall(r'<li><a href="#([\w-]+)">', wrong.text) == ["column-1", "column-2", "column-0"]
    assert (await browser.get(f"{url}/check")).headers["location"] == url
    assert (await browser.send_on(page, f"{url}/check")).headers["location"] == f"{url}/done"
    assert (await browser.get(f"{url}/done")).headers["location"] == url
    await browser.send_on(page, url, {"column.0": "name", "column.1": "email", "column.2": "seats"})
    await apply(browser, url)
    row = await Registration.objects().get(Registration.name == "Kim")
    assert row is not None
    assert row.seats == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"Name;E-Mail\n", "nobody below them"),
        (b"<html></html>", "cannot be read as a list"),
        (b"Name\n" + b"x\n" * 6000, "longer than 5,000 rows"),
        (b"\xd0\xcf\x11\xe0", "workbook of the old kind"),
    ],
)
async def test_a_file_that_is_no_list_is_refused_with_the_reason(browser, data, words):
    page = await send(browser, data)
    assert page.status_code == 422
    assert words in page.text.split('id="summary-title"')[1].split("</ul>")[0]
    assert await ImportDraft.count() == 0


async def test_a_form_without_a_file_asks_for_one(browser):
    page = await browser.get(IMPORT)
    for files in ({"file": ("", b"")}, {"other": ("x", b"y")}):
        answer = await browser.post(IMPORT, data=hidden_fields(page), files=files)
        assert answer.status_code == 422
        assert "Choose a file" in answer.text


async def test_a_file_beyond_the_limit_is_refused(browser):
    assert (await send(browser, b"x" * BODY_BYTES)).status_code == 413


async def test_a_list_belongs_to_its_organiser_and_event(town, browser):
    url = await draft(browser, "Name\nKim\n")
    other = await town.signed_in(await town.organiser("admin", role="admin"))
    helper = await town.signed_in(await town.organiser("helper", role="helper"))
    await town.event(slug="foreign")
    for path in ("", "/check", "/done", "/left-out.csv"):
        assert (await other.get(url + path)).status_code == 404, path
        assert (await other.get((url + path).replace("forum", "foreign"))).status_code == 404, path
        assert (await helper.get(url + path)).status_code == 403, path
    assert "Kim" not in (await other.get(f"{IMPORT}")).text
    assert (await helper.get(IMPORT)).status_code == 403


async def test_a_list_is_kept_for_a_day_and_never_beyond_the_event(browser, settings, tmp_path):
    url = await draft(browser, "Name\nKim\n")
    now = datetime.now(UTC)
    await retention.forget_drafts(now + timedelta(hours=23))
    assert await ImportDraft.count() == 1
    await retention.forget_drafts(now + timedelta(hours=25))
    assert (await browser.get(url)).status_code == 404
    await draft(browser, "Name\nKim\n")
    event = await details("forum")
    await retention.remove_personal_data(event.id, event.ends_at + timedelta(days=31), tmp_path)
    assert await ImportDraft.count() == 0
    await draft(browser, "Name\nKim\n")
    await tend(settings, now + timedelta(hours=25))
    assert await ImportDraft.count() == 0


async def test_no_page_holds_the_list_in_its_address_or_in_hidden_fields(browser):
    url = await draft(browser, LIST + "Kim;kim@example.org;;;\n")
    for path in ("", "/check"):
        page = await browser.get(url + path)
        assert set(hidden_fields(page)) == {"_csrf_token"}
    assert "kim" not in url


async def test_a_thousand_people_are_registered_in_seconds(browser):
    lines = "".join(f"Gast {n};gast{n}@example.org;de;Wohnen;1\n" for n in range(1000))
    url = await draft(browser, LIST + lines)
    started = time.monotonic()
    await apply(browser, url)
    taken = time.monotonic() - started
    assert await Registration.count() == 1001
    assert await Message.count() == 1001
    assert taken < 10, f"{taken:.1f} s"
