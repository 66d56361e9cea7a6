"""Whether a document (tables, lists and values, as read from TOML or JSON) has the shape of a Struct.

msgspec stops at the first value that does not fit; people want to see all of them at once.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from enum import EnumType
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from events.forms import Flaw


def misfits(value: object, kind: Any, path: str = "") -> Iterator[Flaw]:
    """Every key and value that a conversion to `kind` would refuse, and where an `extra["holds"]` says no.

    None means that `msgspec.convert(value, kind)` succeeds. Of a union, one part alone may be more than null or unset.
    """
    bare, meta = get_args(kind)[:2] if get_origin(kind) is Annotated else (kind, Meta())
    origin, parts = get_origin(bare), get_args(bare)
    if origin in (Union, UnionType):
        if value is not None or NoneType not in parts:
            there = next(part for part in parts if part not in (NoneType, msgspec.UnsetType))
            yield from misfits(value, there, path)
    elif isinstance(bare, type) and issubclass(bare, Struct):
        yield from _misfits_of_table(value, bare, path)
    elif origin in (tuple, list):
        yield from _misfits_of_list(value, parts[0], meta, path)
    elif origin is dict:
        yield from _misfits_by_key(value, parts, meta, path)
    elif not _fits(value, kind, meta):
        is_blank = isinstance(value, str) and not value.strip() and meta.pattern is not None
        yield Flaw(path, "Must not be empty." if is_blank else meta.description or _expectation(bare))


def below(path: str, key: str) -> str:
    """The path of a key in the table at `path`; odd keys stand in quotation marks."""
    name = key if key.isascii() and key.replace("_", "").replace("-", "").isalnum() else ascii(key)
    return f"{path}.{name[:100]}" if path else name[:100]


def _misfits_of_table(value: object, kind: type[Struct], path: str) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        yield Flaw(path, "Must be a table of keys and values.")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key in value:
        if key not in fields:
            close = "".join(f" Did you mean {name}?" for name in get_close_matches(key, fields, n=1))
            yield Flaw(below(path, key), f"Is not a known key.{close}")
    for name, field in fields.items():
        if name in value:
            yield from misfits(value[name], field.type, below(path, name))
        elif field.required:
            yield Flaw(below(path, name), "Is missing.")


def _misfits_of_list(value: object, item: Any, meta: Meta, path: str) -> Iterator[Flaw]:
    if not isinstance(value, list | tuple):
        yield Flaw(path, "Must be a list.")
    elif len(value) < (meta.min_length or 0):
        yield Flaw(path, f"Must have {meta.min_length} entries at least.")
    elif meta.max_length is not None and len(value) > meta.max_length:
        yield Flaw(path, f"Must have {meta.max_length} entries at most.")
    else:
        for i, entry in enumerate(value):
            yield from misfits(entry, item, f"{path}[{i}]")


def _misfits_by_key(value: object, parts: tuple[Any, ...], meta: Meta, path: str) -> Iterator[Flaw]:
    if not isinstance(value, dict) or len(value) < (meta.min_length or 0):
        yield Flaw(path, meta.description or "Must be a table of keys and values.")
        return
    for key, entry in value.items():
        yield from misfits(key, parts[0], below(path, key))
        yield from misfits(entry, parts[1], below(path, key))


def _fits(value: object, kind: Any, meta: Meta) -> bool:
    try:
        converted = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    holds = (meta.extra or {}).get("holds")
    return holds is None or bool(holds(converted))


_PLAIN = {bool: "Must be true or false.", int: "Must be a whole number.", str: "Must be text."}


def _expectation(kind: Any) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, EnumType):
        return f"Must be one of: {', '.join(map(str, kind.__members__.values()))}."
    if get_origin(kind) is Literal:
        return f"Must be one of: {', '.join(get_args(kind))}."
    return f"Must be of the type {kind.__name__}."
