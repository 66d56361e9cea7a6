"""Addresses and tokens of meeting rooms, judged as a Jitsi server and its client judge them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from hybrid.meetings import PrivateKey, Server, SharedSecret, address, guest, origin_of, token
from tests.hybrid.prosody import Prosody, Refused

NOW = datetime(2022, 11, 18, 14, 50, 30, tzinfo=UTC)
"""Ten minutes before the start of an event of three hours."""

ENDS_AT = datetime(2022, 11, 18, 18, tzinfo=UTC)
SECRET = "a secret of at least 32 characters"
OWN = Server("https://meet.example.org", SharedSecret("dialograum", SECRET))
PROSODY = Prosody("meet.example.org", SECRET)
ROOM = "wohnen-gemeinsam-leben-aaaaaaaaaaaaaaaa"
KIM = guest("registration", "id", "Kim Müller")
KEY = generate_private_key(65537, 2048)
TENANT = "vpaas-magic-cookie-0123456789abcdef"
JAAS = Server("https://8x8.vc", PrivateKey(TENANT, "4f4910", KEY))
JAAS_PROSODY = Prosody(TENANT, issuers=("chat",), public_keys={f"{TENANT}/4f4910": KEY.public_key()})


def made(server: Server = OWN, room: str = ROOM, who=KIM, now: datetime = NOW, ends_at=ENDS_AT) -> str:
    found = token(server, room, who, now, ends_at)
    assert found is not None
    return found


@pytest.mark.parametrize(("server", "prosody"), [(OWN, PROSODY), (JAAS, JAAS_PROSODY)])
def test_a_token_opens_its_room_and_no_other(server, prosody):
    signed = made(server)
    assert prosody.enter(signed, ROOM, NOW.timestamp()) == "member"
    for other in (ROOM[:-1], ROOM + "a", ROOM.replace("wohnen", "bildung"), "*", ".*", ""):
        with pytest.raises(Refused):
            prosody.enter(signed, other, NOW.timestamp())
    with pytest.raises(Refused, match="sub"):
        prosody.enter(signed, ROOM, NOW.timestamp(), domain="other.example.org")


@pytest.mark.parametrize(
    ("seconds", "refusal"),
    [
        (-121, "nbf"),
        (-120, None),
        (-30, None),
        (0, None),
        ((ENDS_AT - NOW).total_seconds() + 1799, None),
        ((ENDS_AT - NOW).total_seconds() + 1800, "exp"),
    ],
)
def test_a_token_holds_from_two_minutes_ago_until_half_an_hour_after_the_end(seconds, refusal):
    at = NOW.timestamp() + seconds
    if refusal is None:
        assert PROSODY.enter(made(now=NOW.replace(microsecond=999_999)), ROOM, at) == "member"
    else:
        with pytest.raises(Refused, match=refusal):
            PROSODY.enter(made(), ROOM, at)


@pytest.mark.parametrize(("server", "prosody"), [(OWN, PROSODY), (JAAS, JAAS_PROSODY)])
def test_only_a_moderator_moderates(server, prosody):
    assert prosody.enter(made(server, who=replace(KIM, is_moderator=True)), ROOM, NOW.timestamp()) == "owner"
    assert prosody.enter(made(server, who=KIM), ROOM, NOW.timestamp()) == "member"


@pytest.mark.parametrize(
    ("prosody", "server", "refusal"),
    [
        (replace(PROSODY, secret="another secret of many characters"), OWN, "signature"),
        (replace(PROSODY, issuers=("other",)), OWN, "issuer"),
        (replace(PROSODY, audiences=("other",)), OWN, "audience"),
        (PROSODY, JAAS, "alg"),
        (JAAS_PROSODY, OWN, "alg"),
        (replace(JAAS_PROSODY, public_keys={f"{TENANT}/other": KEY.public_key()}), JAAS, "public key"),
        (
            replace(
                JAAS_PROSODY, public_keys={f"{TENANT}/4f4910": generate_private_key(65537, 2048).public_key()}
            ),
            JAAS,
            "signature",
        ),
    ],
)
def test_another_server_refuses_the_token(prosody, server, refusal):
    with pytest.raises(Refused, match=refusal):
        prosody.log_in(made(server), NOW.timestamp())


def test_the_key_of_jaas_is_named_with_its_tenant_once():
    for key_id in ("4f4910", f"{TENANT}/4f4910"):
        server = Server("https://8x8.vc", PrivateKey(TENANT, key_id, KEY))
        assert jwt.get_unverified_header(made(server)) == {
            "alg": "RS256",
            "typ": "JWT",
            "kid": f"{TENANT}/4f4910",
        }


def test_rooms_of_jaas_are_below_the_tenant_once():
    for url in ("https://8x8.vc", f"https://8x8.vc/{TENANT}"):
        server = Server(url, JAAS.keys)
        assert address(server, ROOM, token="t", subject="").startswith(
            f"https://8x8.vc/{TENANT}/{ROOM}?jwt=t#"
        )


def test_open_rooms_need_no_token():
    server = Server("https://meet.example.org/talk")
    assert token(server, ROOM, KIM, NOW, ENDS_AT) is None
    found = urlsplit(address(server, ROOM, token=None, subject="Wohnen"))
    assert (found.path, found.query) == (f"/talk/{ROOM}", "")


def test_a_token_holds_no_address_and_no_key_of_ours():
    who = guest("registration", "7f0c", "kim.mueller@example.org")
    claims = jwt.decode(made(who=who), options={"verify_signature": False})
    assert "@" not in json.dumps(claims)
    assert "7f0c" not in json.dumps(claims)
    assert claims["context"]["user"]["name"] == "kim.mueller"
    assert guest("organiser", "7f0c", "Kim").id != who.id


def as_the_client_reads(fragment: str) -> dict[str, object]:
    """parseURLParams.ts: cut at `&`, then at `=`, of which only the second piece counts, then JSON."""
    found = {}
    for parameter in fragment.split("&"):
        key, value, *_ = parameter.split("=")
        found[key] = json.loads(unquote(value))
    return found


@pytest.mark.parametrize(
    "subject", ["Bürger & Stadt = 100 % „gut“?", 'a"b\\c#d', "حوار", "🎉", "</script>", "it's", "a\u2028b"]
)
def test_the_client_reads_what_was_meant(subject):
    found = urlsplit(address(OWN, ROOM, token="a.b-c_d", subject=subject, language="de", is_muted=True))
    assert (found.scheme, found.netloc, found.path) == ("https", "meet.example.org", f"/{ROOM}")
    assert parse_qs(found.query) == {"jwt": ["a.b-c_d"], "lang": ["de"]}
    assert found.fragment.isascii()
    assert as_the_client_reads(found.fragment) == {
        "config.subject": subject,
        "config.prejoinConfig.enabled": True,
        "config.disableDeepLinking": True,
        "config.disableInviteFunctions": True,
        "config.disableThirdPartyRequests": True,
        "config.gravatar.disabled": True,
        "config.doNotStoreRoom": True,
        "config.startWithAudioMuted": True,
    }


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://meet.example.org", "https://meet.example.org"),
        ("https://meet.example.org:8443/a/b?c#d", "https://meet.example.org:8443"),
        ("http://127.0.0.1:4711/x", "http://127.0.0.1:4711"),
        ("http://[::1]:4711/x", "http://[::1]:4711"),
    ],
)
def test_an_origin_is_what_a_policy_names(url, origin):
    assert origin_of(url) == origin


def test_secrets_stand_in_no_log():
    assert SECRET not in repr(OWN)
    assert "RSAPrivateKey" not in repr(JAAS)


def test_margins_are_as_promised():
    claims = jwt.decode(made(), options={"verify_signature": False})
    assert claims["nbf"] == int((NOW - timedelta(seconds=120)).timestamp())
    assert claims["exp"] == int((ENDS_AT + timedelta(minutes=30)).timestamp())
