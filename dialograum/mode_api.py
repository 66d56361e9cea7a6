"""The JSON API: an event's mode, and why it is so."""

from litestar import Controller, get
from litestar.di import NamedDependency

from dialograum.access import Managed, signed_in
from dialograum.mode_json import mode_json
from dialograum.mode_words import ModeWords
from dialograum.settings import Settings
from events.api import Json
from events.controllers import Now
from hybrid.overview import mode_view


class ModeApi(Controller):
    path = "/events"
    tags = ["Mode"]

    @get("/{slug:str}/mode", guards=[signed_in], summary="An event's mode, its rules and its switches")
    async def mode(
        self,
        managed: Managed,
        now: Now,
        settings: NamedDependency[Settings],
        mode_words: NamedDependency[ModeWords],
    ) -> Json:
        return mode_json(await mode_view(managed, settings.sources, now), mode_words)
