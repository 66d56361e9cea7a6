"""The Jinja environment of pages and mails: languages, days and times in words, links, assets."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import nh3
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.ext import InternationalizationExtension
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markupsafe import Markup

from dialograum.failures import CannotRun
from dialograum.languages import LANGUAGES, TEMPLATES, TIMES, Language, translator
from dialograum.message_text import message_html, message_text
from dialograum.negotiation import shown_at
from events.rules import local_time
from hybrid.evidence import read_evidence
from registration.answers import visible
from registration.questions import questions_of

HARD_SPACE = "\u00a0"

Texts = Mapping[str, str]


class LanguageUnknown(LookupError):
    """A rendering does not say its language: pass `language`, and import macros `with context`."""


class AssetsMissing(CannotRun):
    """The stylesheets, scripts and fonts are not built."""


def language_of(context: Context) -> Language:
    """The language of a rendering: its `language` (or a code), else that of its `request`."""
    value = context.get("language")
    if value is None and (request := context.get("request")) is not None:
        value = request.scope.get("state", {}).get("language")
    if isinstance(value, str):
        value = LANGUAGES.get(value)
    if not isinstance(value, Language):
        raise LanguageUnknown(f"{context.name}: no language; imports need `with context`")
    return value


# Days and times


@cache
def _patterns(locale: Locale) -> dict[str, str]:
    """CLDR patterns by name: with the year, with the weekday, the day alone; a hard space beside the day."""
    full = locale.date_formats["full"].pattern
    skeletons = locale.datetime_skeletons
    without_year = re.fullmatch(r"(.*[dM])[,،]? ?y( ?'[^']*')?\.?", full)
    if without_year:
        weekday = without_year[1]
    else:
        weekday = (skeletons.get("MMMMEd") or skeletons["MMMEd"]).pattern
        weekday = re.sub(r"\b([Ec]+)\b", "EEEE", re.sub(r"\b([ML])\1*\b", r"\1\1\1\1", weekday))
    found = {"day_full": full, "day_weekday": weekday, "day": skeletons["MMMMd"].pattern}
    return {
        name: re.sub(r"(?<=d) (?=[ML])|(?<=d\.) (?=[ML])|(?<=[ML]) (?=d)", HARD_SPACE, pattern)
        for name, pattern in found.items()
    }


def day_full(day: date, language: Language) -> str:
    """Like "Freitag, 21. Oktober 2022"."""
    return format_date(day, _patterns(language.locale)["day_full"], language.locale)


def day_weekday(day: date, language: Language) -> str:
    """Like "Freitag, 21. Oktober"."""
    return format_date(day, _patterns(language.locale)["day_weekday"], language.locale)


def day_alone(day: date, language: Language) -> str:
    """Like "21. Oktober"."""
    return format_date(day, _patterns(language.locale)["day"], language.locale)


def weekday_short(day: date, language: Language) -> str:
    """Like "Fr"."""
    return format_date(day, "ccc", language.locale)


def month_short(day: date, language: Language) -> str:
    """Like "Okt."."""
    return format_date(day, "MMM", language.locale)


def clock(at: datetime) -> str:
    """Like "16:00": 24 hours and Latin digits in every language."""
    return f"{at:%H:%M}"


def _short(clock: str) -> str:
    """16 for 16:00, 9 for 09:00, 9:30 for 09:30."""
    hour, minute = clock.split(":")
    return str(int(hour)) if minute == "00" else f"{int(hour)}:{minute}"


class Times:
    """Times in the words of one language, from `templates/words/times.txt`."""

    def __init__(self, environment: Environment, language: Language) -> None:
        self.language = language
        self._said = environment.get_template(TIMES).make_module({"language": language})

    def _say(self, macro: str, **facts: str) -> str:
        return str(getattr(self._said, macro)(**facts)).strip()

    def _clock_words(self, clock: str) -> str:
        return self._say("clock_words", clock=clock, clock_short=_short(clock)).replace(" ", HARD_SPACE)

    def clock_words(self, at: datetime) -> str:
        """Like "16 Uhr" or "16:30 Uhr"."""
        return self._clock_words(clock(at))

    def span(self, start: datetime, end: datetime) -> str:
        """Like "16 bis 19 Uhr"; the end has its day where that is another one, but midnight is 24:00."""
        starts, ends, last = clock(start), clock(end), end
        if ends == "00:00" and end > start:
            ends, last = "24:00", end - timedelta(days=1)
        if last.date() == start.date():
            said = self._say(
                "span", start=starts, start_short=_short(starts), end=ends, end_short=_short(ends)
            )
            return said.replace(" ", HARD_SPACE)
        return self._say(
            "span_to_day",
            start=starts,
            start_words=self._clock_words(starts),
            end_day=day_weekday(last, self.language),
            end=ends,
            end_words=self._clock_words(ends),
        )

    def moment(self, at: datetime) -> str:
        """Like "Samstag, 1. Oktober, 14:32 Uhr"."""
        return self._say(
            "moment",
            day=day_weekday(at, self.language),
            clock=clock(at),
            clock_words=self.clock_words(at),
        )


# Texts


def choose_text(texts: Texts | None, language: Language, default: str) -> tuple[str, str]:
    """The code and text that a reader of `language` gets: own, fallbacks, `default`, any; empty if none."""
    filled = {code: text for code, text in (texts or {}).items() if text}
    for code in (language.code, *language.fallbacks, default, *filled):
        if code in filled:
            return code, filled[code]
    return language.code, ""


def break_title(title: str) -> tuple[str, str]:
    """A title's two parts, broken at its first colon; the second is empty where there is none."""
    first, _, second = title.partition(": ")
    return first.strip(), second.strip()


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_BLOCKS = {
    "p",
    "br",
    "hr",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
_TAGS = {"h1", "h2", "h3", "h4", "h5", "h6", "a", "strong", "em", "code", *_BLOCKS}


def markdown(source: str | None, level: int = 3) -> Markup:
    """Markdown as HTML, its highest heading as `<h{level}>`; of pictures only the words remain."""
    tokens = _MARKDOWN.parse(source or "")
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    highest = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - highest + level)}"
    for picture in (child for token in tokens for child in token.children or () if child.type == "image"):
        picture.type, picture.tag, picture.nesting = "text", "", 0
    html = nh3.clean(
        _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener",
    )
    return Markup(html)  # noqa: S704, cleaned above


def json_block(value: Any) -> Markup:
    """JSON for a `<script type="application/…">` block: nothing in it can end the block."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return Markup(written)  # noqa: S704, escaped above


# Assets


def read_assets(templates: Path = TEMPLATES) -> dict[str, str]:
    """The built files' names by their names in templates; raises `AssetsMissing`."""
    try:
        return cast(dict[str, str], json.loads((templates / "static" / "manifest.json").read_bytes()))
    except FileNotFoundError:
        raise AssetsMissing("The stylesheets are not built. Run bin/setup.") from None


# The environment


@dataclass(frozen=True)
class Site:
    """What every page knows of the installation."""

    town: str
    base_url: str
    privacy_url: str
    imprint_url: str
    languages: tuple[Language, ...]
    default_language: Language


def environment(
    site: Site,
    clock_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    assets: Mapping[str, str] | None = None,
    templates: Path = TEMPLATES,
) -> Environment:
    """The environment for pages (`.html`, escaped) and mails; `assets` stands for the manifest in tests."""
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=select_autoescape(["html"], default=False, default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[InternationalizationExtension],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(  # type: ignore[attr-defined]
        pass_context(lambda context, message: translator(language_of(context)).gettext(message)),
        pass_context(lambda context, *message: translator(language_of(context)).ngettext(*message)),
        newstyle=True,
        pgettext=pass_context(lambda context, *message: translator(language_of(context)).pgettext(*message)),
        npgettext=pass_context(
            lambda context, *message: translator(language_of(context)).npgettext(*message)
        ),
    )
    base_url = site.base_url.rstrip("/")

    @cache
    def times(language: Language) -> Times:
        return Times(made, language)

    @cache
    def manifest() -> Mapping[str, str]:
        return assets if assets is not None else read_assets(templates)

    def asset(name: str) -> str:
        """The address of a built file; it holds a hash, so that it may be cached for ever."""
        if name not in manifest():
            raise AssetsMissing(f"The file {name} is not built. Run bin/setup.")
        return f"/static/{manifest()[name]}"

    def prefix(context: Context) -> str:
        request = context.get("request")
        return "" if request is None else str(request.scope.get("state", {}).get("language_prefix", ""))

    @pass_context
    def url(context: Context, path: str) -> str:
        """A path of ours in the language that the visitor's address chose; other addresses unchanged."""
        if not path.startswith("/") or path.startswith("//"):
            return path
        chosen = prefix(context)
        return chosen if chosen and path == "/" else chosen + path

    @pass_context
    def language_url(context: Context, code: str) -> str:
        """The present page in another language."""
        scope = context["request"].scope
        path = f"/{code}{scope['path']}".removesuffix("/")
        query = [
            pair
            for pair in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if pair[0] != "lang"
        ]
        return f"{path}?{urlencode(query)}" if query else path

    @pass_context
    def page_languages(context: Context) -> tuple[Language, ...]:
        """Those of the site's languages that the present page exists in."""
        return shown_at(context["request"].scope["path"], site.languages)

    @pass_context
    def text(context: Context, texts: Texts | None, default: str = site.default_language.code) -> str:
        return choose_text(texts, language_of(context), default)[1]

    @pass_context
    def text_language(
        context: Context, texts: Texts | None, default: str = site.default_language.code
    ) -> str:
        return choose_text(texts, language_of(context), default)[0]

    @pass_context
    def number(context: Context, value: float) -> str:
        return format_decimal(value, locale=language_of(context).locale)

    @pass_context
    def span(context: Context, start: datetime, end: datetime) -> str:
        return times(language_of(context)).span(start, end)

    @pass_context
    def moment(context: Context, at: datetime) -> str:
        return times(language_of(context)).moment(at)

    @pass_context
    def clock_words(context: Context, at: datetime) -> str:
        return times(language_of(context)).clock_words(at)

    def of_day(words: Callable[[date, Language], str]) -> Callable[[Context, date], str]:
        return pass_context(lambda context, day: words(day, language_of(context)))

    made.filters.update(
        text=text,
        text_language=text_language,
        markdown=markdown,
        message_html=message_html,
        message_text=message_text,
        json_block=json_block,
        break_title=break_title,
        number=number,
        clock=clock,
        clock_words=clock_words,
        moment=moment,
        local=local_time,
        questions=questions_of,
        answers=lambda asked, row: visible(asked, row.answers, row.special_answers),
        day_full=of_day(day_full),
        day_weekday=of_day(day_weekday),
        day=of_day(day_alone),
        weekday_short=of_day(weekday_short),
        read_evidence=read_evidence,
        month_short=of_day(month_short),
    )
    made.globals.update(
        asset=asset,
        url=url,
        language_url=language_url,
        page_languages=page_languages,
        absolute=lambda path: base_url + path,
        span=span,
        now=clock_now,
        town=site.town,
        privacy_url=site.privacy_url,
        imprint_url=site.imprint_url,
        languages=site.languages,
    )
    return made
