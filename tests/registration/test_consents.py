"""What people agreed to: kept with its text and time, withdrawn as easily as given, and never by itself."""

import asyncio
from uuid import uuid4

import pytest
from asyncpg.exceptions import UniqueViolationError

from events.errors import Conflict
from registration.answers import agreement
from registration.consents import give, standing_consents, withdraw
from registration.errors import ConsentUnknown, RegistrationUnknown
from registration.questions import QuestionSpec, questions_of
from registration.tables import Consent
from tests.registration.town import DAY, HOUR, NOW, cancel, hold, id_of, register, rewrite, rows_of

PHOTO = QuestionSpec(preset="photo")
LIST = QuestionSpec(key="list", type="consent", label={"de": "Mein Name darf auf die Liste."})


async def ask(**answers):
    """The event with two consents, and Kim, who agreed to some."""
    event = await hold(questions=(PHOTO, LIST, QuestionSpec(preset="organisation")))
    await register("kim", **answers)
    return event


async def standing(name="kim"):
    registration_id = await id_of(name)
    return (await standing_consents([registration_id])).get(registration_id, {})


async def history():
    rows = (await rows_of(Consent))["consent"]
    return [(row["key"], row["language"], row["given_at"], row["withdrawn_at"]) for row in rows]


async def test_what_was_ticked_is_kept_with_its_text_and_time(outbox):
    event = await ask(consents={"photo": True, "list": False})
    await outbox.news()
    ((key, consent),) = (await standing()).items()
    photo = next(question for question in questions_of(event) if question.key == "photo")
    assert (key, consent.text_hash) == ("photo", agreement(photo, "de", "de").text_hash)
    assert (consent.language, consent.given_at, consent.withdrawn_at) == ("de", NOW, None)


async def test_the_text_is_that_of_the_page_and_not_of_the_mails(outbox):
    event = await ask(consents={"photo": True, "list": True}, shown_in="en")
    await outbox.news()
    found = await standing()
    assert {key: consent.language for key, consent in found.items()} == {"photo": "en", "list": "de"}
    photo = next(question for question in questions_of(event) if question.key == "photo")
    assert found["photo"].text_hash == agreement(photo, "en", "de").text_hash


async def test_withdrawing_ends_a_consent_and_giving_it_again_is_another(outbox):
    await ask(consents={"photo": True})
    await outbox.news()
    kim = await id_of("kim")
    await withdraw(kim, "photo", NOW + HOUR)
    await withdraw(kim, "photo", NOW + 2 * HOUR)
    assert await standing() == {}
    await give(kim, "photo", "en", NOW + DAY)
    await give(kim, "photo", "en", NOW + 2 * DAY)
    assert await history() == [
        ("photo", "de", NOW, NOW + HOUR),
        ("photo", "en", NOW + DAY, None),
    ]


async def test_a_consent_to_new_words_takes_the_place_of_the_old_one(outbox):
    await ask(consents={"list": True})
    await outbox.news()
    before = (await standing())["list"]
    label = {"de": "Mein Name und meine Adresse dürfen auf die Liste."}
    await rewrite(questions=(QuestionSpec(key="list", type="consent", label=label),))
    assert (await standing())["list"].text_hash == before.text_hash
    await give(await id_of("kim"), "list", "de", NOW + DAY)
    assert (await standing())["list"].text_hash != before.text_hash
    assert await history() == [("list", "de", NOW, NOW + DAY), ("list", "de", NOW + DAY, None)]


async def test_nobody_agrees_to_words_that_were_not_shown(outbox):
    event = await ask()
    await outbox.news()
    photo = next(question for question in questions_of(event) if question.key == "photo")
    kim = await id_of("kim")
    for text in ("", photo.text_hash("en", "de")):
        with pytest.raises(Conflict):
            await give(kim, "photo", "de", NOW, text_hash=text)
    await give(kim, "photo", "en", NOW, text_hash=photo.text_hash("en", "de"))
    assert await history() == [("photo", "en", NOW, None)]


async def test_many_at_once_give_it_once(outbox):
    await ask()
    await outbox.news()
    kim = await id_of("kim")
    await asyncio.gather(*(give(kim, "photo", "de", NOW) for _ in range(6)))
    assert await history() == [("photo", "de", NOW, None)]


async def test_the_database_itself_keeps_one_standing_consent(outbox):
    await ask(consents={"photo": True})
    await outbox.news()
    row = Consent(registration=await id_of("kim"), key="photo", text_hash="x", language="de", given_at=NOW)
    with pytest.raises(UniqueViolationError):
        await row.save()


async def test_only_what_the_event_asks_can_be_agreed_to(outbox):
    await ask()
    await outbox.news()
    for key in ("organisation", "newsletter"):
        with pytest.raises(ConsentUnknown):
            await give(await id_of("kim"), key, "de", NOW)
    assert await history() == []


async def test_who_has_cancelled_can_withdraw_and_agrees_to_nothing_more(outbox):
    await ask(consents={"photo": True})
    await cancel("kim")
    await outbox.news()
    kim = await id_of("kim")
    with pytest.raises(Conflict):
        await give(kim, "list", "de", NOW)
    await withdraw(kim, "photo", NOW + HOUR)
    assert await history() == [("photo", "de", NOW, NOW + HOUR)]


async def test_a_consent_outlives_its_question_and_can_be_withdrawn_then(outbox):
    await ask(consents={"photo": True})
    await outbox.news()
    await rewrite(questions=())
    assert (await standing()).keys() == {"photo"}
    await withdraw(await id_of("kim"), "photo", NOW + HOUR)
    assert await standing() == {}


async def test_nobody_unknown_agrees_to_anything(outbox):
    await ask()
    await outbox.news()
    for act in (give(uuid4(), "photo", "de", NOW), withdraw(uuid4(), "photo", NOW)):
        with pytest.raises(RegistrationUnknown):
            await act
