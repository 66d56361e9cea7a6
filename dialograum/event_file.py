"""The event file: TOML for organisers, the same keys as JSON for other systems. No database is known here."""

import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
import tomli_w
from msgspec import Meta, Struct
from msgspec.structs import replace

from dialograum.shape import misfits
from events.errors import Refusal
from events.forms import ContactSpec, EventSpec, Flaw, GroupSpec, Part, SeriesSpec, untitled
from events.forms import flaws as flaws_of_event
from events.forms import remarks as remarks_on_event
from hybrid.forms import ModeRules
from hybrid.forms import flaws as flaws_of_rules
from registration.questions import Questions
from registration.questions import flaws as flaws_of_questions
from registration.reminders import Reminders
from registration.reminders import flaws as flaws_of_reminders

LIMIT_BYTES = 1_000_000
DEFAULT_LANGUAGE = "de"


class EventDocument(EventSpec, frozen=True, kw_only=True):
    """Everything that is written down about one event."""

    mode_rules: ModeRules = ()
    reminders: Reminders = ()
    questions: Questions = ()


class EventFile(Part, frozen=True, kw_only=True):
    """One file: a single event, or several, as of a series."""

    series: SeriesSpec | None = None
    events: Annotated[tuple[EventDocument, ...], Meta(min_length=1, max_length=200)]


class Problem(NamedTuple):
    """Why a file cannot be used: its name, the path of the key (empty for the whole file), the reason."""

    file: str
    path: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


class EventFileInvalid(Refusal):
    """Every problem that was found, in the order of the files. Nothing of the files may be used."""

    status = 422
    code = "invalid"
    title = "The event file cannot be used"

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = [(problem.path, problem.reason) for problem in problems]
        super().__init__("\n".join(map(str, problems)), errors=errors)
        self.problems = tuple(problems)


Format = Literal["toml", "json"]
AnyPart = TypeVar("AnyPart", bound=Part)


def read_files(
    paths: Sequence[Path], *, start: date | None = None, default_language: str = DEFAULT_LANGUAGE
) -> tuple[EventFile, ...]:
    """The files of one run, each moved to `start` where one is given. `.json` files are JSON, others TOML.

    Raises `EventFileInvalid` with the problems of all files, among them a slug or short name that two events
    of the run have.
    """
    files: list[EventFile] = []
    problems: list[Problem] = []
    taken: set[tuple[str, str]] = set()
    for path in paths:
        try:
            with path.open("rb") as stream:
                data = stream.read(LIMIT_BYTES + 1)
            format_: Format = "json" if path.suffix == ".json" else "toml"
            files.append(_read(data, str(path), format_, start, default_language, taken))
        except OSError as error:
            problems.append(Problem(str(path), "", f"Cannot be read: {error.strerror}."))
        except EventFileInvalid as error:
            problems.extend(error.problems)
    _refuse(problems)
    return tuple(files)


def read(
    data: bytes,
    name: str,
    format_: Format = "toml",
    *,
    start: date | None = None,
    default_language: str = DEFAULT_LANGUAGE,
) -> EventFile:
    """The events of one file, moved to `start` where one is given.

    `name` stands in the problems; `default_language` is that of events which name none. Raises
    `EventFileInvalid` with all values that have the wrong shape or, where there are none, with all that do
    not fit together. The latter are judged after the move.
    """
    return _read(data, name, format_, start, default_language, set())


def write(file: EventFile) -> str:
    """TOML from which `read` makes an equal file."""
    document = _plain(file)
    if file.series is None and len(file.events) == 1:
        document = document["events"][0]
    return tomli_w.dumps(document, multiline_strings=True)


def to_document(part: Part) -> dict[str, Any]:
    """An event, or another part, as JSON: without what equals its default, times without offset."""
    document: dict[str, Any] = msgspec.to_builtins(_plain(part))
    return document


def from_document(document: object, *, default_language: str = DEFAULT_LANGUAGE) -> EventDocument:
    """One event from JSON. Raises `EventFileInvalid` as `read` does, with problems that name no file."""
    event = _converted(_in_language(document, default_language), EventDocument, "")
    _refuse([Problem("", *flaw) for flaw in _flaws_of_document(event)])
    return _folded(event)


def patched(event: EventDocument, patch: object) -> EventDocument:
    """The event after a JSON Merge Patch of its document. Raises `EventFileInvalid`.

    A patch that names `venues` replaces a single `venue`, and the other way round.
    """
    document = to_document(event)
    if isinstance(patch, dict):
        for key, other in (("venue", "venues"), ("venues", "venue")):
            if patch.get(key):
                document.pop(other, None)
    try:
        document = merge_patch(document, patch)
    except RecursionError:
        raise EventFileInvalid([Problem("", "", "Is nested too deeply.")]) from None
    return from_document(document, default_language=event.default_language)


def merge_patch(document: Any, patch: Any) -> Any:
    """The document after a JSON Merge Patch (RFC 7396, section 2). Neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def shift(file: EventFile, start: date) -> EventFile:
    """All dates moved by the same number of days, so that the earliest event begins on `start`.

    Times of day stay, weekdays need not. Raises `OverflowError` beyond the years 1 to 9999.
    """
    days = start - min(event.starts_at for event in file.events).date()
    return replace(file, events=tuple(_moved(event, days) for event in file.events))


def remarks(file: EventFile) -> list[Problem]:
    """What is allowed and yet worth a look, such as a session outside the event; named by its slug."""
    return [Problem(event.slug, *remark) for event in file.events for remark in remarks_on_event(event)]


def _read(
    data: bytes,
    name: str,
    format_: Format,
    start: date | None,
    default_language: str,
    taken: set[tuple[str, str]],
) -> EventFile:
    """As `read`; `taken` are the slugs and short names of the run so far."""
    document = _parsed(data, name, format_)
    single = not isinstance(document, dict) or document.keys().isdisjoint({"series", "events"})
    if isinstance(document, dict) and not single:
        tables = {key: _in_language(table, default_language) for key, table in document.items()}
        if isinstance(entries := document.get("events"), list):
            tables["events"] = [_in_language(entry, default_language) for entry in entries]
        file = _converted(tables, EventFile, name)
    else:
        event = _converted(_in_language(document, default_language), EventDocument, name)
        file = EventFile(events=(event,))
    if start is not None:
        try:
            file = shift(file, start)
        except OverflowError:
            raise EventFileInvalid([Problem(name, "", f"Cannot be moved to {start}.")]) from None
    _refuse([Problem(name, *flaw) for flaw in _flaws(file, single, taken)])
    return replace(file, events=tuple(map(_folded, file.events)))


def _parsed(data: bytes, name: str, format_: Format) -> object:
    if len(data) > LIMIT_BYTES:
        raise EventFileInvalid([Problem(name, "", "Is larger than 1 MB.")])
    try:
        text = data.decode("utf-8-sig")
        return msgspec.json.decode(text) if format_ == "json" else tomllib.loads(text)
    except UnicodeDecodeError:
        reason = "Is not UTF-8 text."
    except RecursionError:
        reason = "Is nested too deeply."
    except (ValueError, msgspec.DecodeError) as error:
        reason = f"Is not {format_.upper()}: {error}."
    raise EventFileInvalid([Problem(name, "", reason)])


def _in_language(document: object, language: str) -> object:
    """The table, with a default language where it names none."""
    return {"default_language": language, **document} if isinstance(document, dict) else document


def _converted(document: object, kind: type[AnyPart], name: str) -> AnyPart:
    try:
        document = _with_line_feeds(document)
    except RecursionError:
        raise EventFileInvalid([Problem(name, "", "Is nested too deeply.")]) from None
    _refuse([Problem(name, *misfit) for misfit in misfits(document, kind)])
    return msgspec.convert(document, kind)


def _with_line_feeds(value: Any) -> Any:
    """Forms and other systems end lines with CR LF, which TOML would not keep."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    if isinstance(value, list):
        return [_with_line_feeds(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _with_line_feeds(entry) for key, entry in value.items()}
    return value


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise EventFileInvalid(problems)


def _flaws(file: EventFile, single: bool, taken: set[tuple[str, str]]) -> Iterator[Flaw]:
    if file.series is not None:
        yield from (Flaw(f"series.{path}", reason) for path, reason in untitled(file.series))
    for i, event in enumerate(file.events):
        prefix = "" if single else f"events[{i}]."
        yield from (Flaw(prefix + path, reason) for path, reason in _flaws_of_document(event))
        for key, name in (("slug", event.slug), ("short", event.short)):
            if name is not None and (key, name) in taken:
                yield Flaw(prefix + key, f"Another event of this run has {name} already.")
            elif name is not None:
                taken.add((key, name))


def _flaws_of_document(event: EventDocument) -> Iterator[Flaw]:
    yield from flaws_of_event(event)
    yield from flaws_of_rules(event.mode_rules)
    yield from flaws_of_reminders(event.reminders, {group.key for group in event.groups})
    yield from flaws_of_questions(event.questions)


def _folded(event: EventDocument) -> EventDocument:
    """The one form of what can be written in two ways."""
    return replace(
        event,
        venue=None,
        venues=(event.venue,) if event.venue else event.venues,
        contact=None if event.contact == ContactSpec() else event.contact,
        groups=tuple(
            replace(group, session=None, sessions=(group.session,)) if group.session else group
            for group in event.groups
        ),
        mode_rules=tuple(
            replace(rule, key=None) if rule.key == rule.default_key else rule for rule in event.mode_rules
        ),
    )


def _plain(value: Any) -> Any:
    """Tables, lists and values, where a part leaves out what equals its default."""
    if isinstance(value, EventSpec) and len(value.venues) == 1:
        value = replace(value, venue=value.venues[0], venues=())
    if isinstance(value, GroupSpec) and len(value.sessions) == 1:
        value = replace(value, session=value.sessions[0], sessions=())
    if isinstance(value, Struct):
        return {
            field.encode_name: _plain(entry)
            for field in msgspec.structs.fields(value)
            if (entry := getattr(value, field.name)) != _default(field)
        }
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value.value if isinstance(value, Enum) else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _moved(event: EventDocument, days: timedelta) -> EventDocument:
    registration = event.registration
    return replace(
        event,
        starts_at=event.starts_at + days,
        ends_at=event.ends_at + days,
        registration=replace(
            registration,
            opens_at=registration.opens_at and registration.opens_at + days,
            closes_at=registration.closes_at and registration.closes_at + days,
        ),
        sessions=tuple(
            replace(session, starts_at=session.starts_at + days, ends_at=session.ends_at + days)
            for session in event.sessions
        ),
        mode_rules=tuple(
            replace(rule, expires_on=rule.expires_on and rule.expires_on + days) for rule in event.mode_rules
        ),
    )
