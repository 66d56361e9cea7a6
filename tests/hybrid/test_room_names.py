"""Room names: what every title becomes, and that nobody can guess one."""

import random
import secrets

import pytest

from hybrid.room_names import GRAMMAR, LENGTH, RANDOM_BYTES, room_name, slug

ZERO = bytes(RANDOM_BYTES)
PIECES = (
    "Gemeinsam leben in Gütersloh",
    "Bürger:innen reden mit – „Verkehr“ & Lärm?",
    "İstanbul'dan ILIK ıhlamur",
    "حوار حول الاندماج",
    "שיחה על דיור",
    "🎉🏳️‍🌈👩‍👩‍👧",
    "Straße, Fußweg, ÄÖÜ",
    "Zażółć gęślą jaźń",
    "対話の集い",
    "ﬁne ① ½ ℌ",
    "Cafe\u0301 tra\u0301nsito",
    "a" * 300,
    "wort " * 60,
    "\x00\x1b[31m<script>../../%2e#?&=",
    "",
)


def titles() -> list[str]:
    """A thousand titles, some of them twice."""
    dice = random.Random(20221118)
    made = [" ".join(dice.choices(PIECES, k=dice.randint(1, 4)))[:300] for _ in range(900)]
    return [*PIECES, *made, *made[: 1000 - len(PIECES) - len(made)]]


def test_a_thousand_titles_have_a_thousand_names_in_the_grammar():
    written = titles()
    assert len(written) == 1000 > len(set(written))
    names = [room_name(title, secrets.token_bytes(RANDOM_BYTES)) for title in written]
    assert len(set(names)) == 1000
    for name in names:
        assert GRAMMAR.fullmatch(name), name
        assert len(name) <= LENGTH
        assert len(name.rpartition("-")[2]) == 16
        assert name == name.lower() == name.encode("ascii").decode()


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("Gemeinsam leben in Gütersloh: Dialog", "gemeinsam-leben-in-guetersloh-dialog"),
        ("Gemeinsam leben in Gu\u0308tersloh", "gemeinsam-leben-in-guetersloh"),
        ("Straßen & Plätze", "strassen-plaetze"),
        ("İstanbul ılık", "istanbul-ilik"),
        ("Żółw", "zolw"),
        ("🎉", "dialog"),
        ("حوار", "dialog"),
        ("", "dialog"),
        ("Runde 2 🎉", "runde-2"),
        ("a" * 47, "a" * 47),
        ("a" * 48, "a" * 47),
        ("a" * 40 + " bcdefg", "a" * 40 + "-bcdefg"),
        ("a" * 40 + " bcdefgh", "a" * 40),
    ],
)
def test_what_can_be_read_of_a_title_stands_in_front(title, read):
    assert slug(title, 47) == read


def test_the_secret_is_all_of_80_bits():
    assert room_name("Wohnen", ZERO) == "wohnen-" + "a" * 16
    assert room_name("Wohnen", b"\xff" * 10) == "wohnen-" + "7" * 16
    for bit in range(80):
        assert room_name("Wohnen", (1 << bit).to_bytes(10, "big")) != room_name("Wohnen", ZERO)


def test_fewer_bits_are_refused():
    with pytest.raises(ValueError, match="10 random bytes"):
        room_name("Wohnen", bytes(9))
