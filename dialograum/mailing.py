"""The worker that sends mails, put together: words, links, calendars, and the mail server or folder of the settings."""

import asyncio
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

from dialograum.calendars import Calendars
from dialograum.database import Listener
from dialograum.languages import LANGUAGES
from dialograum.negotiation import default_for_organisers, for_organisers
from dialograum.pages import environment
from dialograum.settings import Settings
from dialograum.site import site_of
from events.calendar import Party
from hybrid.mail import KINDS, OrganiserComposer
from notifications.audiences import Audiences
from notifications.delivery import CONNECT_SECONDS, Folder, Letter, Smtp, Transport
from notifications.mail import Recipient, Sender, build, content_of, envelope_address, host_of, render_apart
from notifications.outbox import CHANNEL
from notifications.rules import NO_LIMITS
from notifications.worker import deliver
from registration.links import Links
from registration.mail import Composer

LISTEN_SECONDS = 30.0


async def mail_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Sends what is due until `stop` is set; woken at once by what is committed to the outbox."""
    wake = asyncio.Event()
    waking = asyncio.create_task(_wake(wake))
    try:
        await deliver(
            composer_of(settings).compose,
            transport_of(settings),
            stop,
            wake,
            host=host_of(settings.base_url),
            limits=settings.mail.limits if settings.mail else NO_LIMITS,
        )
    finally:
        waking.cancel()
        with suppress(asyncio.CancelledError):
            await waking


def composer_of(settings: Settings) -> Audiences:
    """Makes mails in the installation's words: to organisers those of their kinds, to attendees all others."""
    site = site_of(settings)
    default = default_for_organisers(site.default_language)
    organisers = OrganiserComposer(
        environment(site),
        sender=_sender_of(settings),
        base_url=settings.base_url,
        privacy_url=site.privacy_url,
        imprint_url=site.imprint_url,
        languages={language.code: language for language in (*for_organisers(site.languages), default)},
        default_language=default.code,
    )
    return Audiences(composer_for_attendees(settings).compose, dict.fromkeys(KINDS, organisers.compose))


def composer_for_attendees(settings: Settings) -> Composer:
    """Makes the mails to attendees in the installation's words."""
    site, sender = site_of(settings), _sender_of(settings)
    words = environment(site)
    return Composer(
        words,
        Links(settings.secret, settings.base_url),
        Calendars(words, site, sender.address),
        sender=sender,
        base_url=settings.base_url,
        privacy_url=site.privacy_url,
        imprint_url=site.imprint_url,
        languages={code: LANGUAGES[code] for code in settings.languages},
        default_language=settings.default_language,
    )


def _sender_of(settings: Settings) -> Party:
    return Party(settings.mail_from.name or site_of(settings).town, settings.mail_from.address)


def trial_of(settings: Settings, address: str, at: datetime) -> Letter:
    """A mail without news, made as all others are, in the installation's language. Raises CannotCompose."""
    site = site_of(settings)
    number = uuid4()
    recipient = Recipient("", envelope_address(address), site.default_language.code)
    links = {
        "main": site.base_url,
        "imprint": site.imprint_url,
        "privacy": site.privacy_url,
    }
    mail = build(
        render_apart(environment(site), "trial", {"language": site.default_language, "links": links}),
        Sender(settings.mail_from.address, settings.mail_from.name or site.town),
        recipient,
        message_id=f"<{number}@{host_of(settings.base_url)}>",
        sent_at=at,
    )
    return Letter(number, at, settings.mail_from.address, recipient.address, content_of(mail))


def transport_of(settings: Settings, connect_seconds: float = CONNECT_SECONDS) -> Transport:
    """The mail server of `MAIL_URL`, or the folder where there is none."""
    server = settings.mail
    if server is None:
        return Folder(settings.mail_dir)
    return Smtp(
        server.host,
        server.port,
        tls=server.tls,
        starttls=server.starttls,
        user=server.user,
        password=server.password,
        own_host=host_of(settings.base_url),
        connect_seconds=connect_seconds,
    )


async def _wake(wake: asyncio.Event) -> None:
    async with Listener(CHANNEL) as listener:
        while True:
            await listener.wait(LISTEN_SECONDS)
            wake.set()
