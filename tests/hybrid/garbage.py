"""Files that are broken in every way that was thought of, made of whole ones; the same seed makes the same."""

import gzip
import random
from collections.abc import Callable

Random = random.Random
Mutation = Callable[[Random, bytes], bytes]

ODD = (
    *(
        b"",
        b" ",
        b"NaN",
        b"nan",
        b"inf",
        b"-1",
        b"-0",
        b"1e308",
        b"1e999",
        b"0x10",
        b"1,5",
        b"1_000",
        b"NA",
        b"null",
    ),
    *(
        "٤١٢".encode(),
        "½".encode(),
        b"\xff",
        b"\x00",
        b"'",
        b'"',
        b'""',
        b"=1+1",
        b"9" * 400,
        b"true",
        b"[]",
        b"{}",
    ),
    *(
        b"2190-01-01",
        b"0000-00-00",
        b"2026-02-30",
        b"2026-W99",
        b"1969-12-31T23:59:59Z",
        b"5754",
        b"05754",
        b"u",
    ),
    *(
        b"<x>",
        b"</info>",
        b"&amp;",
        b"&a;",
        b"]]>",
        b"<!--",
        b"Extreme",
        b"Cancel",
        b"Test",
        b"Future",
        b"AllClear",
    ),
)
SEPARATORS = b",;\t\n\r\"'<>/{}[]:. "
HTML = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def _place(rng: Random, content: bytes) -> int:
    return rng.randrange(len(content) + 1)


def _span(rng: Random, content: bytes) -> tuple[int, int]:
    start = _place(rng, content)
    return start, min(len(content), start + rng.choice((1, 2, 5, 20, 200, 2000)))


def flip(rng: Random, content: bytes) -> bytes:
    broken = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 3, 30)) if content else 0):
        broken[rng.randrange(len(broken))] = rng.randrange(256)
    return bytes(broken)


def truncate(rng: Random, content: bytes) -> bytes:
    return content[: _place(rng, content)]


def behead(rng: Random, content: bytes) -> bytes:
    return content[_place(rng, content) :]


def cut_out(rng: Random, content: bytes) -> bytes:
    start, end = _span(rng, content)
    return content[:start] + content[end:]


def double(rng: Random, content: bytes) -> bytes:
    start, end = _span(rng, content)
    return content[:end] + content[start:end] * rng.choice((1, 2, 50)) + content[end:]


def insert(rng: Random, content: bytes) -> bytes:
    at = _place(rng, content)
    return content[:at] + rng.choice((*ODD, rng.randbytes(rng.choice((1, 10, 1000))))) + content[at:]


def replace_cell(rng: Random, content: bytes) -> bytes:
    """Something odd in place of what stands between two separators."""
    places = [-1, *(at for at, byte in enumerate(content[:200_000]) if byte in SEPARATORS), len(content)]
    which = rng.randrange(len(places) - 1)
    return content[: places[which] + 1] + rng.choice(ODD) + content[places[which + 1] :]


def shuffle_lines(rng: Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


def drop_line(rng: Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[rng.randrange(len(lines)) : rng.randrange(len(lines) + 1)]
    return b"".join(lines)


def separate_otherwise(rng: Random, content: bytes) -> bytes:
    return content.replace(bytes([rng.choice(SEPARATORS)]), bytes([rng.choice(SEPARATORS)]))


def encode_otherwise(rng: Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    encoding = rng.choice(("utf-16", "utf-32", "utf-7", "latin-1", "cp037", "utf-8-sig"))
    return text.encode(encoding, "replace")


def pack(rng: Random, content: bytes) -> bytes:
    return gzip.compress(content)


def grow(rng: Random, content: bytes) -> bytes:
    """So much of it that a reader would choke which took all in."""
    return content * max(1, rng.choice((10, 100, 1000)) * 2000 // (len(content) + 1))


def stand_in(rng: Random, content: bytes) -> bytes:
    return rng.choice(
        (b"", HTML, POINTER, b"[" * 50_000, b"<a>" * 50_000, b'"' * 70_000, rng.randbytes(5000))
    )


MUTATIONS: tuple[Mutation, ...] = (
    *(
        flip,
        flip,
        flip,
        truncate,
        behead,
        cut_out,
        double,
        insert,
        insert,
        replace_cell,
        replace_cell,
        replace_cell,
    ),
    *(shuffle_lines, drop_line, separate_otherwise, encode_otherwise, pack, grow, stand_in),
)


def garbage(rng: Random, content: bytes) -> bytes:
    """The file, broken once, or more often."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(MUTATIONS)(rng, content or b" ")[: 4 * 1024 * 1024]
    return content
