"""Desk pages for lists of people: a file, what its columns mean, what would be done, and doing it."""

import asyncio
import csv
import io
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Response, Template

from dialograum.access import Calling, Managed, may_write
from dialograum.desk import PRIVATE, frame_of
from dialograum.retention import DRAFTS_KEPT
from dialograum.signin import Caller
from dialograum.tables import ImportDraft
from events.controllers import Now, see_other
from events.details import EventDetails
from events.errors import Refusal
from events.queries import event_by_id
from events.tables import Event
from registration.attendees import safe_cell
from registration.controllers import form_values
from registration.forms import PageForm
from registration.list_columns import Candidate, candidates, fields_of, guessed, wrong_columns
from registration.list_files import ListUnreadable, PeopleList, Row, read_list
from registration.list_import import Plan, import_people, plan

AnyRequest = Request[Any, Any, Any]
Languages = NamedDependency[tuple[str, ...]]
DraftId = FromPath[UUID]
SAMPLES = 3


class DraftUnknown(Refusal):
    """A list that was sent by somebody else, for another event, or more than a day ago."""

    status = 404
    code = "not-found"
    title = "There is no such list"


class ListPages(Controller):
    path = "/organise/events/{slug:str}/attendees/import"
    guards = (may_write,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/", name="import-list")
    async def file_form(self, managed: Managed, caller: Calling, now: Now) -> Template:
        return await _file_page(managed, PageForm(), caller, now)

    @post("/", status_code=200)
    async def upload(
        self, managed: Managed, request: AnyRequest, caller: Calling, now: Now
    ) -> Template | Redirect:
        file = (await request.form()).get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return await _file_page(managed, PageForm(errors=[("file", "missing")]), caller, now)
        try:
            people = await asyncio.to_thread(read_list, await file.read())
        except ListUnreadable as error:
            return await _file_page(managed, PageForm(errors=[("file", error.reason)]), caller, now)
        draft = ImportDraft(
            event=managed.id,
            organiser=caller.organiser.id,
            created_at=now,
            headings=list(people.headings),
            rows=[[row.number, row.cells] for row in people.rows],
            meanings=guessed(people.headings, managed),
        )
        await draft.save()
        return see_other(request, _url(managed, draft.id))

    @get("/{draft_id:uuid}", name="import-columns")
    async def columns_form(self, managed: Managed, draft_id: DraftId, caller: Calling, now: Now) -> Template:
        draft = await _draft(managed, draft_id, caller, now)
        values = {f"column.{place}": meaning for place, meaning in enumerate(draft.meanings)}
        return await _columns_page(managed, draft, PageForm(values), caller, now)

    @post("/{draft_id:uuid}", status_code=200)
    async def columns(
        self, managed: Managed, draft_id: DraftId, request: AnyRequest, caller: Calling, now: Now
    ) -> Template | Redirect:
        draft = await _draft(managed, draft_id, caller, now)
        form = PageForm(form_values(await request.form()))
        meanings = [form.value(f"column.{place}") for place in range(len(draft.headings))]
        form.errors = wrong_columns(meanings, managed)
        if form.errors:
            return await _columns_page(managed, draft, form, caller, now)
        draft.meanings = meanings
        await draft.save([ImportDraft.meanings])
        return see_other(request, f"{_url(managed, draft_id)}/check")

    @get("/{draft_id:uuid}/check", name="import-check")
    async def check(
        self,
        managed: Managed,
        draft_id: DraftId,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        languages: Languages,
    ) -> Template | Redirect:
        draft = await _draft(managed, draft_id, caller, now)
        if draft.outcome or wrong_columns(draft.meanings, managed):
            return see_other(request, _url(managed, draft_id) + ("/done" if draft.outcome else ""))
        return Template(
            "desk/import_check.html",
            context={
                **await frame_of(managed, caller, now, "attendees"),
                "plan": await plan(managed, _people(managed, draft, languages)),
                "import_url": _url(managed, draft_id),
            },
        )

    @post("/{draft_id:uuid}/check", status_code=200)
    async def register(
        self,
        managed: Managed,
        draft_id: DraftId,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        languages: Languages,
    ) -> Redirect:
        form = await request.form()
        also = {int(number) for number in form.getall("also", []) if str(number).isdecimal()}
        async with Event._meta.db.transaction():
            await event_by_id(managed.id, locked=True)
            draft = await _draft(managed, draft_id, caller, now)
            if draft.outcome is None and not wrong_columns(draft.meanings, managed):
                people = _people(managed, draft, languages)
                done = await import_people(
                    managed.id, people, also, caller.organiser, now, tells=form.get("tell") == "yes"
                )
                draft.outcome = {"new": len(done.new), "left_out": len(done.left_out)}
                draft.rows = [[row.candidate.number, row.candidate.cells] for row in done.left_out]
                await draft.save([ImportDraft.outcome, ImportDraft.rows])
        return see_other(request, f"{_url(managed, draft_id)}/done")

    @get("/{draft_id:uuid}/done", name="import-done")
    async def done(
        self, managed: Managed, draft_id: DraftId, request: AnyRequest, caller: Calling, now: Now
    ) -> Template | Redirect:
        draft = await _draft(managed, draft_id, caller, now)
        if draft.outcome is None:
            return see_other(request, _url(managed, draft_id))
        return Template(
            "desk/import_done.html",
            context={
                **await frame_of(managed, caller, now, "attendees"),
                "outcome": draft.outcome,
                "import_url": _url(managed, draft_id),
            },
        )

    @get("/{draft_id:uuid}/left-out.csv", name="import-left-out")
    async def left_out(
        self,
        managed: Managed,
        draft_id: DraftId,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        languages: Languages,
    ) -> Response[bytes]:
        draft = await _draft(managed, draft_id, caller, now)
        found = await plan(managed, _people(managed, draft, languages))
        return Response(
            _csv(request, managed, draft, found),
            media_type="text/csv",
            headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{managed.slug}-left-out.csv"'},
        )


def _url(event: EventDetails, draft_id: UUID) -> str:
    return f"/organise/events/{event.slug}/attendees/import/{draft_id}"


async def _draft(event: EventDetails, draft_id: UUID, caller: Caller, now: datetime) -> ImportDraft:
    """The caller's own. Raises DraftUnknown."""
    draft = (
        await ImportDraft.objects()
        .where(
            (ImportDraft.id == draft_id)
            & (ImportDraft.event == event.id)
            & (ImportDraft.organiser == caller.organiser.id)
            & (ImportDraft.created_at > now - DRAFTS_KEPT)
        )
        .output(load_json=True)
        .first()
    )
    if draft is None:
        raise DraftUnknown()
    return draft


def _people(event: EventDetails, draft: ImportDraft, languages: tuple[str, ...]) -> list[Candidate]:
    people = PeopleList(
        tuple(draft.headings), tuple(Row(number, tuple(cells)) for number, cells in draft.rows)
    )
    return candidates(people, draft.meanings, event, languages)


def _csv(request: AnyRequest, event: EventDetails, draft: ImportDraft, found: Plan) -> bytes:
    """The rows left out as they were sent, each with its reason; after an import all that it left out."""
    engine = cast(Any, request.app.template_engine)
    text = engine.get_template("desk/reasons.txt").render(
        event=event, rows=found.left_out, request=request, language=request.scope["state"]["language"]
    )
    heading, *reasons = text.splitlines()
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(map(safe_cell, [*draft.headings, heading]))
    for row, reason in zip(found.left_out, reasons, strict=True):
        writer.writerow(map(safe_cell, [*row.candidate.cells, reason]))
    return "\ufeff".encode() + lines.getvalue().encode()


async def _file_page(event: EventDetails, form: PageForm, caller: Caller, now: datetime) -> Template:
    return Template(
        "desk/import.html",
        context={**await frame_of(event, caller, now, "attendees"), "form": form},
        status_code=422 if form.errors else 200,
    )


async def _columns_page(
    event: EventDetails, draft: ImportDraft, form: PageForm, caller: Caller, now: datetime
) -> Template:
    columns = []
    for place, heading in enumerate(draft.headings):
        cells = (cells[place] for _, cells in draft.rows[:50])
        columns.append((heading, list(dict.fromkeys(cell[:40] for cell in cells if cell))[:SAMPLES]))
    return Template(
        "desk/import_columns.html",
        context={
            **await frame_of(event, caller, now, "attendees"),
            "form": form,
            "columns": columns,
            "meanings": ["", *fields_of(event)],
            "people": len(draft.rows),
            "import_url": _url(event, draft.id),
        },
        status_code=422 if form.errors else 200,
    )
