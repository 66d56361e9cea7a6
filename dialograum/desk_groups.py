"""Desk pages of the groups: who is where, the last assignment, and a new one that is shown before it is applied."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from dialograum.access import Calling, Managed, may_write, signed_in
from dialograum.desk import PRIVATE, attendee_of, frame_of
from events.controllers import Now, see_other
from registration import locking, rounds
from registration.errors import ProposalOutdated
from registration.queries import names_of, people_in_groups

AnyRequest = Request[Any, Any, Any]


class GroupPages(Controller):
    path = "/organise/events/{slug:str}"
    guards = (signed_in,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/groups", name="groups")
    async def groups(self, managed: Managed, caller: Calling, now: Now) -> Template:
        return Template(
            "desk/groups.html",
            context={
                **await frame_of(managed, caller, now, "groups"),
                "people": await people_in_groups(managed.id),
                "run": await rounds.last_assignment(managed.id),
                "names": await names_of(managed.id),
            },
        )

    @post("/groups/proposal", guards=[may_write], status_code=200)
    async def propose(self, managed: Managed, request: AnyRequest, caller: Calling, now: Now) -> Redirect:
        await rounds.propose(managed.id, caller.organiser, now)
        return see_other(request, f"/organise/events/{managed.slug}/groups/proposal")

    @get("/groups/proposal", guards=[may_write], name="groups-proposal")
    async def proposal(self, managed: Managed, caller: Calling, now: Now) -> Template:
        return await _proposal_page(managed, caller, now)

    @post("/groups/assignment", guards=[may_write], status_code=200)
    async def apply(
        self, managed: Managed, request: AnyRequest, caller: Calling, now: Now
    ) -> Template | Redirect:
        number = str((await request.form()).get("proposal", ""))[:18]
        try:
            await rounds.apply(managed.id, int(number) if number.isdecimal() else 0, caller.organiser, now)
        except ProposalOutdated:
            return await _proposal_page(managed, caller, now, status_code=409)
        return see_other(request, f"/organise/events/{managed.slug}/groups")

    @post("/attendees/{registration_id:uuid}/lock", guards=[may_write], status_code=200)
    async def lock(
        self,
        managed: Managed,
        registration_id: FromPath[UUID],
        request: AnyRequest,
        caller: Calling,
        now: Now,
    ) -> Redirect:
        await attendee_of(managed, registration_id, caller)
        form = await request.form()
        change = locking.unlock if form.get("locked") == "no" else locking.lock
        await change(registration_id, str(form.get("session", "")), caller.organiser, now)
        return see_other(request, f"/organise/events/{managed.slug}/attendees/{registration_id}")


async def _proposal_page(managed: Any, caller: Any, now: Any, status_code: int = 200) -> Template:
    proposal = await rounds.proposal_of(managed.id)
    return Template(
        "desk/proposal.html",
        context={
            **await frame_of(managed, caller, now, "groups"),
            "proposal": proposal,
            "is_current": proposal is not None and await rounds.is_current(managed, proposal),
            "is_refused": status_code != 200,
            "names": await names_of(managed.id),
        },
        status_code=status_code,
    )
