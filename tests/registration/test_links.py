"""Personal links: what opens them, and that nothing else does."""

import base64
import itertools
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.links import Links

ID = UUID("3f1c5d52-7a0e-4f0e-9d56-2f6a4b1c0d9e")
NONCE = "8899aabbccddeeff"
LINKS = Links(b"a secret of this installation", "https://dialog.example.org/")
PURPOSES = ("confirm", "own", "join", "check_in", "unsubscribe")


@pytest.mark.parametrize(
    ("purpose", "before", "after"),
    [
        ("confirm", "https://dialog.example.org/r/", "/confirmation"),
        ("own", "https://dialog.example.org/r/", ""),
        ("join", "https://dialog.example.org/join/", ""),
        ("check_in", "https://dialog.example.org/c/", ""),
        ("unsubscribe", "https://dialog.example.org/u/", ""),
    ],
)
def test_each_purpose_has_its_address(purpose, before, after):
    token = LINKS.token(purpose, ID, NONCE)
    assert LINKS.url(purpose, ID, NONCE) == f"{before}{token}{after}"
    assert LINKS.read(purpose, token) == (ID, NONCE)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_token_is_short_and_needs_no_quoting(purpose):
    token = LINKS.token(purpose, uuid4(), NONCE)
    assert len(token) == 54
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(("made_for", "tried_as"), list(itertools.permutations(PURPOSES, 2)))
def test_a_link_never_opens_what_another_does(made_for, tried_as):
    assert LINKS.read(tried_as, LINKS.token(made_for, ID, NONCE)) is None


def test_another_installation_cannot_make_ours():
    other = Links(b"another secret", "https://dialog.example.org")
    assert LINKS.read("own", other.token("own", ID, NONCE)) is None


def test_another_nonce_or_registration_is_another_token():
    tokens = {
        LINKS.token("own", registration, nonce)
        for registration in (ID, uuid4())
        for nonce in (NONCE, "0" * 16)
    }
    assert len(tokens) == 4


def test_not_one_bit_can_be_changed():
    signed = base64.urlsafe_b64decode(LINKS.token("own", ID, NONCE) + "==")
    for position in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[position // 8] ^= 1 << position % 8
        assert LINKS.read("own", base64.urlsafe_b64encode(changed).rstrip(b"=").decode()) is None


def test_a_token_has_one_spelling():
    token = LINKS.token("own", ID, NONCE)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet:
        assert (LINKS.read("own", token[:-1] + last) is not None) == (last == token[-1])
    for other in (token + "=", token + "==", token + "A", token[:-1], " " + token, token + "\n", token + "%"):
        assert LINKS.read("own", other) is None


@pytest.mark.parametrize(
    "garbage", ["", "=", "a", "aaaa", "ä", "\x00", "a" * 54, "-" * 54, "a" * 100_000, "../..", "💥"]
)
def test_garbage_opens_nothing(garbage):
    assert LINKS.read("own", garbage) is None


@given(st.text())
def test_no_text_opens_anything(text):
    assert LINKS.read("own", text) is None


@pytest.mark.parametrize("nonce", ["", "00", "0" * 14, "0" * 18, "not hexadecimal!"])
def test_a_registration_without_a_nonce_has_no_links(nonce):
    with pytest.raises(ValueError):  # noqa: PT011, from two places
        LINKS.token("own", ID, nonce)
