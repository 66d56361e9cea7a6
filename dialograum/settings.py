"""What an operator sets: `DIALOGRAUM_…` in the environment, or the same keys in lower case in `dialograum.toml`."""

import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from dialograum.failures import SettingsInvalid
from hybrid.indicators import Indicator, indicators
from hybrid.meetings import Keys, PrivateKey, Server, SharedSecret, read_private_key
from notifications.rules import NO_LIMITS, Limits
from registration.limits import UNLIMITED, Limit

PREFIX = "DIALOGRAUM_"
FILE = "dialograum.toml"
SECRET_LENGTH = 32


class Sender(NamedTuple):
    name: str
    address: str


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and how fast.

    `tls` speaks TLS from the first byte, `starttls` turns it on afterwards.
    """

    host: str
    port: int
    tls: bool
    starttls: Literal["auto", "required", "never"]
    user: str = ""
    password: str = field(default="", repr=False)
    limits: Limits = NO_LIMITS

    @classmethod
    def parse(cls, url: str) -> Self:
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True)
        starttls = query.pop("starttls", ["auto"])[-1]
        limits = Limits(_per_second("rate", query), _per_second("domain_rate", query))
        port = _port(parts)
        if (
            parts.scheme not in ("smtp", "smtps")
            or not parts.hostname
            or query
            or parts.path not in ("", "/")
        ):
            raise ValueError("expected smtp://user:password@host:587?starttls=auto or smtps://host")
        if starttls not in ("auto", "required", "never"):
            raise ValueError("starttls is auto, required or never")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (465 if tls else 587),
            tls=tls,
            starttls="never" if tls else starttls,  # type: ignore[arg-type]
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            limits=limits,
        )


def _per_second(name: str, query: dict[str, list[str]]) -> float | None:
    if (values := query.pop(name, None)) is None:
        return None
    if len(values) > 1 or not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", values[0]) or not float(values[0]):
        raise ValueError(f"{name} is a number of mails per second above 0, like 10 or 0.5")
    return float(values[0])


def _port(parts: SplitResult) -> int | None:
    # The message of urllib quotes what it found, which may be the end of a password.
    try:
        return parts.port
    except ValueError:
        raise ValueError(
            "its port is not a number from 1 to 65535; encode / and @ in a password as %2F and %40"
        ) from None


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _limit(value: Any) -> Any:
    if isinstance(value, (Limit, bool)):
        return value
    count, _, seconds = str(value).partition("/")
    if (count, seconds) == ("0", ""):
        return UNLIMITED
    if not (count.isdecimal() and seconds.isdecimal() and int(seconds)):
        raise ValueError("expected a number of calls and of seconds like 60/60, or 0")
    return Limit(int(count), int(seconds))


def _sender(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    name, address = parseaddr(value)
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or any(sign in value for sign in "\r\n"):
        raise ValueError("expected an address like Dialograum <dialog@example.org>")
    return Sender(name, address)


def _http(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or _port(parts) == 0:
        raise ValueError("expected an address that begins with https:// or http://")
    if parts.query or parts.fragment:
        raise ValueError("an address with ? or # cannot be used")
    return value.rstrip("/")


Words = Annotated[list[str], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        toml_file=FILE,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        frozen=True,
    )

    base_url: str = "http://127.0.0.1:8000"
    data_dir: Path = Path("data")
    database_url: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    mail_url: SecretStr = SecretStr("")
    mail_from: Annotated[Sender, NoDecode, BeforeValidator(_sender)] = Sender(
        "Dialograum", "dialog@example.org"
    )
    town: str = Field(default="Musterstadt", min_length=1, max_length=200)
    privacy_url: str = ""
    imprint_url: str = ""
    jitsi_urls: Words = []
    jitsi_app_id: str = ""
    jitsi_app_secret: SecretStr = SecretStr("")
    jitsi_key_file: Path | None = None
    jitsi_key_id: str = ""
    indicator_urls: dict[str, str] = {}
    indicators: Path | None = None
    indicator_interval: int = Field(default=3600, ge=1)
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)] = ()
    client_limit: Annotated[Limit, NoDecode, BeforeValidator(_limit)] = Limit(60, 60)
    address_limit: Annotated[Limit, NoDecode, BeforeValidator(_limit)] = Limit(3, 3600)
    metrics_token: SecretStr = SecretStr("")
    languages: Words = []
    default_language: str = "de"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("indicators")
    @classmethod
    def _known_sources(cls, value: Path | None) -> Path | None:
        if value is not None:
            indicators({}, value)
        return value

    @field_validator("indicator_urls")
    @classmethod
    def _addresses_of_known(cls, value: dict[str, str]) -> dict[str, str]:
        indicators(value, None)
        return value

    @field_validator("base_url")
    @classmethod
    def _public_address(cls, value: str) -> str:
        return _http(value)

    @field_validator("privacy_url", "imprint_url")
    @classmethod
    def _page_address(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("expected an address that begins with https:// or http://")
        return value

    @field_validator("jitsi_urls")
    @classmethod
    def _meeting_addresses(cls, value: list[str]) -> list[str]:
        return [_http(address) for address in value]

    @field_validator("jitsi_app_secret")
    @classmethod
    def _for_an_app(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if value and not info.data.get("jitsi_app_id"):
            raise ValueError("needs JITSI_APP_ID, the issuer of the tokens")
        return value

    @field_validator("jitsi_key_file")
    @classmethod
    def _private_key(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        if info.data.get("jitsi_app_secret"):
            raise ValueError("tokens are signed by JITSI_APP_SECRET or by a key, not by both")
        if not info.data.get("jitsi_app_id"):
            raise ValueError("needs JITSI_APP_ID, the AppID of JaaS")
        value = value.expanduser().absolute()
        read_private_key(value)
        return value

    @field_validator("jitsi_key_id")
    @classmethod
    def _of_the_key(cls, value: str, info: ValidationInfo) -> str:
        if "jitsi_key_file" in info.data and bool(value) is not bool(info.data["jitsi_key_file"]):
            raise ValueError("goes together with JITSI_KEY_FILE")
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("expected postgresql://user:password@host/database")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_and_shared(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        url = info.data.get("database_url")
        if not value and url:
            raise ValueError("must be set, and equal on all nodes, once DATABASE_URL is set")
        if value and len(value) < SECRET_LENGTH:
            raise ValueError(f"needs at least {SECRET_LENGTH} characters")
        return value

    @field_validator("mail_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        if value:
            MailServer.parse(value.get_secret_value())
        return value

    @field_validator("languages")
    @classmethod
    def _shipped(cls, value: list[str]) -> list[str]:
        from dialograum.languages import LANGUAGES

        if unknown := [code for code in value if code not in LANGUAGES]:
            raise ValueError(f"{', '.join(unknown)} is not among those shipped: {', '.join(LANGUAGES)}")
        return list(dict.fromkeys(value)) or list(LANGUAGES)

    @field_validator("default_language")
    @classmethod
    def _offered(cls, value: str, info: ValidationInfo) -> str:
        if (offered := info.data.get("languages")) and value not in offered:
            raise ValueError(f"is not among the languages offered: {', '.join(offered)}")
        return value

    @property
    def mail(self) -> MailServer | None:
        """The mail server, or None: mails become files in `mail_dir`."""
        url = self.mail_url.get_secret_value()
        return MailServer.parse(url) if url else None

    @cached_property
    def sources(self) -> Mapping[str, Indicator]:
        """What rules can listen to, by name, at the addresses of the settings."""
        return indicators(self.indicator_urls, self.indicators)

    @property
    def meeting_servers(self) -> tuple[Server, ...]:
        """The meeting servers in their order, with what signs tokens for them."""
        keys: Keys = None
        if self.jitsi_key_file:
            key = read_private_key(self.jitsi_key_file)
            keys = PrivateKey(self.jitsi_app_id, self.jitsi_key_id, key)
        elif self.jitsi_app_secret:
            keys = SharedSecret(self.jitsi_app_id, self.jitsi_app_secret.get_secret_value())
        return tuple(Server(url, keys) for url in dict.fromkeys(self.jitsi_urls))

    @property
    def mail_dir(self) -> Path:
        return self.data_dir / "mail"

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the embedded one."""
        return not self.database_url

    @cached_property
    def secret(self) -> bytes:
        """What signs links and sessions: `SECRET_KEY`, else made once in `DATA_DIR/secret`, whoever comes first."""
        if self.secret_key:
            return self.secret_key.get_secret_value().encode()
        path = self.data_dir / "secret"
        try:
            if not path.exists():
                _write_once(path, secrets.token_urlsafe(48))
            secret = path.read_text().strip()
        except OSError as error:
            raise SettingsInvalid(f"{PREFIX}DATA_DIR: the secret in it: {error.strerror}") from error
        if len(secret) < SECRET_LENGTH:
            raise SettingsInvalid(
                f"{PREFIX}DATA_DIR: the file secret in it is too short; restore or remove it"
            )
        return secret.encode()

    def make_folders(self) -> None:
        """Makes `DATA_DIR`, which the embedded server's own user may cross, and the mail folder, which only we may."""
        try:
            self.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
            self.mail_dir.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SettingsInvalid(f"{PREFIX}DATA_DIR: {error.strerror}: {error.filename}") from error


def _write_once(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(name)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def load() -> Settings:
    """The settings in force, with their folders made; raises `SettingsInvalid`."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise SettingsInvalid(f"{_name(first['loc'])}: {_reason(first)}") from None
    except SettingsError as error:
        raise SettingsInvalid(f"{PREFIX}INDICATOR_URLS: expected a JSON object") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{FILE}: {error}") from None
    except OSError as error:
        raise SettingsInvalid(f"{FILE}: {error.strerror}") from None
    settings.make_folders()
    return settings


def _name(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    return PREFIX + name.upper() if name in Settings.model_fields else f"{FILE}: {name}"


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a setting"
    text = str(error.get("ctx", {}).get("error") or error["msg"])
    return " ".join(text.split())
