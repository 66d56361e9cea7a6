"""The installation as its pages and mails know it."""

from dialograum.languages import LANGUAGES
from dialograum.pages import Site
from dialograum.settings import Settings


def site_of(settings: Settings) -> Site:
    """What pages and mails know of the installation; without own addresses notice and imprint are built in."""
    return Site(
        town=settings.town,
        base_url=settings.base_url,
        privacy_url=settings.privacy_url or f"{settings.base_url}/privacy",
        imprint_url=settings.imprint_url or f"{settings.base_url}/imprint",
        languages=tuple(LANGUAGES[code] for code in settings.languages),
        default_language=LANGUAGES[settings.default_language],
    )
