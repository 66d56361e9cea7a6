"""The JSON API: an event's mode, why it is so, and moving it by hand."""

import msgspec
from litestar import Controller, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from dialograum.access import Calling, Managed, may_write, signed_in
from dialograum.mode_json import mode_json
from dialograum.mode_words import ModeWords
from dialograum.settings import Settings
from events.api import Json
from events.controllers import Now
from events.forms import Reason, Seats
from events.rules import Mode, Role
from hybrid.overview import mode_view
from hybrid.switching import Cause, set_mode


class ModeBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `PUT /events/{slug}/mode`. Without `hybrid_capacity` the seats in the hall stay what they are."""

    mode: Mode
    reason: Reason
    lock: bool = True
    hybrid_capacity: Seats | msgspec.UnsetType | None = msgspec.UNSET


class ModeApi(Controller):
    path = "/events"
    tags = ["Mode"]

    @get(
        "/{slug:str}/mode",
        guards=[signed_in],
        summary="An event's mode, its rules and its switches",
        description="A rule has all its keys with the values that count. `switches` are changes of the mode;"
        " `adjustments` say `what` changed within it: `locked`, `unlocked`, `seats` in the hall. Both are newest first."
        " `via` is `rule`, `proposal` (of a rule, accepted), `hand` or `command line`; `by` is the organiser's name,"
        " else the address (to helpers `organiser`), and where it was no organiser the same as `via`.",
    )
    async def mode(
        self,
        managed: Managed,
        caller: Calling,
        now: Now,
        settings: NamedDependency[Settings],
        mode_words: NamedDependency[ModeWords],
    ) -> Json:
        view = await mode_view(managed, settings.sources, now)
        return mode_json(view, mode_words, shows_addresses=caller.organiser.role != Role.HELPER)

    @put(
        "/{slug:str}/mode",
        guards=[may_write],
        summary="Move an event by hand, and tell everybody",
        description="`lock` keeps rules from moving the event until it is lifted: by `lock: false`, also with the mode"
        " that the event has.",
    )
    async def set(
        self,
        data: JSONBody[ModeBody],
        managed: Managed,
        caller: Calling,
        now: Now,
        settings: NamedDependency[Settings],
        mode_words: NamedDependency[ModeWords],
    ) -> Json:
        event = await set_mode(
            managed.slug,
            data.mode,
            Cause(caller.organiser, data.reason.strip()),
            now,
            has_servers=bool(settings.jitsi_urls),
            lock=data.lock,
            hybrid_capacity=data.hybrid_capacity,
        )
        return mode_json(await mode_view(event, settings.sources, now), mode_words)
