"""Languages: which there are, which one a visitor gets, and their catalogues.

Catalogues are `templates/translations/<code>.po`; a language is shipped when it has one. `python -m
dialograum.languages` brings them up to date with the templates.
"""

import gettext
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import generate_po, read_po
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.types import Message as ASGIMessage

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True)
class Language:
    """A language as visitors choose it.

    `code` is what stands in addresses and in event files, `locale` formats days and numbers, `fallbacks` are
    tried in order where a text is missing.
    """

    code: str
    locale: Locale
    direction: Direction
    autonym: str
    fallbacks: tuple[str, ...] = ()


def _known(code: str, locale: str, autonym: str, *fallbacks: str) -> Language:
    parsed = Locale.parse(locale)
    direction: Direction = "rtl" if parsed.text_direction == "rtl" else "ltr"
    return Language(code, parsed, direction, autonym, fallbacks)


# Babel knows neither Dari (prs) nor Leichte Sprache, and its plain English writes dates as in America.
_KNOWN = (
    _known("de", "de", "Deutsch"),
    _known("de-simple", "de", "Deutsch, Leichte Sprache", "de"),
    _known("en", "en_GB", "English"),
    _known("ar", "ar", "العربية"),
    _known("bg", "bg", "Български"),
    _known("ckb", "ckb", "کوردیی ناوەندی"),
    _known("es", "es", "Español"),
    _known("fa", "fa", "فارسی"),
    _known("fr", "fr", "Français"),
    _known("it", "it", "Italiano"),
    _known("kmr", "ku", "Kurmancî"),
    _known("pl", "pl", "Polski"),
    _known("prs", "fa_AF", "دری", "fa"),
    _known("ps", "ps", "پښتو"),
    _known("ro", "ro", "Română"),
    _known("ru", "ru", "Русский"),
    _known("sq", "sq", "Shqip"),
    _known("ti", "ti", "ትግርኛ"),
    _known("tr", "tr", "Türkçe"),
    _known("uk", "uk", "Українська"),
    _known("vi", "vi", "Tiếng Việt"),
)


def catalogue_path(code: str, templates: Path = TEMPLATES) -> Path:
    return templates / "translations" / f"{code}.po"


LANGUAGES: Mapping[str, Language] = {
    known.code: known for known in _KNOWN if catalogue_path(known.code).exists()
}
"""The languages shipped, by code."""


# Which language a visitor gets


def negotiate(accept_language: str, offered: Iterable[Language], default: Language) -> Language:
    """The offered language that an `Accept-Language` header (RFC 9110, 12.5.4) likes best, else `default`.

    A range matches by its full tag or by what is left when subtags are cut off its end (`en-GB` finds `en`);
    of equal weights the first wins; `q=0` excludes; `*` is the default. Malformed parts are skipped.
    """
    by_code = {language.code.lower(): language for language in offered}
    ranges: list[tuple[float, str]] = []
    for part in accept_language.lower().split(",")[:50]:
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                written = parameter[2:].strip()
                weight = float(written) if re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", written) else -1
        if re.fullmatch(r"[a-z]{1,8}(-[a-z0-9]{1,8})*|\*", tag) and weight >= 0:
            ranges.append((weight, tag))
    refused = {tag for weight, tag in ranges if weight == 0}
    for weight, tag in sorted(ranges, key=lambda entry: -entry[0]):
        if weight == 0:
            break
        if tag == "*":
            return default
        while tag:
            if tag in by_code and tag not in refused:
                return by_code[tag]
            tag = tag.rpartition("-")[0]
    return default


UNTOUCHED = ("/api/", "/static/")
"""Paths that have no language."""


class LanguageMiddleware:
    """Finds the language of a request, before the request finds its route: it wraps the whole application.

    A path prefix (`/en/events/x`) wins over `?lang=en`, that over `Accept-Language`, that over the default;
    languages not offered fall through. The application sees the path without the prefix, and in
    `scope["state"]` the `language` and the `language_prefix`, `/en` where the address chose it, else empty.
    """

    def __init__(self, app: ASGIApp, offered: Iterable[Language], default: Language) -> None:
        self.app = app
        self.offered = {language.code: language for language in offered}
        self.default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith(UNTOUCHED):
            await self.app(scope, receive, send)
            return
        chosen, path = self._from_path(scope["path"])
        if chosen is not None and not path.startswith(UNTOUCHED):
            scope["path"] = path
            if scope.get("raw_path"):  # servers may leave it out
                scope["raw_path"] = scope["raw_path"].removeprefix(f"/{chosen.code}".encode()) or b"/"
        else:
            chosen = self._from_query(scope["query_string"])
        language = chosen or self._from_header(scope)
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["language"] = language
        state["language_prefix"] = f"/{chosen.code}" if chosen else ""

        async def send_with_language(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name.lower() == b"content-language" for name, _ in headers):
                    headers.append((b"content-language", language.code.encode()))
                if chosen is None:
                    headers.append((b"vary", b"Accept-Language"))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_language)

    def _from_path(self, path: str) -> tuple[Language | None, str]:
        first, slash, rest = path[1:].partition("/")
        return self.offered.get(first), slash + rest or "/"

    def _from_query(self, query: bytes) -> Language | None:
        if b"lang=" not in query:
            return None
        values = parse_qs(query.decode("latin-1"), max_num_fields=None).get("lang", [])
        return next((self.offered[value] for value in values if value in self.offered), None)

    def _from_header(self, scope: Scope) -> Language:
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"]
        return negotiate(",".join(values), self.offered.values(), self.default)


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


def read_catalogue(path: Path) -> Catalog:
    known = {language.code: language.locale for language in _KNOWN}
    with path.open("rb") as file:
        return read_po(file, locale=known.get(path.stem), charset="utf-8", abort_invalid=True)


def msgids(templates: Path = TEMPLATES) -> Catalog:
    """Every msgid of the templates."""
    catalogue = Catalog()
    for path in sorted(templates.rglob("*")):
        parts = path.relative_to(templates).parts
        if path.suffix not in (".html", ".txt") or parts[0] in ("static", "node_modules"):
            continue
        with path.open("rb") as file:
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
    used = dict(_entries(msgids(templates)))
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
    for key, message in _entries(msgids(templates)):
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
        f'"Plural-Forms: {after.plural_forms}\\n"\n\n'
    )
    text = re.sub(r"^#, python-format\n", "", body, flags=re.MULTILINE)
    return header + text.strip("\n") + "\n"


def update(code: str, templates: Path = TEMPLATES, prune: bool = False) -> None:
    """Writes the catalogue as `updated` says."""
    text = updated(code, templates, prune)
    catalogue_path(code, templates).write_text(text, encoding="utf-8")


def main() -> None:
    """Updates every catalogue and says what is missing; `--prune` drops translations without a msgid."""
    for code in LANGUAGES:
        update(code, prune="--prune" in sys.argv[1:])
        found = gaps(code)
        lines = [f"{code}: {len(found.missing)} missing, {len(found.obsolete)} obsolete"]
        lines += [f"  missing: {missing}" for missing in found.missing]
        lines += [f"  obsolete: {obsolete}" for obsolete in found.obsolete]
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
