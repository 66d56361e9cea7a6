"""The JSON API: changes of events, and what they would do."""

from typing import Annotated, Any

from litestar import Controller, patch
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.response import Response

from dialograum import publishing
from dialograum.access import Calling, Managed, may_write
from dialograum.api import Languages, Shown
from dialograum.event_file import patched
from dialograum.previews import outlook_json, preview
from events.api import Json
from events.controllers import Now
from events.errors import Conflict


class ChangeApi(Controller):
    path = "/events"
    tags = ["Events"]

    @patch("/{slug:str}", guards=[may_write], summary="Change an event by JSON Merge Patch of its event file")
    async def edit(
        self,
        data: JSONBody[dict[str, Any]],
        managed: Managed,
        caller: Calling,
        now: Now,
        shown: Shown,
        languages: Languages,
        preview_: Annotated[
            bool, QueryParameter(name="preview", description="say who is affected, change nothing")
        ] = False,
        replace: Annotated[bool, QueryParameter(description="also where people lose their group")] = False,
        if_match: Annotated[str | None, HeaderParameter(name="If-Match")] = None,
    ) -> Response[Json]:
        version = _version_named(if_match, managed.version)
        if preview_:
            document = patched(await publishing.document_of(managed.slug), data)
            outlook = await preview(
                managed.slug,
                document,
                caller.organiser,
                now,
                version=managed.version,
                languages=languages,
                replace_groups=replace,
            )
            body = {"event": shown(outlook.after), **outlook_json(outlook)}
            return Response(body, headers={"ETag": f'"{managed.version}"'})
        event = await publishing.patch(
            managed.slug,
            data,
            caller.organiser,
            now,
            version=version,
            languages=languages,
            replace_groups=replace,
        )
        return Response(shown(event), headers={"ETag": f'"{event.version}"'})


def _version_named(if_match: str | None, present: int) -> int | None:
    """The version that must not have changed until then, `None` without the header (RFC 9110, 13.1.1) or for `*`.

    Raises Conflict where it does not name the present one.
    """
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in (if_match or "*").split(",")]
    if "*" in tags:
        return None
    if str(present) not in tags:
        raise Conflict(f"If-Match names {if_match}; the event is at version {present} now.")
    return present
