"""A mail server that takes its time delays mails, and nothing else."""

import asyncio

from tests.journeys.installation import Installation, until

CONNECTIONS = 4


async def test_pages_answer_while_the_mail_server_does_not(town: Installation):
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        asked.set()
        await go_on.wait()

    slug = await town.hold(registration={"capacity": None})
    town.postbox.sink.answer("MAIL", *[slowly] * CONNECTIONS)
    people = [f"{slug}-{number}@example.org" for number in range(3 * CONNECTIONS)]
    async with town.visitor() as visitor:

        async def register(address: str) -> int:
            body = {"name": "Kim Muster", "email": address}
            return (await visitor.post(f"/api/v1/events/{slug}/registrations", json=body)).status_code

        try:
            assert await register(people[0]) == 201
            await asyncio.wait_for(asked.wait(), 60)
            assert {await register(address) for address in people[1:]} == {201}
            pages = ["/", f"/events/{slug}", f"/events/{slug}/register", "/readyz", "/organise/sign-in"]
            assert {(await visitor.get(page)).status_code for page in pages} == {200}
            assert not any(map(town.postbox.to, people))
        finally:
            go_on.set()
    await until(lambda: all(map(town.postbox.to, people)), "a mail to everybody")
    assert [len(town.postbox.to(address)) for address in people] == [1] * len(people)
