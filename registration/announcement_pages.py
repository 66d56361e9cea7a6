"""Where people end and resume the organisers' announcements: by one click of their mail program, or on a page."""

from litestar import Controller, get, post
from litestar.response import Redirect, Response, Template

from events.controllers import NO_FORMS, Now, see_other
from events.errors import FormInvalid
from registration.announcements import subscribe, unsubscribe
from registration.controllers import NO_INDEX, AnyRequest, Signer, Token, form_values, opened, own_page

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
"""What mail programs send (RFC 8058)."""


class UnsubscribePages(Controller):
    path = "/u/{token:str}"
    include_in_schema = False
    response_headers = NO_INDEX

    @get("/", name="unsubscribe")
    async def page(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template:
        registration = await opened(request, links, "unsubscribe", token)
        return await own_page("pages/unsubscribe.html", token, registration, links, now)

    @post("/", status_code=200, opt=NO_FORMS)
    async def one_click(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Response[str]:
        """For mail programs, without a sign-in or a cookie; the token is all that it asks for."""
        registration = await opened(request, links, "unsubscribe", token)
        if form_values(await request.form()) != ONE_CLICK:
            raise FormInvalid([("List-Unsubscribe", "invalid")])
        await unsubscribe(registration.id, now)
        return Response("", media_type="text/plain")

    @post("/off", status_code=200)
    async def off(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Redirect:
        await unsubscribe((await opened(request, links, "unsubscribe", token)).id, now)
        return see_other(request, f"/u/{token}")

    @post("/on", status_code=200)
    async def on(self, request: AnyRequest, token: Token, links: Signer) -> Redirect:
        await subscribe((await opened(request, links, "unsubscribe", token)).id)
        return see_other(request, f"/u/{token}")


class OwnAnnouncementPages(Controller):
    path = "/r/{token:str}/announcements"
    include_in_schema = False
    response_headers = NO_INDEX

    @post("/off", status_code=200)
    async def off(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Redirect:
        await unsubscribe((await opened(request, links, "own", token)).id, now)
        return see_other(request, f"/r/{token}#announcements")

    @post("/on", status_code=200)
    async def on(self, request: AnyRequest, token: Token, links: Signer) -> Redirect:
        await subscribe((await opened(request, links, "own", token)).id)
        return see_other(request, f"/r/{token}#announcements")
