"""Desk pages on which an event is moved by hand, and on which a proposal of a rule is answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template

from dialograum.access import Calling, Managed, may_write, signed_in
from dialograum.desk import PRIVATE, frame_of
from dialograum.mode_previews import SwitchOutlook, preview
from dialograum.settings import Settings
from dialograum.signin import Caller
from events.controllers import Now, see_other
from events.details import EventDetails
from events.errors import Conflict, EventCancelled, ModeRefused, Refusal
from events.forms import Reason, Seats
from events.queries import details, event_named
from events.rules import Mode
from events.tables import Event
from hybrid.proposals import accept, decline, destination, proposal_of
from hybrid.rooms import crowds
from hybrid.switching import Cause, set_mode

AnyRequest = Request[Any, Any, Any]
InSettings = NamedDependency[Settings]


class Move(msgspec.Struct):
    """A switch by hand as it is asked for. `errors` are codes by field."""

    to: Mode
    lock: bool
    reason: str = ""
    seats: str = ""
    errors: dict[str, str] = {}

    @property
    def hybrid_capacity(self) -> int | msgspec.UnsetType | None:
        """The seats in the hall that are named, `None` where all of it counts; unset where that is not asked."""
        if self.to is not Mode.HYBRID or "hybrid_capacity" in self.errors:
            return msgspec.UNSET
        return int(self.seats) if self.seats else None


class SwitchPages(Controller):
    path = "/organise/events/{slug:str}/mode"
    include_in_schema = False
    response_headers = PRIVATE

    @get("/set/{mode:str}", guards=[may_write], name="set-mode")
    async def form(
        self, mode: FromPath[str], managed: Managed, caller: Calling, now: Now, settings: InSettings
    ) -> Template:
        move = _asked(_mode(mode), managed)
        return await _page(managed, move, caller, now, settings)

    @post("/set/{mode:str}", guards=[may_write], status_code=200)
    async def set(
        self,
        mode: FromPath[str],
        managed: Managed,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        settings: InSettings,
    ) -> Template | Redirect:
        form = await request.form()
        move = _typed(_mode(mode), form)
        is_seen = form.get("seen") == move.seats and form.get("version") == str(managed.version)
        if form.get("step") == "preview" or (not is_seen and not move.errors):
            if form.get("step") == "preview":
                move.errors.pop("reason", None)
            has_changed = form.get("version") != str(managed.version)
            return await _page(managed, move, caller, now, settings, has_changed=has_changed)
        if move.errors:
            return await _page(managed, move, caller, now, settings)
        try:
            async with Event._meta.db.transaction():
                row = await event_named(managed.slug, locked=True)
                if row.version != managed.version:
                    raise Conflict()
                await _carry_out(managed, move, caller, now, settings)
        except Conflict:
            event = await details(managed.slug)
            return await _page(event, move, caller, now, settings, has_changed=True)
        except (ModeRefused, EventCancelled):
            return await _page(managed, move, caller, now, settings, status_code=409)
        return see_other(request, f"/organise/events/{managed.slug}/mode")

    @get("/proposals/{proposal_id:uuid}", guards=[signed_in], name="mode-proposal")
    async def proposal(
        self, managed: Managed, proposal_id: FromPath[UUID], caller: Calling, now: Now, settings: InSettings
    ) -> Template:
        return await _proposal_page(managed, proposal_id, caller, now, settings)

    @post("/proposals/{proposal_id:uuid}/accept", guards=[may_write], status_code=200)
    async def accept(
        self,
        managed: Managed,
        proposal_id: FromPath[UUID],
        request: AnyRequest,
        caller: Calling,
        now: Now,
        settings: InSettings,
    ) -> Template | Redirect:
        try:
            await accept(
                managed.id, proposal_id, caller.organiser, now, has_servers=bool(settings.jitsi_urls)
            )
        except (ModeRefused, EventCancelled):
            return await _proposal_page(managed, proposal_id, caller, now, settings, status_code=409)
        return see_other(request, f"/organise/events/{managed.slug}/mode/proposals/{proposal_id}")

    @post("/proposals/{proposal_id:uuid}/decline", guards=[may_write], status_code=200)
    async def decline(
        self,
        managed: Managed,
        proposal_id: FromPath[UUID],
        request: AnyRequest,
        caller: Calling,
        now: Now,
    ) -> Redirect:
        await decline(managed.id, proposal_id, caller.organiser, now)
        return see_other(request, f"/organise/events/{managed.slug}/mode/proposals/{proposal_id}")


def _mode(text: str) -> Mode:
    """Raises NotFoundException."""
    if text not in list(Mode):
        raise NotFoundException()
    return Mode(text)


def _asked(to: Mode, event: EventDetails) -> Move:
    """The form as it is shown first: a switch locks the mode, the present mode asks for its lock or lifts it."""
    lock = not event.mode_locked if to is event.mode else True
    seats = "" if event.hybrid_capacity is None else str(event.hybrid_capacity)
    return Move(to, lock, seats=seats if to is Mode.HYBRID and event.base_mode is not Mode.HYBRID else "")


def _typed(to: Mode, form: Mapping[str, Any]) -> Move:
    reason = str(form.get("reason", "")).replace("\r\n", "\n").strip()
    move = Move(to, form.get("lock") == "yes", reason[:5000], errors={})
    if not reason:
        move.errors["reason"] = "missing"
    else:
        try:
            msgspec.convert(reason, Reason)
        except msgspec.ValidationError:
            move.errors["reason"] = "unusable"
    if to is Mode.HYBRID:
        move.seats = str(form.get("hybrid_capacity", "")).strip()[:20]
        try:
            if move.seats:
                move.seats = str(msgspec.convert(move.seats, Seats, strict=False))
        except msgspec.ValidationError:
            move.errors["hybrid_capacity"] = "unusable"
    return move


async def _carry_out(
    event: EventDetails, move: Move, caller: Caller, now: datetime, settings: Settings
) -> EventDetails:
    return await set_mode(
        event.slug,
        move.to,
        Cause(caller.organiser, move.reason),
        now,
        has_servers=bool(settings.jitsi_urls),
        lock=move.lock,
        hybrid_capacity=_seats(event, move),
    )


def _seats(event: EventDetails, move: Move) -> int | msgspec.UnsetType | None:
    """The seats in the hall that are named, unset where they are what they were in the same mode, or never count."""
    is_same = move.to is event.mode and move.hybrid_capacity == event.hybrid_capacity
    never_count = event.base_mode is Mode.HYBRID and not move.seats
    return msgspec.UNSET if is_same or never_count else move.hybrid_capacity


async def _page(
    event: EventDetails,
    move: Move,
    caller: Caller,
    now: datetime,
    settings: Settings,
    *,
    has_changed: bool = False,
    status_code: int = 200,
) -> Template:
    outlook: SwitchOutlook | None = None
    refusal: Refusal | None = None
    if "hybrid_capacity" not in move.errors:
        try:
            outlook = await preview(
                event,
                move.to,
                now,
                has_servers=bool(settings.jitsi_urls),
                hybrid_capacity=_seats(event, move),
            )
        except (ModeRefused, EventCancelled) as error:
            refusal = error
    return Template(
        "desk/set_mode.html",
        context={
            **await frame_of(event, caller, now, "mode"),
            **_shown(outlook, refusal),
            "move": move,
            "has_changed": has_changed,
        },
        status_code=422 if move.errors else 409 if has_changed else status_code,
    )


async def _proposal_page(
    event: EventDetails,
    proposal_id: UUID,
    caller: Caller,
    now: datetime,
    settings: Settings,
    *,
    status_code: int = 200,
) -> Template:
    proposal = await proposal_of(event.id, proposal_id)
    to = await destination(event, proposal)
    outlook: SwitchOutlook | None = None
    refusal: Refusal | None = None
    if proposal.answer is None:
        try:
            outlook = await preview(event, to, now, has_servers=bool(settings.jitsi_urls))
        except (ModeRefused, EventCancelled) as error:
            refusal = error
    return Template(
        "desk/mode_proposal.html",
        context={
            **await frame_of(event, caller, now, "mode"),
            **_shown(outlook, refusal),
            "proposal": proposal,
            "to": to,
        },
        status_code=status_code,
    )


def _shown(outlook: SwitchOutlook | None, refusal: Refusal | None) -> dict[str, Any]:
    """What `macros/switch.html` shows."""
    crowded = (
        crowds(outlook.after) if outlook is not None and outlook.after.mode is not Mode.IN_PERSON else []
    )
    return {"outlook": outlook, "refusal": refusal, "meeting_crowds": crowded}
