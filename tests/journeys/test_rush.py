"""Many people and the office at once, over HTTP, on two processes: every answer holds, and all is in order."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from dialograum.database import DB, connected
from dialograum.settings import Settings
from registration.tables import Registration
from tests.journeys.installation import Installation
from tests.registration.town import assert_in_order

PEOPLE, STEPS = 24, 6
GROUPS = ["wohnen", "bildung"]


class Rush:
    """Clients that do whatever comes to mind, and a record of every answer."""

    def __init__(self, client: httpx.AsyncClient, office: httpx.AsyncClient, slug: str, seed: int) -> None:
        self.client, self.office, self.slug = client, office, slug
        self.chance = random.Random(seed)
        self.admitted: dict[str, str] = {}
        self.answers: Counter[tuple[str, int]] = Counter()

    async def person(self, number: int) -> None:
        for step in range(STEPS):
            await self.chance.choice([self.register, self.register, self.register, self.office_does])(
                f"{number}-{step}"
            )

    async def register(self, name: str) -> None:
        if self.admitted and self.chance.random() < 0.1:
            name = self.chance.choice(list(self.admitted))
        wishes = self.chance.sample(GROUPS, self.chance.randint(0, 2))
        body = {"name": name, "email": f"{name}@{self.slug}.example.org", "groups": {"groups": wishes}}
        seats = self.chance.choice([1, 1, 1, 2, 3])
        answer = await self.client.post(
            f"/api/v1/events/{self.slug}/registrations", json=body | {"seats": seats}
        )
        self.answers["register", answer.status_code] += 1
        if answer.status_code == 201:
            self.admitted.setdefault(name, answer.json()["status"])

    async def office_does(self, _: str) -> None:
        items = (await self.office.get(f"/api/v1/events/{self.slug}/registrations?limit=500")).json()["items"]
        active = [item["id"] for item in items if item["status"] in ("pending", "confirmed", "waitlisted")]
        what = self.chance.choice(["cancel", "cancel", "seats", "capacity"])
        if what == "capacity":
            change = {"registration": {"capacity": self.chance.randint(5, 30)}}
            answer = await self.office.patch(f"/api/v1/events/{self.slug}", json=change)
        elif not active:
            return
        elif what == "cancel":
            answer = await self.office.post(
                f"/api/v1/registrations/{self.chance.choice(active)}/cancellation"
            )
        else:
            answer = await self.office.patch(
                f"/api/v1/registrations/{self.chance.choice(active)}",
                json={"seats": self.chance.randint(1, 3)},
            )
        self.answers[what, answer.status_code] += 1


@asynccontextmanager
async def database_of(town: Installation) -> AsyncIterator[None]:
    """The installation's database, for a look behind the pages."""
    config, DB.config = DB.config, {}
    pool, DB.pool = DB.pool, None
    try:
        async with connected(Settings(data_dir=town.folder), pool_size=2):
            yield
    finally:
        DB.config, DB.pool = config, pool


async def test_whatever_many_do_at_once_every_answer_holds_and_all_is_in_order(town):
    slug = await town.hold(registration={"capacity": 12})
    limits = httpx.Limits(max_connections=PEOPLE, max_keepalive_connections=PEOPLE)
    async with town.visitor(limits=limits) as client, town.system() as office:
        rush = Rush(client, office, slug, seed=random.randrange(1000))
        await asyncio.gather(*map(rush.person, range(PEOPLE)))
        listed: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await office.get(f"/api/v1/events/{slug}/registrations?limit=500{cursor}")).json()
            listed += page["items"]
            cursor = f"&cursor={page['next']}" if page["next"] else None
    unexpected = {answer for answer in rush.answers if answer[1] not in (200, 201, 409)}
    assert not unexpected, rush.answers
    assert rush.answers["register", 201] > PEOPLE
    assert {item["name"] for item in listed} == set(rush.admitted)
    async with database_of(town):
        assert await Registration.count().where(Registration.status == "pending")
        await assert_in_order(slug)
