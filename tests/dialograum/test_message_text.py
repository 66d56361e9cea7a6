"""What organisers write, as HTML and as plain text."""

import pytest

from dialograum.message_text import message_html, message_text


@pytest.mark.parametrize(
    ("source", "html", "text"),
    [
        ("", "", ""),
        ("Hallo", "<p>Hallo</p>", "Hallo"),
        ("Hallo\nWelt", "<p>Hallo<br>\nWelt</p>", "Hallo\nWelt"),
        ("Eins\n\n\nZwei", "<p>Eins</p>\n<p>Zwei</p>", "Eins\n\nZwei"),
        ("**fett** und *schräg*", "<p><strong>fett</strong> und <em>schräg</em></p>", "fett und schräg"),
        ("Mit:\n\n- a\n- b", "<p>Mit:</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "Mit:\n\n- a\n- b"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>', "3. a\n4. b"),
        ("# Eins\n\nText", "<h2>Eins</h2>\n<p>Text</p>", "Eins\n\nText"),
        ("> a\n> b", "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>", "> a\n> b"),
        (
            "Siehe https://example.org/a_b?c=1&d=2.",
            '<p>Siehe <a href="https://example.org/a_b?c=1&amp;d=2" rel="noopener">https://example.org/a_b?c=1&amp;d=2</a>.</p>',
            "Siehe https://example.org/a_b?c=1&d=2.",
        ),
        (
            "[Plan](https://example.org/plan)",
            '<p><a href="https://example.org/plan" rel="noopener">Plan</a></p>',
            "Plan <https://example.org/plan>",
        ),
        (
            "An kim@example.org, bitte",
            '<p>An <a href="mailto:kim@example.org" rel="noopener">kim@example.org</a>, bitte</p>',
            "An kim@example.org, bitte",
        ),
        ("<b>x</b> & y", "<p>&lt;b&gt;x&lt;/b&gt; &amp; y</p>", "<b>x</b> & y"),
        ("![Bild](https://example.org/x.png)", "<p>Bild</p>", "Bild"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>", "[x](javascript:alert(1))"),
        ("    a\n     b", "<pre><code>a\n b\n</code></pre>", "a\n b"),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>", "a\n\n* * *\n\nb"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_text_reads_the_same_in_both(source, html, text):
    assert (str(message_html(source)).strip(), message_text(source)) == (html, text)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        '<a href="x" onclick="y">',
        "[a](data:text/html,x)",
        "<javascript:x>",
        "&lt;img src=x&gt;",
    ],
)
def test_nothing_becomes_active(source):
    html = str(message_html(source))
    assert "<script" not in html
    assert "<a" not in html
    assert "<img" not in html
