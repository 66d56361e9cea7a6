"""What operators set, and what they are told when it cannot be used."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dialograum import settings as module
from dialograum.failures import SettingsInvalid
from dialograum.settings import MailServer, Sender, Settings, load
from hybrid.meetings import PrivateKey, Server, SharedSecret
from notifications.rules import Limits
from registration.limits import Limit


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_needs_to_be_set(folder):
    settings = load()
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.data_dir == folder / "data"
    assert settings.is_embedded
    assert settings.mail is None
    assert settings.mail_from == Sender("Dialograum", "dialog@example.org")
    assert (settings.client_limit, settings.address_limit) == (Limit(60, 60), Limit(3, 3600))
    assert settings.default_language in settings.languages
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) & 0o022 == 0
    assert stat.S_IMODE(settings.mail_dir.stat().st_mode) == 0o700


def test_the_environment_wins_over_the_file(folder, monkeypatch):
    (folder / "dialograum.toml").write_text('town = "Gütersloh"\nbase_url = "https://a.example/"\n')
    monkeypatch.setenv("DIALOGRAUM_BASE_URL", "https://b.example/dialog/")
    settings = load()
    assert (settings.town, settings.base_url) == ("Gütersloh", "https://b.example/dialog")


def test_a_list_is_written_with_commas_or_as_a_list(folder, monkeypatch):
    (folder / "dialograum.toml").write_text('trusted_proxies = ["10.0.0.0/8"]\n')
    assert [str(network) for network in load().trusted_proxies] == ["10.0.0.0/8"]
    monkeypatch.setenv("DIALOGRAUM_TRUSTED_PROXIES", "10.0.0.1, fd00::/8")
    assert [str(network) for network in load().trusted_proxies] == ["10.0.0.1/32", "fd00::/8"]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, tls=False, starttls="auto")),
        (
            "smtp://anna%40town:p%2Fw@mail.example:25?starttls=required",
            MailServer("mail.example", 25, tls=False, starttls="required", user="anna@town", password="p/w"),
        ),
        ("smtps://mail.example", MailServer("mail.example", 465, tls=True, starttls="never")),
        (
            "smtps://mail.example?rate=10&domain_rate=0.5",
            MailServer("mail.example", 465, tls=True, starttls="never", limits=Limits(10, 0.5)),
        ),
    ],
)
def test_a_mail_server_is_an_address(url, server, monkeypatch):
    monkeypatch.setenv("DIALOGRAUM_MAIL_URL", url)
    assert load().mail == server


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("BASE_URL", "dialog.example", "begins with https://"),
        ("BASE_URL", "https://dialog.example:port", "port"),
        ("BASE_URL", "https://dialog.example?x=1", "?"),
        ("MAIL_URL", "mail.example", "smtp://"),
        ("MAIL_URL", "smtp://anna:pa/ss@mail.example", "%2F"),
        ("MAIL_URL", "smtp://mail.example?starttls=maybe", "starttls"),
        ("MAIL_URL", "smtp://mail.example?starttls=", "starttls"),
        ("MAIL_URL", "smtp://mail.example?rate=0", "rate is a number"),
        ("MAIL_URL", "smtp://mail.example?rate=-1", "rate is a number"),
        ("MAIL_URL", "smtp://mail.example?rate=", "rate is a number"),
        ("MAIL_URL", "smtp://mail.example?rate=nan", "rate is a number"),
        ("MAIL_URL", "smtp://mail.example?rate=5&rate=6", "rate is a number"),
        ("MAIL_URL", "smtp://mail.example?domain_rate=1e3", "domain_rate is a number"),
        ("MAIL_URL", "smtp://mail.example?speed=3", "smtp://"),
        ("MAIL_FROM", "Dialograum", "address"),
        ("DATABASE_URL", "mysql://db.example/x", "postgresql://"),
        ("DATABASE_URL", "postgresql://a.example,b.example/x", "must be set"),
        ("SECRET_KEY", "short", "32"),
        ("CLIENT_LIMIT", "many", "60/60"),
        ("ADDRESS_LIMIT", "3/0", "60/60"),
        ("TRUSTED_PROXIES", "proxy", "network"),
        ("INDICATOR_URLS", "{", "JSON"),
        ("INDICATOR_INTERVAL", "0", "greater"),
        ("LANGUAGES", "de,xx", "xx"),
        ("DEFAULT_LANGUAGE", "xx", "offered"),
        ("JITSI_URLS", "meet.example", "https://"),
        ("JITSI_URLS", "https://meet.example?x=1", "?"),
        ("JITSI_APP_SECRET", "secret", "JITSI_APP_ID"),
        ("JITSI_KEY_FILE", "/nothing/here", "JITSI_APP_ID"),
        ("JITSI_KEY_ID", "4f4910", "JITSI_KEY_FILE"),
        ("TOWN", "", "1 character"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_setting(name, value, reason, monkeypatch):
    monkeypatch.setenv("DIALOGRAUM_" + name, value)
    with pytest.raises(SettingsInvalid) as refusal:
        load()
    text = str(refusal.value)
    named = "SECRET_KEY" if reason == "must be set" else name
    assert text.startswith(f"DIALOGRAUM_{named}: ")
    assert reason in text
    assert "\n" not in text
    assert "pa/ss" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [("colour = 1", "colour: is not a setting"), ("town = 5", "TOWN: "), ("town =", "dialograum.toml: ")],
)
def test_a_file_with_anything_else_in_it_is_refused(text, reason, folder):
    (folder / "dialograum.toml").write_text(text)
    with pytest.raises(SettingsInvalid, match=reason):
        load()


def test_a_folder_that_cannot_be_made_is_refused(folder, monkeypatch):
    (folder / "data").write_text("")
    with pytest.raises(SettingsInvalid, match="DIALOGRAUM_DATA_DIR"):
        load()


def test_secrets_are_not_shown(folder):
    settings = Settings(
        database_url="postgresql://u:geheim@db/x", secret_key="geheim" * 8, mail_url="smtp://u:geheim@m"
    )
    assert "geheim" not in f"{settings!r} {settings} {settings.mail}"


def test_processes_that_start_at_once_agree_on_the_secret(folder):
    data_dir = load().data_dir

    def secret(_):
        return Settings(data_dir=data_dir).secret

    with ThreadPoolExecutor(20) as starters:
        secrets = set(starters.map(secret, range(40)))
    assert len(secrets) == 1
    assert stat.S_IMODE((data_dir / "secret").stat().st_mode) == 0o600
    assert sorted(path.name for path in data_dir.iterdir()) == ["mail", "secret"]
    assert len(secrets.pop()) >= module.SECRET_LENGTH


def test_a_damaged_secret_is_refused(folder):
    settings = load()
    (settings.data_dir / "secret").write_text("")
    with pytest.raises(SettingsInvalid, match="DIALOGRAUM_DATA_DIR"):
        _ = settings.secret


def test_tokens_are_signed_by_a_secret(folder, monkeypatch):
    monkeypatch.setenv("DIALOGRAUM_JITSI_URLS", "https://a.example/, https://b.example,https://a.example")
    assert load().meeting_servers == (Server("https://a.example"), Server("https://b.example"))
    monkeypatch.setenv("DIALOGRAUM_JITSI_APP_ID", "town")
    assert [server.keys for server in load().meeting_servers] == [None, None]
    monkeypatch.setenv("DIALOGRAUM_JITSI_APP_SECRET", "s3cret")
    assert [server.keys for server in load().meeting_servers] == [SharedSecret("town", "s3cret")] * 2


def test_tokens_are_signed_by_a_key(folder, monkeypatch):
    key = generate_private_key(65537, 2048)
    form = (Encoding.PEM, PrivateFormat.PKCS8)
    (folder / "jaas.pk").write_bytes(key.private_bytes(*form, NoEncryption()))
    for name, value in {
        "URLS": "https://8x8.vc",
        "APP_ID": "tenant",
        "KEY_FILE": "jaas.pk",
        "KEY_ID": "k",
    }.items():
        monkeypatch.setenv(f"DIALOGRAUM_JITSI_{name}", value)
    keys = load().meeting_servers[0].keys
    assert isinstance(keys, PrivateKey)
    assert (keys.app_id, keys.kid) == ("tenant", "tenant/k")
    assert keys.key.private_numbers() == key.private_numbers()

    def refusal() -> str:
        with pytest.raises(SettingsInvalid) as refused:
            load()
        return str(refused.value)

    monkeypatch.setenv("DIALOGRAUM_JITSI_APP_SECRET", "s3cret")
    assert refusal().startswith("DIALOGRAUM_JITSI_KEY_FILE: ")
    monkeypatch.delenv("DIALOGRAUM_JITSI_APP_SECRET")
    monkeypatch.delenv("DIALOGRAUM_JITSI_KEY_ID")
    assert refusal().startswith("DIALOGRAUM_JITSI_KEY_ID: ")
    for content in (
        b"-----BEGIN geheim",
        b"",
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key.private_bytes(*form, BestAvailableEncryption(b"password")),
        Ed25519PrivateKey.generate().private_bytes(*form, NoEncryption()),
    ):
        (folder / "jaas.pk").write_bytes(content)
        assert refusal().startswith("DIALOGRAUM_JITSI_KEY_FILE: expected a ")
        assert "geheim" not in refusal()
    (folder / "jaas.pk").unlink()
    assert "No such file" in refusal()
