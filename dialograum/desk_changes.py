"""Desk pages on which an event is changed: its file, what it would do and to whom, and doing it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from litestar import Controller, Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.response import Redirect, Response, Template
from msgspec.structs import replace

from dialograum import publishing
from dialograum.access import Calling, Managed, may_write
from dialograum.desk import PRIVATE, frame_of
from dialograum.event_file import EventDocument, EventFile, EventFileInvalid, Problem, read, write
from dialograum.previews import Outlook, OutlookChanged, edit_as_seen, preview
from dialograum.signin import Caller
from events.controllers import Now, see_other
from events.details import EventDetails
from events.errors import Refusal
from events.rules import EventStatus

AnyRequest = Request[Any, Any, Any]
Languages = NamedDependency[tuple[str, ...]]


class ChangePages(Controller):
    path = "/organise/events/{slug:str}"
    guards = (may_write,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/event.toml", name="event-file")
    async def file(self, managed: Managed) -> Response[str]:
        return Response(
            await _present_file(managed.slug),
            media_type="application/toml",
            headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{managed.slug}.toml"'},
        )

    @get("/edit", name="edit-event")
    async def form(self, managed: Managed, caller: Calling, now: Now) -> Template:
        return await _form_page(managed, await _present_file(managed.slug), caller, now)

    @post("/edit", status_code=200)
    async def edit(
        self, managed: Managed, request: AnyRequest, caller: Calling, now: Now, languages: Languages
    ) -> Template | Redirect:
        form = await request.form()
        text, step = str(form.get("text", "")), form.get("step")
        upload = form.get("file")
        if isinstance(upload, UploadFile) and upload.filename:
            text = (await upload.read()).decode("utf-8-sig", errors="replace")
        if step == "edit":
            return await _form_page(managed, text, caller, now)
        if step != "apply" and form.get("version") != str(managed.version):
            return await _form_page(managed, text, caller, now, has_changed=True, status_code=409)
        try:
            document = await _document(managed, text)
            if step == "apply" and form.get("version") == str(managed.version):
                try:
                    await edit_as_seen(
                        managed.slug,
                        document,
                        caller.organiser,
                        now,
                        version=managed.version,
                        mark=str(form.get("mark", "")),
                        languages=languages,
                    )
                except OutlookChanged:
                    pass
                else:
                    return see_other(request, f"/organise/events/{managed.slug}")
            outlook = await _preview(managed, document, caller, now, languages)
        except Refusal as error:
            return await _form_page(managed, text, caller, now, error=error, status_code=error.status)
        return await _preview_page(managed, text, outlook, caller, now, has_changed=step == "apply")


async def _present_file(slug: str) -> str:
    return write(EventFile(events=(await publishing.document_of(slug),)))


async def _document(event: EventDetails, text: str) -> EventDocument:
    """The event of the file. Raises EventFileInvalid, also for other events and another series."""
    file = read(text.encode(), "", default_language=event.default_language)
    if len(file.events) > 1:
        raise EventFileInvalid([Problem("", "events", "Holds more than this event.")])
    if file.series is not None and file.series != (await publishing.file_of(event.slug)).series:
        raise EventFileInvalid([Problem("", "series", "Cannot be changed together with one event.")])
    (document,) = file.events
    if document.status is EventStatus.DRAFT:
        return replace(document, status=event.status)
    return document


async def _preview(
    event: EventDetails, document: EventDocument, caller: Caller, now: datetime, languages: Collection[str]
) -> Outlook:
    return await preview(
        event.slug,
        document,
        caller.organiser,
        now,
        version=event.version,
        languages=languages,
        replace_groups=True,
    )


async def _form_page(
    event: EventDetails,
    text: str,
    caller: Caller,
    now: datetime,
    *,
    error: Refusal | None = None,
    has_changed: bool = False,
    status_code: int = 200,
) -> Template:
    problems = error.problems if isinstance(error, EventFileInvalid) else ()
    return Template(
        "desk/edit_event.html",
        context={
            **await frame_of(event, caller, now, "overview"),
            "text": text,
            "problems": problems,
            "refusal": error if error and not problems else None,
            "has_changed": has_changed,
        },
        status_code=status_code,
    )


async def _preview_page(
    event: EventDetails, text: str, outlook: Outlook, caller: Caller, now: datetime, *, has_changed: bool
) -> Template:
    return Template(
        "desk/preview_event.html",
        context={
            **await frame_of(event, caller, now, "overview"),
            "text": text,
            "outlook": outlook,
            "has_changed": has_changed,
        },
        status_code=409 if has_changed else 200,
    )
