"""Mails as people read them: what mail programs show, and the parts below."""

from collections.abc import Iterable
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from html.parser import HTMLParser

from notifications.delivery import Letter

HEADERS = (
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Content-Language",
)
RULE = "-" * 20


def opened(letter: Letter) -> EmailMessage:
    """The mail as it is received."""
    mail = message_from_bytes(letter.content, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def readable(mail: EmailMessage) -> str:
    """The headers that matter, the parts, and each part as it is read."""
    lines = [f"{name}: {mail[name]}" for name in HEADERS if mail[name]]
    lines += ["Parts: " + structure(mail)]
    lines += [f"\n{RULE} text {RULE}\n", part(mail, "text/plain")]
    lines += [f"{RULE} HTML {RULE}\n", "\n".join(visible(part(mail, "text/html")))]
    if calendar := part(mail, "text/calendar"):
        lines += [f"\n{RULE} calendar {RULE}\n", unfolded(calendar)]
    return "\n".join(lines).rstrip() + "\n"


def part(mail: EmailMessage, content_type: str) -> str:
    """The content of the first part of a type, empty where there is none."""
    found = next((part for part in mail.walk() if part.get_content_type() == content_type), None)
    if found is None:
        return ""
    content = str(found.get_content())
    return content if content_type == "text/calendar" else content.replace("\r\n", "\n")


def structure(mail: MIMEPart) -> str:
    """Like `multipart/alternative (text/plain, text/html)`."""
    name = mail.get_content_type()
    if method := mail.get_param("method"):
        name += f" {method}"
    if filename := mail.get_filename():
        name += f" {filename}"
    if not mail.is_multipart():
        return name
    return f"{name} ({', '.join(map(structure, mail.iter_parts()))})"


def unfolded(calendar: str) -> str:
    """Without folding, with a line of its own for each line of text, and without the rules of the time zone."""
    text = calendar.replace("\r\n ", "").replace("\r\n", "\n")
    before, _, rest = text.partition("BEGIN:VTIMEZONE")
    text = before + rest.partition("END:VTIMEZONE\n")[2]
    return text.replace("\\n", "\n    ").replace("\n    \n", "\n\n")


def visible(html: str) -> Iterable[str]:
    reader = _Reader()
    reader.feed(html)
    return [
        line
        for line in (" ".join(line.split(" ")).strip() for line in "".join(reader.text).split("\n"))
        if line
    ]


class _Reader(HTMLParser):
    """Collects what is seen; links as `label <address>`, bold as *label*, struck out as ~label~."""

    BLOCKS = frozenset({"p", "h1", "h2", "li", "tr", "br", "table", "div"})
    MARKS = {"strong": "*", "s": "~", "h1": "# ", "h2": "## "}

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.hidden = 0
        self.address = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("style", "title"):
            self.hidden += 1
        if tag in self.BLOCKS:
            self.text.append("\n")
        self.text.append(self.MARKS.get(tag, ""))
        if tag == "div" and values.get("class") == "preview":
            self.text.append("(preview) ")
        if tag == "a":
            self.address = values.get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "title"):
            self.hidden -= 1
        if tag in ("strong", "s"):
            self.text.append(self.MARKS[tag])
        if tag == "a" and self.address != self.text[-1]:
            self.text.append(f" <{self.address}>")
        if tag == "th":
            self.text.append(": ")
        if tag in ("p", "h1", "h2"):
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.text.append(data if data.strip() else " ")
