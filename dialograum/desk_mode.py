"""Desk pages of an event's mode: how it stands and why, and what its rules would have made of reports that are over."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from datetime import date, datetime, time, timedelta
from typing import Any

from litestar import Controller, Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from dialograum.access import Calling, Managed, may_write, signed_in
from dialograum.desk import PRIVATE, frame_of
from dialograum.desk_rooms import rooms_context
from dialograum.settings import Settings
from dialograum.signin import Caller
from events.controllers import Now, see_other
from events.details import EventDetails
from events.errors import FormInvalid
from events.queries import event_by_id
from events.rules import Mode, local_time
from hybrid.charts import Content, Turn, Value, charts
from hybrid.controllers import Servers, allow_forms_to
from hybrid.errors import ReportsUnusable
from hybrid.figures import note_figure, typed_figure
from hybrid.hindsight import Hindsight, hindsight
from hybrid.meeting_servers import MeetingServers
from hybrid.outages import outage_of
from hybrid.overview import ModeView, RuleView, mode_view, next_reading
from hybrid.queries import recorded_files, rule_of, stored_rules
from hybrid.replay import Recorded, replay, timing_on
from hybrid.rules import Reading, Rule, Timing, evaluated_from, timing_of
from hybrid.sources import Indicator
from hybrid.tables import RecordedFile
from hybrid.telling import told_of
from hybrid.trial_forms import Trial, trial_from_query
from hybrid.trials import ReportFile, kept_of, known_rules, recorded_of
from registration.attendees import count_to_call

AnyRequest = Request[Any, Any, Any]
InSettings = NamedDependency[Settings]

CHARTED = timedelta(days=92)
"""How far back the chart of the present reaches."""

LISTED = 60
"""Reports in the table beside it."""

FILE_BYTES = 900_000


class ModePages(Controller):
    path = "/organise/events/{slug:str}/mode"
    guards = (signed_in,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/", name="desk-mode")
    async def mode(
        self,
        managed: Managed,
        caller: Calling,
        request: AnyRequest,
        now: Now,
        settings: InSettings,
        meeting_servers: Servers,
    ) -> Template:
        return await _mode_page(managed, caller, request, now, settings, meeting_servers)

    @post("/figure", guards=[may_write])
    async def figure(
        self,
        managed: Managed,
        caller: Calling,
        request: AnyRequest,
        now: Now,
        settings: InSettings,
        meeting_servers: Servers,
    ) -> Template | Redirect:
        """Takes a figure for a rule of this event on a source that nobody fetches."""
        form = await request.form()
        typed = {name: str(form.get(name, ""))[:40] for name in ("on", "value")}
        stored = await stored_rules(managed.id)
        chosen = next((one for one in stored if one.spec.effective_key == form.get("rule")), None)
        indicator = settings.sources.get(chosen.spec.indicator) if chosen else None
        if chosen is None or indicator is None or indicator.address:
            return see_other(request, f"/organise/events/{managed.slug}/mode")
        try:
            on, value = typed_figure(typed["on"], typed["value"])
            event = await event_by_id(managed.id)
            await note_figure(
                indicator,
                chosen.spec.region,
                on,
                value,
                event,
                caller.organiser,
                now,
                has_servers=bool(settings.jitsi_urls),
            )
        except FormInvalid as refused:
            figure = {"rule": chosen.spec.effective_key, "errors": dict(refused.errors), **typed}
            return await _mode_page(managed, caller, request, now, settings, meeting_servers, figure)
        return see_other(request, f"/organise/events/{managed.slug}/mode")

    @get("/replay", name="mode-replay")
    async def replay(
        self, managed: Managed, caller: Calling, request: AnyRequest, now: Now, settings: InSettings
    ) -> Template:
        return await _trial_page(managed, caller, request, now, settings)

    @post("/replay", guards=[may_write], status_code=200)
    async def upload(
        self, managed: Managed, caller: Calling, request: AnyRequest, now: Now, settings: InSettings
    ) -> Template | Redirect:
        sent = (await request.form()).get("file")
        content = await sent.read(FILE_BYTES + 1) if isinstance(sent, UploadFile) and sent.filename else b""
        reason = "missing" if not content else "large" if len(content) > FILE_BYTES else ""
        detail = ""
        name = sent.filename[:200] if isinstance(sent, UploadFile) else ""
        if not reason:
            rules = known_rules(await stored_rules(managed.id), settings.sources)
            try:
                file = ReportFile("", name, content)
                await asyncio.to_thread(recorded_of, [file], rules, settings.sources)
            except ReportsUnusable as error:
                reason, detail = "unreadable", error.detail
        if reason:
            return await _trial_page(managed, caller, request, now, settings, upload_error=(reason, detail))
        row = RecordedFile(_ignore_missing=True, event=managed.id, name=name, content=content, created_at=now)
        await row.save()
        return see_other(request, f"/organise/events/{managed.slug}/mode/replay?reports={row.id}")


async def _mode_page(
    managed: EventDetails,
    caller: Caller,
    request: AnyRequest,
    now: datetime,
    settings: Settings,
    servers: MeetingServers,
    figure: Mapping[str, Any] | None = None,
) -> Template:
    """The page; `figure` is one that could not be taken: its rule, what was typed, and the errors by field."""
    allow_forms_to(request, managed, servers)
    view = await mode_view(managed, settings.sources, now, with_points=True)
    interval = timedelta(seconds=settings.indicator_interval)
    moved = view.switches
    return Template(
        "desk/mode.html",
        context={
            **await frame_of(managed, caller, now, "mode"),
            **await rooms_context(managed, servers, now),
            "view": view,
            "moved": moved[0] if moved else None,
            "told": await told_of(moved[0]) if moved else None,
            "outage": await outage_of(managed.id) if managed.mode is not Mode.IN_PERSON else None,
            "charts": [charts(_content(view, rule, now), mirrored=_is_rtl(request)) for rule in view.rules],
            "next_readings": [next_reading(rule, interval) for rule in view.rules],
            "listed": LISTED,
            "figure": figure,
            "to_call": await count_to_call(managed.id),
            "today": local_time(now, managed.timezone).date(),
        },
        status_code=422 if figure else 200,
    )


async def _trial_page(
    event: EventDetails,
    caller: Caller,
    request: AnyRequest,
    now: datetime,
    settings: Settings,
    *,
    upload_error: tuple[str, str] | None = None,
) -> Template:
    query = request.query_params
    stored = await stored_rules(event.id)
    files = await recorded_files(event.id, now)
    known = [one for one in stored if one.spec.indicator in settings.sources]
    context: dict[str, Any] = {
        **await frame_of(event, caller, now, "mode"),
        "files": files,
        "rules": [one.spec.effective_key for one in known],
        "upload_error": upload_error,
        "kilobytes": FILE_BYTES // 1000,
        "seen": None,
    }
    if known:
        chosen = next((one for one in known if one.spec.effective_key == query.get("rule")), known[0])
        indicator = settings.sources[chosen.spec.indicator]
        trial = trial_from_query(query, chosen.spec, rule_of(chosen, indicator))
        rules = [rule_of(one, settings.sources[one.spec.indicator]) for one in known]
        place = known.index(chosen)
        rules[place] = tried = rule_of(changed(chosen, spec=trial.spec), indicator)
        file = next((one for one in files if str(one.id) == query.get("reports")), None)
        recorded = await _recorded(rules, file, settings.sources)
        seen = await asyncio.to_thread(_run, event.base_mode, recorded, tried, timing_of(event), trial)
        content = _content_of_trial(event, tried, seen, trial)
        context |= {
            "trial": trial,
            "chosen": chosen.spec.effective_key,
            "indicator": indicator,
            "rule": tried,
            "file": file,
            "seen": seen,
            "charts": charts(content, mirrored=_is_rtl(request)),
        }
    return Template("desk/replay.html", context=context, status_code=422 if upload_error else 200)


def _run(base: Mode, recorded: Sequence[Recorded], rule: Rule, timing: Timing, trial: Trial) -> Hindsight:
    found = replay(base, recorded, timing, first=trial.first, last=trial.last, event_on=trial.event_on)
    return hindsight(found, recorded, rule, base)


async def _recorded(
    rules: Sequence[Rule], file: RecordedFile | None, indicators: Mapping[str, Indicator]
) -> list[Recorded]:
    """The reports of the file, else those kept; none for a rule that the file does not serve."""
    if file is None:
        return [await kept_of(rule, indicators[rule.indicator]) for rule in rules]
    sent = ReportFile("", file.name, bytes(file.content))
    try:
        return await asyncio.to_thread(recorded_of, [sent], rules, indicators)
    except ReportsUnusable:
        return [Recorded(rule, indicators[rule.indicator].zone, []) for rule in rules]


def _is_rtl(request: AnyRequest) -> bool:
    return bool(request.scope["state"]["language"].direction == "rtl")


def _content(view: ModeView, rule: RuleView, now: datetime) -> Content:
    """The chart of a rule at present: its readings of three months, the switches, and what lies ahead."""
    event = view.event
    zone = event.timezone
    is_state = rule.indicator is not None and rule.indicator.kind == "state"
    since = (now - CHARTED).date()
    values = [
        Value(
            local_time(point.reading.as_of, zone) if is_state else point.report_on,
            point.reading.value,
            None if is_state else point.newest,
        )
        for point in rule.points
        if point.report_on >= since
    ]
    turns = [
        Turn(local_time(switch["at"], zone), Mode(switch["to_mode"]), _value_of(switch, rule.rule))
        for switch in reversed(view.switches)
        if switch["at"].date() >= since
    ]
    return Content(
        values=values,
        enter_at=rule.rule.enter_at,
        leave_at=rule.rule.leave_at,
        base=event.base_mode,
        turns=turns,
        until=event.starts_local,
        checked_from=local_time(rule.evaluated_from, zone),
        freeze=(local_time(rule.freezes_at, zone), event.starts_local),
    )


def _value_of(switch: Mapping[str, Any], rule: Rule) -> float | None:
    """The reading that a switch came from, where it was one of this rule."""
    evidence = switch["evidence"] or {}
    return float(evidence["reading"]["value"]) if evidence.get("rule") == rule.key else None


def _content_of_trial(event: EventDetails, rule: Rule, seen: Hindsight, trial: Trial) -> Content:
    timing = timing_on(timing_of(event), trial.event_on) if trial.event_on else None
    zone = event.timezone
    return Content(
        values=[
            Value(_at(moment.reading, zone), moment.reading.value, moment.later) for moment in seen.moments
        ],
        enter_at=rule.enter_at,
        leave_at=rule.leave_at,
        base=event.base_mode,
        turns=[
            Turn(
                _at(one.switch.verdict.reading, zone),
                one.switch.to,
                one.switch.verdict.reading.value if one.switch.rule.key == rule.key else None,
            )
            for one in seen.switches
        ],
        until=trial.event_on,
        checked_from=local_time(evaluated_from(rule, timing), zone) if timing else None,
        freeze=(local_time(timing.starts_at - rule.freeze, zone), local_time(timing.starts_at, zone))
        if timing
        else None,
    )


def _at(reading: Reading, zone: str) -> date:
    """Where a reading stands: at its report's day, one of a state at its issue."""
    as_of = local_time(reading.as_of, zone)
    return as_of if as_of.time() != time() and as_of.date() == reading.report_on else reading.report_on
