"""Whole ways through the service, as people walk them."""

import csv
import io

from playwright.async_api import Browser, Page, expect

from tests.journeys.browser.conftest import PASSWORD
from tests.journeys.installation import OFFICE, Installation, path_in


async def register(page: Page, slug: str, name: str, email: str, group: str | None = None) -> None:
    """Fills in the form and sends it after the look at the answers."""
    await page.goto(f"/events/{slug}")
    await (
        page.get_by_role("link", name="Jetzt anmelden")
        .or_(page.get_by_role("link", name="Warteliste"))
        .first.click()
    )
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("E‑Mail-Adresse").fill(email)
    if group:
        await page.get_by_role("radio", name=group).check()
    await page.locator("main button[type=submit]").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Stimmt alles?")
    await expect(page.locator("main")).to_contain_text(email)
    await page.locator("button[value=submit]").click()


async def test_a_citizen_registers_confirms_and_cancels_and_the_next_one_moves_up(
    phone: Page, office: Installation, chromium: Browser
) -> None:
    slug = await office.hold(registration={"capacity": 1}, sessions=None, groups=None)

    await register(phone, slug, "Kim Muster", "kim.muster@example.org")
    await expect(phone.locator("main")).to_contain_text("kim.muster@example.org")
    asked = await office.postbox.mail("kim.muster@example.org", 1)
    assert asked["Subject"] == "Bitte bestätigen: Gemeinsam leben"
    confirmation = path_in(asked)
    assert confirmation.endswith("/confirmation")

    for _ in range(2):
        await phone.goto(confirmation)
    assert len(office.postbox.to("kim.muster@example.org")) == 1, "opening the link confirmed"
    await phone.locator("main form button").click()
    await expect(phone.get_by_role("heading", level=1)).to_have_text("Sie sind angemeldet")
    told = await office.postbox.mail("kim.muster@example.org", 2)
    assert [
        part.get_param("method") for part in told.walk() if part.get_content_type() == "text/calendar"
    ] == ["REQUEST"]
    async with phone.expect_download() as downloading:
        await phone.get_by_role("link", name="In den Kalender eintragen").click()
    assert b"METHOD:PUBLISH" in (await (await downloading.value).path()).read_bytes()

    without_scripts = await chromium.new_context(
        java_script_enabled=False, locale="de-DE", base_url=office.url
    )
    other = await without_scripts.new_page()
    await register(other, slug, "Toni Beispiel", "toni.beispiel@example.org")
    waiting = await office.postbox.mail("toni.beispiel@example.org", 1)
    assert waiting["Subject"] == "Warteliste: Gemeinsam leben"
    await other.goto(path_in(waiting))
    await other.locator("main form button").click()
    await expect(other.locator("main")).to_contain_text("Warteliste")

    await phone.goto(path_in(told))
    await (
        phone.get_by_role("link", name="Anmeldung absagen")
        .or_(phone.get_by_role("button", name="Anmeldung absagen"))
        .first.click()
    )
    await phone.locator("main form button").click()
    await expect(phone.get_by_role("heading", level=1)).to_contain_text("abgesagt")

    left = await office.postbox.mail("kim.muster@example.org", 3)
    assert [
        part.get_param("method") for part in left.walk() if part.get_content_type() == "text/calendar"
    ] == ["CANCEL"]
    moved_up = await office.postbox.mail("toni.beispiel@example.org", 2)
    assert [
        part.get_param("method") for part in moved_up.walk() if part.get_content_type() == "text/calendar"
    ] == ["REQUEST"]
    await other.goto(path_in(moved_up))
    await expect(other.get_by_role("heading", level=1)).to_have_text("Sie sind angemeldet")
    await without_scripts.close()


async def test_a_mistake_in_the_form_is_named_and_nothing_typed_is_lost(phone: Page) -> None:
    await phone.goto("/events/gemeinsam-leben-2022/register")
    await phone.get_by_label("Name", exact=True).fill("Kim Muster")
    await phone.get_by_label("E‑Mail-Adresse").fill("kim.muster@")
    async with phone.expect_response(lambda response: response.request.method == "POST") as answering:
        await phone.locator("main button[type=submit]").click()
    assert (await answering.value).status == 422
    assert (await phone.title()).startswith("Fehler: ")
    summary = phone.get_by_role("alert")
    await expect(summary).to_be_focused()
    await expect(summary.get_by_role("link")).to_have_count(2)
    await expect(phone.get_by_label("Name", exact=True)).to_have_value("Kim Muster")
    await expect(phone.get_by_label("E‑Mail-Adresse")).to_have_value("kim.muster@")
    await summary.get_by_role("link").first.click()
    await expect(phone.get_by_label("E‑Mail-Adresse")).to_be_focused()


async def test_an_organiser_finds_an_attendee_and_takes_the_list_along(
    desk: Page, phone: Page, office: Installation
) -> None:
    await register(phone, "gemeinsam-leben-2022", "=Ayşe Yılmaz", "ayse@example.org", group="Wohnen")
    await phone.goto(path_in(await office.postbox.mail("ayse@example.org", 1)))
    await phone.locator("main form button").click()

    await desk.goto("/organise")
    await desk.get_by_label("E‑Mail-Adresse").fill(OFFICE)
    await desk.get_by_label("Passwort").fill(PASSWORD)
    await desk.locator("main form button").click()
    await desk.get_by_role("link", name="Gemeinsam leben in Gütersloh").first.click()
    await desk.get_by_role("link", name="Teilnehmende").first.click()
    await desk.get_by_label("Name oder E‑Mail").fill("yılmaz")
    await desk.get_by_role("button", name="Anzeigen").click()
    row = desk.get_by_role("row").filter(has_text="ayse@example.org")
    await expect(row).to_contain_text("Bestätigt")
    await expect(row).to_contain_text("Wohnen")
    async with desk.expect_download() as downloading:
        await desk.get_by_role("link", name="CSV").click()
    content = (await (await downloading.value).path()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert [(found["name"], found["email"], found["status"]) for found in rows] == [
        ("'=Ayşe Yılmaz", "ayse@example.org", "confirmed")
    ]
    await desk.get_by_role("button", name="Abmelden").click()
    await desk.goto("/organise")
    assert "/organise/sign-in" in desk.url
