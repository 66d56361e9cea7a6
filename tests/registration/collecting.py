"""An event whose wishes are collected until the deadline, its run, and what is proposed after it."""

from events.queries import details
from registration import rounds
from tests.registration.town import CLOSES_AT, GROUPS, HOUR, ROUNDS, hold, organiser

LATER = CLOSES_AT + HOUR


async def collected(**changes):
    """The event, whose wishes are collected until the deadline."""
    values = {"sessions": ROUNDS, "groups": GROUPS, "capacity": 10, "confirm_email": False, **changes}
    return await hold(allocation="at_deadline", **values)


async def assign(now=CLOSES_AT):
    return await rounds.assign_at_deadline((await details("dialog")).id, now)


async def propose(now=LATER):
    event = await details("dialog")
    await rounds.propose(event.id, await organiser(), now)
    proposal = await rounds.proposal_of(event.id)
    assert proposal is not None
    return proposal


async def apply(proposal, now=LATER):
    await rounds.apply(proposal.event, proposal.id, await organiser(), now)


def moves(proposal):
    return [(change["session"], change["before"], change["after"]) for change in proposal.changes]
