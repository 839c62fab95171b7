"""Escaping of user text for each syntax it is written in, after `autograd.formatting.clean_text`."""

from __future__ import annotations

import html

__all__ = ["dot_html", "dot_quoted", "dot_tooltip", "markup", "mermaid"]


def dot_html(text: str) -> str:
    r"""Return ``text`` for an HTML-like label of DOT.

    Graphviz also expands ``\N`` and ``\G`` there, so backslashes are doubled; an empty element and a lone ``]`` are
    syntax errors.

    >>> print(dot_html(r"<\N>"), dot_html(""))
    &lt;\\N&gt; &#160;
    """
    return html.escape(text, quote=True).replace("\\", "\\\\").replace("]", "&#93;") or "&#160;"


def dot_quoted(text: str) -> str:
    r"""Return ``text`` as a quoted string of DOT, quotes included.

    >>> print(dot_quoted('a "b" \\'))
    "a \"b\" \\"
    """
    return '"' + text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') + '"'


def dot_tooltip(text: str) -> str:
    r"""Return ``text`` as the quoted value of a ``tooltip``, where Graphviz undoes escapes twice.

    >>> print(dot_tooltip("a\\b"))
    "a\\\\b"
    """
    return dot_quoted(text.replace("\\", "\\\\"))


def markup(text: str) -> str:
    """Return ``text`` for our own SVG, as content or as a quoted attribute.

    >>> markup("<a & b>")
    '&lt;a &amp; b&gt;'
    """
    return html.escape(text, quote=True)


def mermaid(text: str) -> str:
    """Return ``text`` for a quoted label of Mermaid: everything but letters, digits and spaces as a numbered entity.

    >>> mermaid('a "b"<c>')
    'a #34;b#34;#60;c#62;'
    """
    return "".join(c if c.isalnum() or c == " " else f"#{ord(c)};" for c in text) or "#160;"
