"""What organisers write in Markdown, as their mails show it: in HTML, and as plain text."""

import re
from collections.abc import Iterable, Iterator, Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True})
_TAGS = {"p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "a", "strong", "em", "h2", "h3"}
_ADDRESS = re.compile(
    r"https?://[^\s<>\"'`|]*[^\s<>\"'`|.,;:!?)\]*_]|\b[\w.+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}\b", re.IGNORECASE
)


def message_html(source: str) -> Markup:
    """Markdown as HTML for a mail: line breaks stay, addresses become links, of pictures only the words remain."""
    html = nh3.clean(
        _MARKDOWN.renderer.render(_tokens(source), _MARKDOWN.options, {}),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener",
    )
    return Markup(html)  # noqa: S704, cleaned above


def message_text(source: str) -> str:
    """Markdown as plain text; a link is followed by its address in angle brackets."""
    lines: list[str] = []
    marks: list[str] = []
    numbers: list[int | None] = []
    for token in _tokens(source):
        if token.type == "blockquote_open":
            marks.append("> ")
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            if lines and lines[-1] and not _is_item(marks):
                lines.append("")
            numbers.append(int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
        elif token.type == "list_item_open":
            number = numbers[-1]
            marks.append("- " if number is None else f"{number}. ")
            numbers[-1] = None if number is None else number + 1
        elif token.type in ("blockquote_close", "list_item_close"):
            marks.pop()
        elif said := _said_by(token):
            if lines and lines[-1] and not _is_item(marks):
                lines.append(">" if marks and lines[-1].startswith(">") else "")
            for line in said:
                lines.append("".join(marks) + line)
                marks = [mark if mark == "> " else " " * len(mark) for mark in marks]
    return "\n".join(line.rstrip() for line in lines)


def _is_item(marks: Sequence[str]) -> bool:
    return any(mark.strip(" >") for mark in marks)


def _tokens(source: str) -> list[Token]:
    tokens = _MARKDOWN.parse(source)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h2" if token.tag == "h1" else "h3"
        if token.children:
            token.children = list(_with_links(token.children))
    return tokens


def _with_links(children: Iterable[Token]) -> Iterator[Token]:
    inside = 0
    for child in children:
        if child.type == "image":
            child = Token("text", "", 0, content=child.content)
        inside += child.nesting if child.type.startswith("link_") else 0
        if child.type != "text" or inside:
            yield child
            continue
        at = 0
        for found in _ADDRESS.finditer(child.content):
            address = found[0]
            yield Token("text", "", 0, content=child.content[at : found.start()])
            yield Token(
                "link_open", "a", 1, attrs={"href": address if "://" in address else f"mailto:{address}"}
            )
            yield Token("text", "", 0, content=address)
            yield Token("link_close", "a", -1)
            at = found.end()
        yield Token("text", "", 0, content=child.content[at:])


def _said_by(token: Token) -> list[str]:
    """The lines of a token that says something itself."""
    if token.type == "hr":
        return ["* * *"]
    if token.type in ("fence", "code_block"):
        return token.content.rstrip("\n").split("\n")
    if token.type != "inline":
        return []
    said, label, href = "", 0, ""
    for child in token.children or ():
        if child.type == "link_open":
            label, href = len(said), str(child.attrs.get("href", ""))
        elif child.type == "link_close":
            if said[label:] not in (href, href.removeprefix("mailto:")):
                said += f" <{href.removeprefix('mailto:')}>"
        elif child.type in ("softbreak", "hardbreak"):
            said += "\n"
        else:
            said += child.content
    return said.split("\n")
