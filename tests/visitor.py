"""Somebody who visits the service over HTTP: a browser without JavaScript, or another system."""

import re
from html import unescape
from typing import Any

import httpx

FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')


def hidden_fields(page: httpx.Response) -> dict[str, str]:
    """What the forms of a page send along by themselves."""
    return {unescape(name): unescape(value) for name, value in FIELD.findall(page.text)}


def headings(page: httpx.Response) -> list[str]:
    """The headings of the first level; every page has one."""
    return re.findall(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)


def words(page: httpx.Response) -> str:
    """The text of the page without tags, on one line."""
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())
    return text.replace(" ,", ",").replace(" .", ".")


class Visitor(httpx.AsyncClient):
    """Keeps cookies and follows no redirect by itself."""

    async def send_form(
        self, path: str, fields: dict[str, Any] | None = None, page: str | None = None
    ) -> httpx.Response:
        """Loads the page with the form (`path`, unless it stands elsewhere) and sends it as a browser does."""
        return await self.send_on(await self.get(page or path), path, fields)

    async def send_on(
        self, page: httpx.Response, path: str, fields: dict[str, Any] | None = None
    ) -> httpx.Response:
        """Sends the form of a page that is shown already."""
        hidden = hidden_fields(page)
        assert "_csrf_token" in hidden, f"{page.status_code} {page.url} holds no form"
        return await self.post(path, data={**hidden, **(fields or {})})
