"""Who is calling: organisers by a cookie or a link, other systems by a token. Only hashes of secrets are stored."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dialograum.tables import ApiToken, SignIn, SignInFailure, SignInLink
from events.tables import Organiser

SESSION = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)
LINK = timedelta(minutes=15)
FAILURES, FAILURE_WINDOW = 10, timedelta(minutes=15)
PASSWORD_LENGTH = range(12, 201)

HASHER = PasswordHasher()


class TooManyFailures(Exception):
    """Too many wrong passwords for one address lately; `retry_after` seconds from now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many attempts to sign in")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Caller:
    """Somebody who proved who they are. `may_write` is false for tokens that only read."""

    organiser: Organiser
    may_write: bool = True


def hashed(secret: str) -> str:
    """What is stored of a random secret; those need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hash_password(password: str) -> str:
    """argon2id with the library's parameters."""
    return HASHER.hash(password)


@cache
def _nobody() -> str:
    """What unknown addresses are checked against, so that they take as long as known ones."""
    return hash_password(secrets.token_urlsafe())


async def by_password(email: str, password: str, now: datetime) -> Organiser | None:
    """The organiser whose password this is. Raises TooManyFailures; counts per address, known or not.

    An attempt counts as a failure until it succeeds, so that many at once are as many as one after the other.
    """
    address = email.strip().lower()
    attempts = SignInFailure.address_hash == hashed(address)
    attempt = SignInFailure(address_hash=hashed(address), at=now)
    await attempt.save()
    if await SignInFailure.count().where(attempts & (SignInFailure.at > now - FAILURE_WINDOW)) > FAILURES:
        await attempt.remove()
        raise TooManyFailures(int(FAILURE_WINDOW.total_seconds()))
    organiser = await Organiser.objects().where(Organiser.email == address).first()
    nobody = await asyncio.to_thread(_nobody)
    stored = organiser.password_hash if organiser and organiser.password_hash else nobody
    try:
        await asyncio.to_thread(HASHER.verify, stored, password[: PASSWORD_LENGTH.stop])
    except (VerificationError, InvalidHashError):
        return None
    if organiser is None or stored is nobody:
        return None
    await SignInFailure.delete().where(attempts)
    if HASHER.check_needs_rehash(stored):
        rehashed = await asyncio.to_thread(hash_password, password)
        await Organiser.update({Organiser.password_hash: rehashed}).where(Organiser.id == organiser.id)
    return organiser


async def by_link(token: str, now: datetime) -> Organiser | None:
    """The organiser of a sign-in link, which is used up by it."""
    used = (
        await SignInLink.delete()
        .where((SignInLink.token_hash == hashed(token)) & (SignInLink.expires_at > now))
        .returning(SignInLink.organiser)
    )
    return await Organiser.objects().get(Organiser.id == used[0]["organiser"]) if used else None


async def make_link(organiser: Organiser, now: datetime) -> str:
    """The token of a link that signs in once within a quarter of an hour."""
    token = secrets.token_urlsafe(24)
    await SignInLink.insert(
        SignInLink(token_hash=hashed(token), organiser=organiser.id, expires_at=now + LINK)
    )
    return token


async def open_session(organiser: Organiser, now: datetime) -> str:
    """The cookie of a new session, which ends twelve hours after it was last used."""
    token = secrets.token_urlsafe(32)
    await SignIn.insert(
        SignIn(
            token_hash=hashed(token),
            organiser=organiser.id,
            created_at=now,
            seen_at=now,
            expires_at=now + SESSION,
        )
    )
    return token


async def close_session(token: str) -> None:
    await SignIn.delete().where(SignIn.token_hash == hashed(token))


async def caller_by_session(token: str, now: datetime) -> Caller | None:
    """Whoever signed in with this cookie; using it keeps the session open."""
    row = await SignIn.objects(SignIn.organiser).get(
        (SignIn.token_hash == hashed(token)) & (SignIn.expires_at > now)
    )
    if row is None:
        return None
    if row.seen_at < now - SEEN_EVERY:
        await SignIn.update({SignIn.seen_at: now, SignIn.expires_at: now + SESSION}).where(
            SignIn.id == row.id
        )
    return Caller(row.organiser)


async def make_token(organiser: Organiser, scope: str) -> str:
    """A token for another system; it is shown once."""
    token = f"dialograum_{secrets.token_urlsafe(32)}"
    await ApiToken.insert(ApiToken(token_hash=hashed(token), organiser=organiser.id, scope=scope))
    return token


async def caller_by_token(token: str, now: datetime) -> Caller | None:
    """Whoever the token acts for."""
    row = await ApiToken.objects(ApiToken.organiser).get(ApiToken.token_hash == hashed(token))
    if row is None:
        return None
    if row.used_at is None or row.used_at < now - SEEN_EVERY:
        await ApiToken.update({ApiToken.used_at: now}).where(ApiToken.id == row.id)
    return Caller(row.organiser, may_write=row.scope == "write")


async def forget_what_expired(now: datetime) -> None:
    """Removes sessions, links and failures that count no more."""
    await SignIn.delete().where(SignIn.expires_at <= now)
    await SignInLink.delete().where(SignInLink.expires_at <= now)
    await SignInFailure.delete().where(SignInFailure.at <= now - FAILURE_WINDOW)
