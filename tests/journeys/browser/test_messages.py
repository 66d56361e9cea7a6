"""An organiser's message on screens of different kinds, from the first word to the last click of who wants no more."""

from email.message import EmailMessage
from uuid import uuid4

from playwright.async_api import Page

from tests.journeys.browser.test_pages import complaints, sign_in, visitor  # noqa: F401, a fixture
from tests.journeys.installation import Installation, path_in, until


async def somebody(office: Installation, slug: str, **values: object) -> str:
    """The address of somebody who is registered."""
    address = f"kim-{uuid4().hex}@example.org"
    async with office.visitor() as person:
        answer = await person.post(
            f"/api/v1/events/{slug}/registrations",
            json={"name": "Kim Muster", "email": address, **values},
        )
    assert answer.status_code == 201, answer.text
    return address


async def test_a_message_is_written_sent_and_ended(visitor: Page, office: Installation) -> None:  # noqa: F811
    said: list[str] = []

    async def look(name: str) -> None:
        nonlocal said
        said += await complaints(visitor)

    slug = await office.hold(registration={"confirm_email": False})
    address = await somebody(office, slug)
    english = await somebody(office, slug, language="en")
    await sign_in(visitor)
    await visitor.goto(f"/organise/events/{slug}/messages")
    await look("empty")
    await visitor.locator("main a[href$='/messages/new']").click()
    await visitor.locator("main details summary").first.click()
    await look("write")
    await visitor.locator("main form button").first.click()
    await look("errors")
    await visitor.locator("[name='subject.de']").fill("Bitte bringen Sie etwas mit")
    await visitor.locator("[name='text.de']").fill(
        "wir freuen uns auf Sie. Bitte bringen Sie mit:\n\n- einen Stift\n- etwas zu essen\n\nSo finden Sie uns:"
        " https://example.org/anfahrt\n\nIhr Büro"
    )
    await visitor.locator("main form button").first.click()
    await visitor.frame_locator("iframe").locator("h1").wait_for()
    await look("preview")
    await visitor.locator("form[action$='/test'] button").click()
    await look("tried")
    await visitor.locator("form[action$='/send'] button").click()
    await until(
        lambda: len(office.postbox.to(address)) == len(office.postbox.to(english)) == 2, "the message"
    )
    await visitor.goto(f"{visitor.url}?reload=no")
    await look("outcome")
    await visitor.goto(f"/organise/events/{slug}/messages")
    await look("list")
    mail: EmailMessage = office.postbox.to(address)[1]
    assert mail["Subject"] == "Bitte bringen Sie etwas mit"
    link = mail["List-Unsubscribe"][1:-1]
    assert link.endswith(path_in(mail, link[-20:]))
    await visitor.goto(link)
    await look("unsubscribe")
    await visitor.locator("main form button").click()
    await look("unsubscribed")
    await visitor.goto(path_in(office.postbox.to(address)[0]))
    await visitor.locator("#announcements form button").click()
    assert visitor.url.endswith("#announcements")
    await look("own")
    assert said == []
