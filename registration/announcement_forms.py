"""What organisers type into an announcement: subject and text by language, and whom it is for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from events.details import EventDetails
from notifications.mail import one_line, several_lines
from registration.segments import Segment, fields_of, segment_typed, unknown_in
from registration.tables import Announcement

SUBJECT_LENGTH = 150
TEXT_LENGTH = 10_000
"""Characters. Above a hundred kilobytes of HTML, mail programs cut a mail off."""


@dataclass(frozen=True)
class Draft:
    """An announcement as it was typed; languages without a word are left out."""

    subjects: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    segment: Segment = field(default_factory=Segment)

    @property
    def fields(self) -> dict[str, str]:
        """The form's fields: the way back of `typed`."""
        subjects = {f"subject.{code}": subject for code, subject in self.subjects.items()}
        texts = {f"text.{code}": text for code, text in self.texts.items()}
        return subjects | texts | fields_of(self.segment)


def languages_of(event: EventDetails, languages: Sequence[str]) -> tuple[str, ...]:
    """The languages to write in: first the event's default, then its others, then the rest of the installation's."""
    own = [code for code in event.title if code in languages]
    return tuple(dict.fromkeys((event.default_language, *own, *languages)))


def typed(values: Mapping[str, str], codes: Collection[str]) -> Draft:
    """What was typed, of any length, free of what nobody sees."""
    subjects = {code: one_line(values.get(f"subject.{code}", "")) for code in codes}
    texts = {code: several_lines(values.get(f"text.{code}", "")) for code in codes}
    return Draft(
        {code: subject for code, subject in subjects.items() if subject},
        {code: text for code, text in texts.items() if text.strip()},
        segment_typed(values),
    )


def draft_of(announcement: Announcement) -> Draft:
    """The announcement as it is kept."""
    segment = msgspec.convert(announcement.segment, Segment)
    return Draft(announcement.subjects, announcement.texts, segment)


def flaws(draft: Draft, event: EventDetails, languages: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of field and code for what keeps a draft from being sent, in the order of the form.

    The default language needs subject and text; another one both or neither.
    """
    errors = unknown_in(draft.segment, event, languages)
    for code in languages_of(event, languages):
        subject, text = draft.subjects.get(code, ""), draft.texts.get(code, "")
        is_asked = code == event.default_language or bool(subject or text)
        if is_asked and not subject:
            errors.append((f"subject.{code}", "missing"))
        if len(subject) > SUBJECT_LENGTH:
            errors.append((f"subject.{code}", "too-long"))
        if is_asked and not text:
            errors.append((f"text.{code}", "missing"))
        if len(text) > TEXT_LENGTH:
            errors.append((f"text.{code}", "too-long"))
    return errors
