"""An event as people write it down: the part of the event file that describes what takes place.

The types hold everything that can be said about one value alone; `extra={"holds": …}` names a question that
no pattern can ask. `flaws` finds what does not fit together between values.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from email_validator import EmailNotValidError, validate_email
from msgspec import Meta, Struct, field

from events.rules import EventStatus, Mode


class Flaw(NamedTuple):
    """What cannot be used: the path of the key as in `groups[3].session`, and why in one English sentence."""

    path: str
    reason: str


def is_address(text: str) -> bool:
    """Whether the syntax is that of an e-mail address; no name server is asked."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def is_zone(name: str) -> bool:
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})


def is_web_address(text: str) -> bool:
    """Whether this is an https address with a host and without a password."""
    try:
        parts = urlsplit(text)
        return parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False


# Unlike $, this does not match before a last line feed, and JSON Schema knows it too.
_END = r"(?![\s\S])"
# Control characters, line and paragraph separators, overrides of the writing direction, lone surrogates.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e\ud800-\udfff"
_ONE_LINE = rf"^(?=[\s\S]*\S)[^\t\n{_CONTROLS}]*{_END}"
_LINES = rf"^(?=[\s\S]*\S)[^{_CONTROLS}]*{_END}"
_KEY = rf"^[a-z0-9]+(-[a-z0-9]+)*{_END}"


def _text(reason: str, pattern: str, limit: int, holds: Callable[[str], bool] | None = None) -> Meta:
    extra = {"holds": holds} if holds else None
    return Meta(pattern=pattern, max_length=limit, description=reason, extra=extra)


def _whole(least: int, most: int) -> Meta:
    return Meta(ge=least, le=most, description=f"Must be a whole number from {least} to {most}.")


_KEY_REASON = "Must be small letters a to z, digits and single hyphens between them, {} characters at most."
_LINE_REASON = "Must be one line of text without control characters, {} characters at most."
_TEXT_REASON = "Must be text without control characters, {} characters at most."
_BY_LANGUAGE = 'Must be a table of texts by language, as in {{ de = "…" }}{}.'

Key = Annotated[str, _text(_KEY_REASON.format(80), _KEY, 80)]
Kind = Annotated[str, _text(_KEY_REASON.format(40), _KEY, 40)]
Language = Annotated[
    str,
    _text("Must be a language code such as de.", rf"^[a-z]{{2,3}}(-[A-Za-z0-9]{{2,8}})*{_END}", 16),
]
Zone = Annotated[str, _text("Must be a time zone such as Europe/Berlin.", _ONE_LINE, 64, is_zone)]
Line = Annotated[str, _text(_LINE_REASON.format(200), _ONE_LINE, 200)]
Headline = Annotated[str, _text(_LINE_REASON.format(300), _ONE_LINE, 300)]
Text = Annotated[str, _text(_TEXT_REASON.format(20_000), _LINES, 20_000)]
Reason = Annotated[str, _text(_TEXT_REASON.format(2_000), _LINES, 2_000)]
Email = Annotated[
    str, _text("Must be an e-mail address such as office@example.org.", _ONE_LINE, 254, is_address)
]
WebAddress = Annotated[
    str, _text("Must be an address that begins with https://.", rf"^[!-~]+{_END}", 500, is_web_address)
]
Country = Annotated[str, _text("Must be a country code such as DE.", rf"^[A-Z]{{2}}{_END}", 2)]
Local = Annotated[
    datetime,
    Meta(tz=False, description="Must be a local date and time without offset, such as 2022-11-18T16:00:00."),
]
Seats = Annotated[int, _whole(0, 1_000_000)]

Lines = Annotated[dict[Language, Headline], Meta(description=_BY_LANGUAGE.format(""))]
Title = Annotated[
    dict[Language, Headline],
    Meta(min_length=1, description=_BY_LANGUAGE.format(", with one language at least")),
]
Texts = Annotated[dict[Language, Text], Meta(description=_BY_LANGUAGE.format(""))]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the event file. Unknown keys are refused."""


class VenueSpec(Part, frozen=True, kw_only=True):
    """A house and room. The venue of `[venue]` needs no key and is called `venue` then."""

    key: Key = "venue"
    name: Line
    room: Line | None = None
    street: Line | None = None
    postal_code: Annotated[str, _text(_LINE_REASON.format(20), _ONE_LINE, 20)] | None = None
    locality: Line | None = None
    country: Country | None = None
    access: Texts = field(default_factory=dict)


class ContactSpec(Part, frozen=True, kw_only=True):
    role: Lines = field(default_factory=dict)
    name: Line | None = None
    email: Email | None = None
    phone: Annotated[str, _text(_LINE_REASON.format(60), _ONE_LINE, 60)] | None = None


class RegistrationSpec(Part, frozen=True, kw_only=True):
    """`None` is no limit; without `closes_at` registration ends with the start."""

    opens_at: Local | None = None
    closes_at: Local | None = None
    capacity: Seats | None = None
    digital_capacity: Seats | None = None
    hybrid_capacity: Seats | None = None
    waitlist: bool = True
    confirm_email: bool = True
    hold_hours: Annotated[int, _whole(1, 720)] = 24
    allocation: Literal["first_come", "at_deadline"] = "first_come"


class SessionSpec(Part, frozen=True, kw_only=True):
    """An item of the programme; `venue` is the key of a venue."""

    key: Key
    kind: Kind = "plenary"
    venue: Key | None = None
    starts_at: Local
    ends_at: Local
    title: Title
    speaker: Lines = field(default_factory=dict)
    optional: bool = False
    capacity: Seats | None = None


class GroupSpec(Part, frozen=True, kw_only=True):
    """A working group. A file may name one session as `session`; once read, only `sessions` is set."""

    key: Key
    session: Key | None = None
    sessions: Annotated[tuple[Key, ...], Meta(max_length=50)] = ()
    capacity: Seats | None = None
    digital_capacity: Seats | None = None
    title: Title
    moderators: Annotated[tuple[Email, ...], Meta(max_length=50)] = ()


class MeetingSpec(Part, frozen=True, kw_only=True):
    """The town's own stream or conference."""

    url: WebAddress


class TopicSpec(Part, frozen=True, kw_only=True):
    """A topic collected at the event. It has no place for names: those would outlive the retention date."""

    title: Title
    challenge: Texts = field(default_factory=dict)
    affected: Texts = field(default_factory=dict)
    outcome: Texts = field(default_factory=dict)
    ideas: Texts = field(default_factory=dict)
    next_steps: Texts = field(default_factory=dict)


class SeriesSpec(Part, frozen=True, kw_only=True):
    slug: Key
    default_language: Language
    title: Title
    summary: Texts = field(default_factory=dict)
    description: Texts = field(default_factory=dict)


class EventSpec(Part, frozen=True, kw_only=True):
    """What takes place. Times are local times of `timezone`.

    A file may give one venue as `[venue]`; once read, only `venues` is set.
    """

    slug: Key
    short: Key | None = None
    kind: Kind = "dialogue"
    timezone: Zone
    default_language: Language
    status: EventStatus = EventStatus.DRAFT
    starts_at: Local
    ends_at: Local
    mode: Mode = Mode.IN_PERSON
    retention_days: Annotated[int, _whole(0, 3650)] = 30
    title: Title
    summary: Texts = field(default_factory=dict)
    description: Texts = field(default_factory=dict)
    registration: RegistrationSpec = RegistrationSpec()
    venue: VenueSpec | None = None
    venues: Annotated[tuple[VenueSpec, ...], Meta(max_length=50)] = ()
    contact: ContactSpec | None = None
    meeting: MeetingSpec | None = None
    sessions: Annotated[tuple[SessionSpec, ...], Meta(max_length=300)] = ()
    groups: Annotated[tuple[GroupSpec, ...], Meta(max_length=300)] = ()
    topics: Annotated[tuple[TopicSpec, ...], Meta(max_length=300)] = ()

    @property
    def signups(self) -> frozenset[str]:
        """The keys of the sessions that one signs up for: optional ones in which no group meets."""
        taken = {key for group in self.groups for key in (group.session, *group.sessions)}
        return frozenset(session.key for session in self.sessions if session.optional) - taken


def flaws(event: EventSpec) -> Iterator[Flaw]:
    """What does not fit together in an event whose single values are all in order."""
    yield from untitled(event)
    yield from _flaws_of_times(event)
    yield from _flaws_of_venues(event)
    yield from _flaws_of_groups(event)


def untitled(thing: EventSpec | SeriesSpec) -> Iterator[Flaw]:
    if thing.default_language not in thing.title:
        yield Flaw(f"title.{thing.default_language}", "Is missing: the title in the default language.")


def repeated(keys: Iterable[Any]) -> Iterator[int]:
    """The positions of keys that stood before already."""
    seen = set()
    for position, key in enumerate(keys):
        if key in seen:
            yield position
        seen.add(key)


def readings(local: datetime, zone: str) -> tuple[datetime, ...]:
    """The local times with offset that can be meant: one as a rule.

    Two where clocks go back and the time exists twice; and two, one before and one after the gap, where
    clocks go forward and it does not exist. In order of time.
    """
    place = ZoneInfo(zone)
    instants = {local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(at.astimezone(place) for at in sorted(instants))


def remarks(event: EventSpec) -> Iterator[Flaw]:
    """What is allowed and yet worth a look: sessions outside the event's time."""
    for i, session in enumerate(event.sessions):
        if session.starts_at < event.starts_at or session.ends_at > event.ends_at:
            yield Flaw(f"sessions[{i}]", "Is not within the time of the event.")


def _moments(event: EventSpec) -> Iterator[tuple[str, datetime | None]]:
    yield "starts_at", event.starts_at
    yield "ends_at", event.ends_at
    yield "registration.opens_at", event.registration.opens_at
    yield "registration.closes_at", event.registration.closes_at
    for i, session in enumerate(event.sessions):
        yield f"sessions[{i}].starts_at", session.starts_at
        yield f"sessions[{i}].ends_at", session.ends_at


def _flaws_of_times(event: EventSpec) -> Iterator[Flaw]:
    for path, local in _moments(event):
        if local is not None:
            yield from _flaws_of_moment(path, local, event.timezone)
    if event.ends_at <= event.starts_at:
        yield Flaw("ends_at", "Must be after starts_at.")
    for i, session in enumerate(event.sessions):
        if session.ends_at <= session.starts_at:
            yield Flaw(f"sessions[{i}].ends_at", "Must be after the session's starts_at.")
    opens, closes = event.registration.opens_at, event.registration.closes_at
    if closes and closes > event.starts_at:
        yield Flaw("registration.closes_at", "Must not be after the start of the event.")
    if opens and opens >= event.starts_at:
        yield Flaw("registration.opens_at", "Must be before the start of the event.")
    if opens and closes and opens >= closes:
        yield Flaw("registration.closes_at", "Must be after opens_at.")


def _flaws_of_moment(path: str, local: datetime, zone: str) -> Iterator[Flaw]:
    if not 1970 <= local.year < 2200:
        yield Flaw(path, "Must be in the years 1970 to 2199.")
        return
    first, *others = readings(local, zone)
    for second in others:
        choices = f"{first.isoformat()} or {second.isoformat()}"
        if first.replace(tzinfo=None) == local:
            yield Flaw(path, f"Exists twice in {zone}, as {choices}. Choose an earlier or later time.")
        else:
            yield Flaw(path, f"Does not exist in {zone}, where clocks go forward. Is it {choices}?")


def _flaws_of_venues(event: EventSpec) -> Iterator[Flaw]:
    if event.venue and event.venues:
        yield Flaw("venue", "Must not stand beside venues.")
    for i in repeated(venue.key for venue in event.venues):
        yield Flaw(f"venues[{i}].key", f"Another venue has the key {event.venues[i].key} already.")
    known = {venue.key for venue in (*event.venues, event.venue) if venue}
    for i, session in enumerate(event.sessions):
        if session.venue is not None and session.venue not in known:
            yield Flaw(f"sessions[{i}].venue", f"There is no venue with the key {session.venue}.")


def _flaws_of_groups(event: EventSpec) -> Iterator[Flaw]:
    sessions = [session.key for session in event.sessions]
    for i in repeated(sessions):
        yield Flaw(f"sessions[{i}].key", f"Another session has the key {sessions[i]} already.")
    for i in repeated(group.key for group in event.groups):
        yield Flaw(f"groups[{i}].key", f"Another group has the key {event.groups[i].key} already.")
    for i, group in enumerate(event.groups):
        if group.key in event.signups:
            yield Flaw(f"groups[{i}].key", f"An optional session has the key {group.key} already.")
        yield from _flaws_of_group(f"groups[{i}]", group, sessions)


def _flaws_of_group(path: str, group: GroupSpec, sessions: Sequence[str]) -> Iterator[Flaw]:
    if group.session is None and not group.sessions:
        yield Flaw(f"{path}.session", "Is missing: the key of the session in which the group meets.")
    if group.session is not None and group.sessions:
        yield Flaw(f"{path}.session", "Must not stand beside sessions.")
    if group.session is not None and group.session not in sessions:
        yield Flaw(f"{path}.session", f"There is no session with the key {group.session}.")
    for i, key in enumerate(group.sessions):
        if key not in sessions:
            yield Flaw(f"{path}.sessions[{i}]", f"There is no session with the key {key}.")
    for i in repeated(group.sessions):
        yield Flaw(f"{path}.sessions[{i}]", f"The session {group.sessions[i]} is named already.")
    for i in repeated(address.casefold() for address in group.moderators):
        yield Flaw(f"{path}.moderators[{i}]", "This address is named already.")
