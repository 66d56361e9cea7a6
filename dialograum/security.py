"""What every answer bears, and what no request may do. ASGI layers around the application."""

from collections.abc import Sequence
from datetime import UTC, datetime

from litestar.enums import ScopeType
from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FORM_ACTION = "form-action 'self'"
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SAFE = ("GET", "HEAD", "OPTIONS")


class Armour:
    """Security headers on every answer, HEAD wherever there is GET, and no unsafe request from other sites.

    Puts `now`, the time of the request, into `scope["state"]`. Where a handler puts `form_targets` there, origins,
    the forms of its page may lead to them.
    """

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self.app = app
        headers = dict(HEADERS)
        if is_https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["now"] = datetime.now(UTC)
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope["method"] = "GET"

        async def send_armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                targets = scope["state"].get("form_targets", ())
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in self._headers(targets) if name not in present),
                ]
            elif is_head and message["type"] == "http.response.body":
                if message.get("more_body"):
                    return
                message["body"] = b""
            await send(message)

        if scope["method"] not in SAFE and self._is_cross_site(scope):
            await send_armoured(
                {"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]}
            )
            await send_armoured(
                {"type": "http.response.body", "body": b"Cross-site request\n", "more_body": False}
            )
            return
        await self.app(scope, receive, send_armoured)

    def _headers(self, form_targets: Sequence[str]) -> list[tuple[bytes, bytes]]:
        if not form_targets:
            return self.headers
        allowed = " ".join((FORM_ACTION, *form_targets)).encode()
        return [(name, value.replace(FORM_ACTION.encode(), allowed)) for name, value in self.headers]

    @staticmethod
    def _is_cross_site(scope: Scope) -> bool:
        """By Fetch Metadata; the API takes no cookies, so that others may call it."""
        if scope["path"].startswith("/api/"):
            return False
        return (b"sec-fetch-site", b"cross-site") in scope["headers"]


class FormTokens(CSRFMiddleware):
    """The tokens of forms, signed, in a cookie and in the form (OWASP, double submit).

    Unlike Litestar's, it takes whatever is sent in place of a token for a wrong one, and forgets the cookie that
    another secret has signed, so that the next form brings a new one.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["headers"] = [
            (name, self._kept(value) if name == b"cookie" else value) for name, value in scope["headers"]
        ]
        await super().__call__(scope, receive, send)

    def _kept(self, cookies: bytes) -> bytes:
        prefix = f"{self.config.cookie_name}=".encode()
        parts = [part.strip() for part in cookies.split(b";")]
        return b"; ".join(
            part
            for part in parts
            if not part.startswith(prefix) or self._decode_csrf_token(part[len(prefix) :].decode("latin-1"))
        )

    def _decode_csrf_token(self, token: object) -> str | None:
        return super()._decode_csrf_token(token) if isinstance(token, str) and token.isascii() else None
