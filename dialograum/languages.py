"""Languages: which there are, and their catalogues.

Catalogues are `templates/translations/<code>.po`; a language is shipped when it has one. German and English are
complete; the others are for citizens, and hold no message that only organisers see. `python -m dialograum.languages`
brings them up to date with the templates, and begins those of the codes it is given.
"""

import gettext
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Literal

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import generate_po, read_po
from jinja2 import Environment, meta
from jinja2.ext import InternationalizationExtension

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

TIMES = "words/times.txt"
"""The template of times in words, which no other template names."""

Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True)
class Language:
    """A language as visitors choose it.

    `code` is what stands in addresses and in event files, `locale` formats days and numbers, `fallbacks` are
    tried in order where a text is missing. One that `is_complete` has the organisers' pages too, others have what
    citizens get: pages, mails, calendars.
    """

    code: str
    locale: Locale
    direction: Direction
    autonym: str
    fallbacks: tuple[str, ...] = ()
    is_complete: bool = False


_COMPLETE = ("de", "en")


def _known(code: str, locale: str, autonym: str, *fallbacks: str) -> Language:
    parsed = Locale.parse(locale)
    direction: Direction = "rtl" if parsed.text_direction == "rtl" else "ltr"
    return Language(code, parsed, direction, autonym, fallbacks, is_complete=code in _COMPLETE)


# Babel knows neither Dari (prs) nor Leichte Sprache, and its plain English writes dates as in America. Visitors see
# them in this order.
_KNOWN = (
    _known("de", "de", "Deutsch"),
    _known("de-simple", "de", "Deutsch, Leichte Sprache", "de"),
    _known("en", "en_GB", "English"),
    _known("tr", "tr", "Türkçe"),
    _known("ar", "ar", "العربية"),
    _known("uk", "uk", "Українська"),
    _known("ru", "ru", "Русский"),
    _known("pl", "pl", "Polski"),
    _known("ro", "ro", "Română"),
    _known("bg", "bg", "Български"),
    _known("ckb", "ckb", "کوردیی ناوەندی"),
    _known("es", "es", "Español"),
    _known("fa", "fa", "فارسی"),
    _known("fr", "fr", "Français"),
    _known("it", "it", "Italiano"),
    _known("kmr", "ku", "Kurmancî"),
    _known("prs", "fa_AF", "دری", "fa"),
    _known("ps", "ps", "پښتو"),
    _known("sq", "sq", "Shqip"),
    _known("ti", "ti", "ትግርኛ"),
    _known("vi", "vi", "Tiếng Việt"),
)


def catalogue_path(code: str, templates: Path = TEMPLATES) -> Path:
    return templates / "translations" / f"{code}.po"


LANGUAGES: Mapping[str, Language] = {
    known.code: known for known in _KNOWN if catalogue_path(known.code).exists()
}
"""The languages shipped, by code."""


# Catalogues

MessageKey = tuple[str | None, str | tuple[str, ...]]


class Translator:
    """Translates msgids; what a language's catalogue lacks comes from its fallbacks, else stays as it is."""

    def __init__(self, language: Language, templates: Path = TEMPLATES) -> None:
        self.language = language
        catalogues = [self._read(code, templates) for code in (language.code, *language.fallbacks)]
        self._translations: gettext.NullTranslations = catalogues[0]
        for catalogue in catalogues[1:]:
            self._translations.add_fallback(catalogue)

    @staticmethod
    def _read(code: str, templates: Path) -> gettext.NullTranslations:
        path = catalogue_path(code, templates)
        if not path.exists():
            return gettext.NullTranslations()
        compiled = BytesIO()
        write_mo(compiled, read_catalogue(path))
        compiled.seek(0)
        return gettext.GNUTranslations(compiled)

    def gettext(self, message: str) -> str:
        return self._translations.gettext(message)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        return self._translations.ngettext(singular, plural, count)

    def pgettext(self, context: str, message: str) -> str:
        return self._translations.pgettext(context, message)

    def npgettext(self, context: str, singular: str, plural: str, count: int) -> str:
        return self._translations.npgettext(context, singular, plural, count)


@cache
def translator(language: Language) -> Translator:
    """The translator of a language, read once."""
    return Translator(language)


_PLURALS = {
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);"
}
"""The order of plural forms where Babel's is not that of CLDR (zero, one, two, few, many, other)."""


def read_catalogue(path: Path) -> Catalog:
    known = {language.code: language.locale for language in _KNOWN}
    with path.open("rb") as file:
        return read_po(file, locale=known.get(path.stem), charset="utf-8", abort_invalid=True)


def _texts(templates: Path) -> list[str]:
    """The names of all templates."""
    names = (path.relative_to(templates) for path in templates.rglob("*") if path.suffix in (".html", ".txt"))
    return sorted(name.as_posix() for name in names if name.parts[0] not in ("static", "node_modules"))


def _citizens(templates: Path) -> list[str]:
    """The names of those that citizens get words from.

    Not theirs is what a folder or name beginning with `desk` or `organisers` holds; macros and words are theirs
    where another template of theirs uses them.
    """
    environment = Environment(extensions=[InternationalizationExtension])  # noqa: S701 - parses, renders nothing
    names = [name for name in _texts(templates) if not re.search(r"(^|/)(desk|organisers)", name)]
    used = {name for name in names if not name.startswith(("macros/", "words/")) or name == TIMES}
    new = list(used)
    while new:
        parsed = environment.parse((templates / new.pop()).read_text(encoding="utf-8"))
        referenced = set(meta.find_referenced_templates(parsed))
        found = {name for name in names if name in referenced} - used
        used |= found
        new += found
    return [name for name in names if name in used]


def msgids(templates: Path = TEMPLATES, *, for_citizens: bool = False) -> Catalog:
    """Every msgid of the templates, or of those from which citizens get words."""
    catalogue = Catalog()
    for name in _citizens(templates) if for_citizens else _texts(templates):
        with (templates / name).open("rb") as file:
            for _, message, comments, context in extract(
                "jinja2",
                file,
                keywords={
                    "_": None,
                    "gettext": None,
                    "ngettext": (1, 2),
                    "pgettext": ((1, "c"), 2),
                    "npgettext": ((1, "c"), 2, 3),
                },
                options={
                    "trimmed": "true",
                    "newstyle_gettext": "true",
                    "trim_blocks": "true",
                    "lstrip_blocks": "true",
                    "silent": "false",
                },
            ):
                catalogue.add(message, auto_comments=comments, context=context)
    return catalogue


def _msgids_of(code: str, templates: Path) -> Catalog:
    return msgids(templates, for_citizens=code not in _COMPLETE)


def _entries(messages: Iterable[Message]) -> Iterator[tuple[MessageKey, Message]]:
    for message in messages:
        if message.id:
            yield (
                (message.context, tuple(message.id) if isinstance(message.id, list) else message.id),
                message,
            )


def is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(strings)


@dataclass(frozen=True)
class Gaps:
    """What is wrong in a catalogue: msgids without a translation, and translations without a msgid."""

    missing: tuple[str, ...]
    obsolete: tuple[str, ...]


def gaps(code: str, templates: Path = TEMPLATES) -> Gaps:
    """The gaps of a catalogue; nothing is missing in English, the language of the msgids."""
    used = dict(_entries(_msgids_of(code, templates)))
    catalogue = read_catalogue(catalogue_path(code, templates))
    present = dict(_entries(catalogue))
    done = {key for key, message in present.items() if is_translated(message)}
    unused = [key for key in present if key not in used] + [
        key for key, _ in _entries(catalogue.obsolete.values())
    ]
    return Gaps(
        () if code == "en" else tuple(_shown(key) for key in used if key not in done),
        tuple(_shown(key) for key in unused),
    )


def _shown(key: MessageKey) -> str:
    context, message = key
    singular = message if isinstance(message, str) else message[0]
    return f"{context} | {singular}" if context else singular


def updated(code: str, templates: Path = TEMPLATES, prune: bool = False) -> str:
    """A catalogue brought up to date: new msgids in, translations kept, those not used any more marked `#~`.

    `prune` drops the latter. The text is sorted and has neither line numbers nor times, so that it changes
    only where a message does. English gets no empty entries.
    """
    before = read_catalogue(catalogue_path(code, templates))
    translated = {
        key: message
        for key, message in [*_entries(before.obsolete.values()), *_entries(before)]
        if is_translated(message)
    }
    after = Catalog(locale=before.locale)
    for key, message in _entries(_msgids_of(code, templates)):
        done = translated.pop(key, None)
        if done is not None:
            after.add(message.id, done.string, user_comments=done.user_comments, context=message.context)
        elif code != "en":
            after.add(message.id, context=message.context)
    if not prune:
        after.obsolete = {str(key): message for key, message in sorted(translated.items(), key=str)}
    body = "".join(generate_po(after, no_location=True, omit_header=True, sort_by="message", width=110))
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {code}\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {_PLURALS.get(code, after.plural_forms)}\\n"\n\n'
    )
    text = re.sub(r"^#, python-format\n", "", body, flags=re.MULTILINE)
    return header + text.strip("\n") + "\n"


def update(code: str, templates: Path = TEMPLATES, prune: bool = False) -> None:
    """Writes the catalogue as `updated` says."""
    text = updated(code, templates, prune)
    catalogue_path(code, templates).write_text(text, encoding="utf-8")


def main() -> None:
    """Updates every catalogue and says what is missing; `--prune` drops translations without a msgid."""
    begun = [known.code for known in _KNOWN if known.code in sys.argv[1:] and known.code not in LANGUAGES]
    for code in begun:
        catalogue_path(code).write_text('msgid ""\nmsgstr ""\n', encoding="utf-8")
    for code in [*LANGUAGES, *begun]:
        update(code, prune="--prune" in sys.argv[1:])
        found = gaps(code)
        lines = [f"{code}: {len(found.missing)} missing, {len(found.obsolete)} obsolete"]
        lines += [f"  missing: {missing}" for missing in found.missing]
        lines += [f"  obsolete: {obsolete}" for obsolete in found.obsolete]
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
