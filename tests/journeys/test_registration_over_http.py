"""From the form to the waitlist, over HTTP and mail, as citizens and other systems go the way."""

from datetime import datetime
from email.message import EmailMessage
from typing import Any

import icalendar

from tests.forum import forum
from tests.journeys.installation import Installation, calendar_in, path_in
from tests.visitor import Visitor, hidden_fields

FREE = {"group.groups": "none", "seats": "1"}


async def register(visitor: Visitor, slug: str, name: str, email: str, **fields: str) -> str:
    """Fills in the form, looks at the answers and sends them; the last page."""
    url = f"/events/{slug}/register"
    checked = await visitor.send_form(url, {**FREE, "name": name, "email": email, **fields, "step": "check"})
    assert checked.status_code == 200
    assert name in checked.text
    assert email in checked.text
    done = await visitor.send_on(checked, url, {"step": "submit"})
    assert done.status_code == 200, done.text
    return done.text


async def listed(town: Installation, slug: str) -> dict[str, Any]:
    """The attendees by name."""
    async with town.system() as system:
        items = (await system.get(f"/api/v1/events/{slug}/registrations")).json()["items"]
    return {item["name"]: item for item in items}


def invitation(mail: EmailMessage) -> tuple[str, Any]:
    """Method and event of the calendar in a mail."""
    calendar = calendar_in(mail)
    assert calendar is not None
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


async def test_a_form_that_is_not_filled_in_comes_back_with_everything_in_it(town):
    slug = await town.hold()
    async with town.visitor() as visitor:
        url = f"/events/{slug}/register"
        typed = {"name": "Kim <b>Muster</b>", "email": "kim", "seats": "3", "group2.groups": "bildung"}
        page = await visitor.send_form(url, {**typed, "step": "check"})
        assert page.status_code == 422
        assert 'value="Kim &lt;b&gt;Muster&lt;/b&gt;"' in page.text
        assert 'value="kim"' in page.text
        assert '<option value="3" selected>' in page.text
        assert 'role="alert"' in page.text
        for field in ("#email", "#group-groups"):
            assert f'href="{field}"' in page.text
        assert hidden_fields(page)["key"]
        back = await visitor.send_on(page, url, {**FREE, **typed, "email": "kim@example.org", "step": "edit"})
        assert back.status_code == 200
        assert 'value="kim@example.org"' in back.text
    assert await listed(town, slug) == {}


async def test_from_the_form_to_the_calendar_and_back(town):
    slug = await town.hold(registration={"capacity": 1}, groups=[], sessions=[])
    kim, toni = "kim@example.org", "toni@example.org"
    async with town.visitor() as visitor:
        page = await register(visitor, slug, "Kim Muster", kim)
        assert kim in page
        asked = await town.postbox.mail(kim, 1)
        assert calendar_in(asked) is None
        confirm = path_in(asked, "/confirmation")

        for _ in range(2):
            assert (await visitor.get(confirm)).status_code == 200
        assert (await listed(town, slug))["Kim Muster"]["status"] == "pending"
        answers = [await visitor.send_form(confirm) for _ in range(2)]
        assert {answer.status_code for answer in answers} == {303}
        own = answers[0].headers["location"]
        assert own == answers[1].headers["location"]
        assert (await listed(town, slug))["Kim Muster"]["status"] == "confirmed"

        told = await town.postbox.mail(kim, 2)
        method, event = invitation(told)
        assert method == "REQUEST"
        assert path_in(told, own) == own
        page = (await visitor.get(own)).text
        assert "Kim Muster" in page
        assert f"{own}/calendar.ics" in page
        file = icalendar.Calendar.from_ical((await visitor.get(f"{own}/calendar.ics")).text)
        (downloaded,) = file.walk("VEVENT")
        assert downloaded["UID"] == event["UID"]
        assert downloaded["SEQUENCE"] == event["SEQUENCE"]
        join = path_in(told, "")  # the first link of the mail opens a page of ours
        assert (await visitor.get(join)).status_code == 200

    async with town.visitor() as other:
        await register(other, slug, "Toni Beispiel", toni)
        waiting = await town.postbox.mail(toni, 1)
        assert calendar_in(waiting) is None
        await other.send_form(path_in(waiting, "/confirmation"))
        toni_listed = (await listed(town, slug))["Toni Beispiel"]
        assert (toni_listed["status"], toni_listed["waitlist_position"]) == ("waitlisted", 1)

    async with town.visitor() as visitor:
        assert (await visitor.get(f"{own}/cancel")).status_code == 200
        for _ in range(2):
            answer = await visitor.send_form(f"{own}/cancel", page="/organise/sign-in")
            assert (answer.status_code, answer.headers["location"]) == (303, own)
        assert (await visitor.get(own)).status_code == 200
    method, cancelled = invitation(await town.postbox.mail(kim, 3))
    assert method == "CANCEL"
    assert cancelled["UID"] == event["UID"]
    assert cancelled["SEQUENCE"] > event["SEQUENCE"]
    method, moved = invitation(await town.postbox.mail(toni, 2))
    assert method == "REQUEST"
    assert moved["UID"] != event["UID"]
    after = await listed(town, slug)
    assert (after["Kim Muster"]["status"], after["Toni Beispiel"]["status"]) == ("cancelled", "confirmed")
    assert len(town.postbox.to(kim)) == 3
    assert len(town.postbox.to(toni)) == 2


async def test_sending_the_same_form_twice_registers_once_and_writes_one_mail(town):
    slug = await town.hold()
    async with town.visitor() as visitor:
        url = f"/events/{slug}/register"
        typed = {**FREE, "name": "Dodo Doppelt", "email": "dodo@example.org"}
        checked = await visitor.send_form(url, {**typed, "step": "check"})
        for _ in range(2):
            assert (await visitor.send_on(checked, url, {"step": "submit"})).status_code == 200
        await town.postbox.mail("dodo@example.org", 1)
        assert len(await listed(town, slug)) == 1
        await register(visitor, slug, "Jemand Anders", "dodo@example.org")
        again = await town.postbox.mail("dodo@example.org", 2)
    assert len(town.postbox.to("dodo@example.org")) == 2
    assert list(await listed(town, slug)) == ["Dodo Doppelt"]
    text = again.get_body(("plain",))
    assert text is not None
    assert "Jemand Anders" not in text.get_content()


async def test_every_change_by_the_office_is_told(town):
    slug = await town.hold(mode="hybrid", registration={"digital_capacity": 5})
    url, address = f"/api/v1/events/{slug}", "cem@example.org"
    later = forum()["ends_at"].replace("T19", "T20")
    async with town.system() as system:
        body = {
            "name": "Cem Muster",
            "email": address,
            "attendance": "in_person",
            "groups": {"groups": ["wohnen"]},
        }
        added = await system.post(f"{url}/registrations", json=body)
        assert added.json()["status"] == "confirmed"
        invitations = [invitation(await town.postbox.mail(address, 1))]
        registration = f"/api/v1/registrations/{added.json()['id']}"
        assert (await system.patch(url, json={"ends_at": later})).status_code == 200
        invitations.append(invitation(await town.postbox.mail(address, 2)))
        changed = await system.patch(registration, json={"attendance": "online"})
        assert changed.json()["attendance"] == "online"
        invitations.append(invitation(await town.postbox.mail(address, 3)))
        cancelled = await system.post(f"{url}/cancellation", json={"reason": "Sturm"})
        assert cancelled.json()["status"] == "cancelled"
        invitations.append(invitation(await town.postbox.mail(address, 4)))
        assert [method for method, _ in invitations] == ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]
        sequences = [int(event["SEQUENCE"]) for _, event in invitations]
        assert sequences == sorted(set(sequences))
        assert len({event["UID"] for _, event in invitations}) == 1
        ends = [event["DTEND"].dt.hour for _, event in invitations]
        assert ends == [19, 20, 20, 20]
        reason = (await town.postbox.mail(address, 4)).get_body(("plain",))
        assert reason is not None
        assert "Sturm" in reason.get_content()
        sent = (await system.get(f"{url}/messages?status=sent")).json()["items"]
        assert [item["kind"] for item in sent] == [
            "confirmed",
            "event_changed",
            "registration_changed",
            "event_cancelled",
        ]


async def test_mails_and_their_pages_speak_the_language_of_the_person(town):
    slug = await town.hold()
    async with town.system() as system:
        body = {"name": "Eve Example", "email": "eve@example.org", "language": "en"}
        await system.post(f"/api/v1/events/{slug}/registrations", json=body)
    mail = await town.postbox.mail("eve@example.org", 1)
    assert "Living together" in str(mail["Subject"])
    assert mail["Content-Language"] in (None, "en")


async def test_no_address_and_no_token_stands_in_the_log(town):
    slug = await town.hold()
    async with town.visitor() as visitor:
        await register(visitor, slug, "Lotte Logbuch", "lotte@example.org")
        path = path_in(await town.postbox.mail("lotte@example.org", 1), "/confirmation")
        await visitor.get(path.replace("confirmation", "%00"))
        await visitor.get(f"/events/{slug}?q=lotte@example.org")
    assert "lotte" not in town.log().lower()
    assert path.split("/")[2] not in town.log()


async def test_what_is_due_leaves_within_seconds(town):
    slug = await town.hold()
    async with town.system() as system:
        body = {"name": "Fix Schnell", "email": "fix@example.org"}
        await system.post(f"/api/v1/events/{slug}/registrations", json=body)
        await town.postbox.mail("fix@example.org", 1)
        sent: list[dict[str, Any]] = []
        while not sent:
            sent = (await system.get(f"/api/v1/events/{slug}/messages?status=sent")).json()["items"]
    took = datetime.fromisoformat(sent[0]["sent_at"]) - datetime.fromisoformat(sent[0]["due_at"])
    assert took.total_seconds() < 30
