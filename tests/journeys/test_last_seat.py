"""Fifty people at once for one seat, on two processes, round after round."""

import asyncio
from collections import Counter

import httpx
import pytest

PEOPLE = 50


async def rush(client: httpx.AsyncClient, slug: str) -> Counter[str]:
    """Everybody registers at the same moment; how often each outcome came."""
    url = f"/api/v1/events/{slug}/registrations"

    async def one(number: int) -> str:
        answer = await client.post(
            url, json={"name": f"Gast {number}", "email": f"{number}@{slug}.example.org"}
        )
        body = answer.json()
        return str(body["status"]) if answer.status_code == 201 else str(body["type"]).rpartition("/")[2]

    return Counter(await asyncio.gather(*map(one, range(PEOPLE))))


@pytest.mark.parametrize("waitlist", [True, False])
async def test_the_last_seat_goes_to_one_of_fifty_at_once(town, waitlist):
    limits = httpx.Limits(max_connections=PEOPLE, max_keepalive_connections=PEOPLE)
    async with town.visitor(limits=limits) as client, town.system() as office:
        for _ in range(20 if waitlist else 5):
            slug = await town.hold(registration={"capacity": 1, "waitlist": waitlist})
            outcome = await rush(client, slug)
            assert outcome == {"pending": 1, "waitlisted" if waitlist else "event-full": PEOPLE - 1}

            registration = (await client.get(f"/api/v1/events/{slug}")).json()["registration"]
            assert registration["state"] == "full"
            assert registration["seats_left"]["in_person"] == 0
            assert registration["waitlisted"] == (PEOPLE - 1 if waitlist else 0)
            listed = (await office.get(f"/api/v1/events/{slug}/registrations?limit=500")).json()
            assert listed["counts"]["pending"] == 1
            assert listed["items"][0]["status"] == "pending"
            positions = [item["waitlist_position"] for item in listed["items"][1:]]
            assert positions == list(range(1, registration["waitlisted"] + 1))
