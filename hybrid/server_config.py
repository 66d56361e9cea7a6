"""What a Jitsi server says of itself in its `config.js`, and the numbers and PIN of its telephone bridge."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NUMBERS = 20
_NUMBER = re.compile(r"\+?[0-9][0-9 ()/.\-]{2,28}[0-9]")
_COMMENTS = re.compile(r"^[ \t]*(?://|/?\*).*$", re.MULTILINE)
_PIN = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True)
class ServerConfig:
    """The part that we need. `numbers_url` and `code_url` are empty where nobody can call in."""

    domain: str
    muc: str
    numbers_url: str = ""
    code_url: str = ""


@dataclass(frozen=True)
class PhoneNumber:
    """`country` is a code like DE, or empty."""

    country: str
    number: str


@dataclass(frozen=True)
class DialIn:
    """How to take part by telephone: one of the numbers, then the PIN and the hash key."""

    numbers: tuple[PhoneNumber, ...]
    pin: str

    @property
    def pin_in_groups(self) -> str:
        """The PIN as it is read out: "482 913 075"."""
        return " ".join(self.pin[i : i + 3] for i in range(0, len(self.pin), 3))

    def numbers_for(self, country: str) -> tuple[PhoneNumber, ...]:
        """The numbers of a country, else all."""
        return tuple(number for number in self.numbers if number.country == country) or self.numbers


def read_config(text: str, host: str) -> ServerConfig | None:
    """The configuration; `None` for a text that is none, such as the app, which Jitsi gives for every address."""
    if text.lstrip("\ufeff \t\r\n").startswith("<") or not re.search(r"\bconfig\b\s*=", text):
        return None
    domain = _setting(text, "domain") or host
    return ServerConfig(
        domain=domain,
        muc=_setting(text, "muc") or f"conference.{domain}",
        numbers_url=_setting(text, "dialInNumbersUrl"),
        code_url=_setting(text, "dialInConfCodeUrl"),
    )


def _setting(text: str, name: str) -> str:
    """The text of a setting, its pieces put together: `'conference.' + subdomain + 'meet.example'`."""
    piece = r"(?:'[^'\n]*'|\"[^\"\n]*\")"
    value = rf"((?:(?:{piece}|\w+)\s*\+\s*)*{piece})"
    found = re.search(rf"\b{name}['\"]?\s*[:=]\s*{value}", _COMMENTS.sub("", text))
    return "".join(text[1:-1] for text in re.findall(piece, found[1])) if found else ""


def read_numbers(text: str) -> tuple[PhoneNumber, ...]:
    """The numbers in either of the two shapes that Jitsi knows; of anything else, none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if isinstance(found, dict):
        if found.get("numbersEnabled") is False:
            return ()
        found = found.get("numbers")
    unique = dict.fromkeys(PhoneNumber(*pair) for pair in _numbers(found) if _NUMBER.fullmatch(pair[1]))
    return tuple(unique)[:NUMBERS]


def _numbers(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        for country, numbers in found.items():
            for number in numbers if isinstance(numbers, list) else ():
                if isinstance(number, str):
                    yield _country(country), number.strip()
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("formattedNumber"), str):
            yield _country(entry.get("countryCode")), entry["formattedNumber"].strip()


def _country(value: Any) -> str:
    return value.upper() if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2}", value) else ""


def read_pin(text: str) -> str | None:
    """The PIN of a conference, as digits; `None` where there is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    value = found.get("id") if isinstance(found, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    pin = str(value)
    return pin if _PIN.fullmatch(pin) else None
