"""The desk's list of people who cannot follow online, or whom no e-mail tells: those to call."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter
from litestar.response import Template

from dialograum.access import Calling, Managed, signed_in
from dialograum.desk import PRIVATE, frame_of
from events.controllers import Now
from events.rules import Role
from registration.attendees import AttendeeFilter, attendees, count_to_call, phone_of

PAGE = 200


class CallPages(Controller):
    path = "/organise/events/{slug:str}/calls"
    guards = (signed_in,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/", name="desk-calls")
    async def calls(
        self,
        managed: Managed,
        caller: Calling,
        now: Now,
        after: Annotated[int, QueryParameter(ge=0)] = 0,
    ) -> Template:
        """Helpers see names, numbers and groups alone."""
        shows_addresses = caller.organiser.role != Role.HELPER
        found = await attendees(managed, AttendeeFilter(to_call=True), after=after, limit=PAGE + 1)
        return Template(
            "desk/calls.html",
            context={
                **await frame_of(managed, caller, now, "mode"),
                "people": [(one, phone_of(managed, one.registration)) for one in found[:PAGE]],
                "total": await count_to_call(managed.id),
                "is_first_page": after == 0,
                "next_after": found[PAGE - 1].registration.arrival if len(found) > PAGE else None,
                "shows_addresses": shows_addresses,
            },
        )
