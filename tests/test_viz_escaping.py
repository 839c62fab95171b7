"""User text reaches many syntaxes: whatever it is, each is well-formed and brings the cleaned text back."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viz
from autograd import Value
from autograd.formatting import clean_text, is_blank
from viz.dot import to_source
from viz.graph import prepare
from viz.mermaid import to_mermaid
from viz.model import LABEL_LENGTH, TOOLTIP_LENGTH
from viz.render import GraphPicture
from viz.structure import to_json
from viz.svg import draw_svg
from viz.theme import LIGHT

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs the dot program")

# fmt: off
NASTY = [
    "", " ", "<b>", "</TD>", "<", ">", "&", "&lt;", "&#160;", "&amp;amp;", '"', "'", "\\", "\\\\",
    "a\\", "\\N\\G\\L", "\\E\\H\\T", "\\l\\r\\n", "{a|b}", "<p>port", "]]>", "]", "-->", "--", "->",
    "<!--", "<?xml?>", "<![CDATA[", "%n", "%%", "#", "#quot;", "#35;", "\x00", "\x01", "\x08",
    "\x0b", "\x7f", "\x1b[31m", "\ud800", "\udfff", "\ufffe", "\uffff", "\ufdd0", "\u202e",
    "\u2066", "\u200f", "\x85", "\u2028", "\u2029", "line\nbreak", "line\r\nbreak", "\r",
    "tab\tstop", "苹果", "🍎", "👩\u200d👩\u200d👧", "e\u0301", "\u3000", "\u00a0", "\u200b", "\ufeff",
    "javascript:alert(1)", "<script>alert(1)</script>", "</script>", "</svg>", "</title><script>",
    "<img src=x onerror=alert(1)>", "<a href='x'>", "onload=", "style=", "${x}", "`x`",
    "`**bold**`", "*a*", "end", "subgraph", "graph", "click n0 call f()", "n0 --> n1", ":::class",
    "@{ shape: x }", "%%{init: {}}%%", ";", "|", "(", ")", "[", "}", "1. list", "- item",
    "http://example.org", "$x^2$", "\\(x\\)", "x" * 20_000, "\\" * 50, '"' * 50, "&" * 200,
    "\u0300" * 100, "a" * 23 + "&", "a" * 119 + "\\",
]
# fmt: on
labels = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=60),
    st.lists(st.sampled_from(["<", ">", "&", "\\", '"', "'", ";", "N", "|", "{", "}", "-", "]", " "])).map("".join),
)


def test_there_are_enough_of_them():
    assert len(set(NASTY)) >= 80


def plain(text: str | None) -> str:
    # dot writes runs of spaces as no-break spaces.
    return (text or "").replace("\u00a0", " ")


def labelled(label: str) -> Value:
    x = Value(2.0, label)
    y = x * x
    y.label = label
    y.module = label
    return y


def dot(source: str, form: str) -> str:
    return subprocess.run(["dot", f"-T{form}"], input=source.encode(), capture_output=True, check=True).stdout.decode()


def check_svg(svg: str, label: str, *, of_dot: bool) -> None:
    root = ElementTree.fromstring(svg)
    elements = list(root.iter())
    known = {*("svg", "g", "title", "rect", "path", "polygon", "polyline", "ellipse", "text", "tspan")}
    assert {element.tag.rpartition("}")[2] for element in elements} <= known | ({"a"} if of_dot else set())
    for element in elements:
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name.rpartition("}")[2] not in ("href", "src", "style"), (name, value)
    texts = [plain("".join(element.itertext())).strip() for element in elements if element.tag.endswith("}text")]
    cleaned = plain(clean_text(label, LABEL_LENGTH)).strip()
    if cleaned and label.strip():  # a blank label names nothing
        # As the title of the leaf, and as the label beside the operator.
        assert sum(text in (cleaned, f"×{cleaned}") for text in texts) >= 2


@given(labels)
@settings(deadline=None)
def test_own_svg_brings_every_label_back(label):
    svg = draw_svg(prepare(labelled(label)), LIGHT, clean_text(label, 100))
    check_svg(svg, label, of_dot=False)
    titles = [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}title")]
    if label.strip():
        assert f"%0  {clean_text(label, TOOLTIP_LENGTH)}  data=2.0" in titles


@needs_dot
@given(labels)
@settings(deadline=None, max_examples=40)
def test_dot_brings_every_label_back(label):
    check_svg(dot(viz.to_dot(labelled(label)), "svg"), label, of_dot=True)


@needs_dot
@pytest.mark.parametrize("label", NASTY)
def test_dot_reads_every_nasty_label(label):
    source = viz.to_dot(labelled(label))
    check_svg(dot(source, "svg"), label, of_dot=True)
    content = json.loads(dot(source, "json"))
    nodes = [one for one in content["objects"] if one["name"].startswith("n")]
    assert [node["name"] for node in nodes] == ["n0", "n1"]
    assert [(edge["tail"], edge["head"]) for edge in content["edges"]] == [(nodes[0]["_gvid"], nodes[1]["_gvid"])] * 2


@given(labels)
@settings(deadline=None)
def test_json_brings_every_label_back(label):
    content = json.loads(to_json(prepare(labelled(label)), LIGHT, label if label.isprintable() else ""))
    assert content["nodes"][1]["subtitle"] == ("" if is_blank(label) else clean_text(label, LABEL_LENGTH))


# What our Mermaid consists of. A quoted text is letters, digits, spaces and numbered entities.
_TEXT = r'"(?:[^\W_]|[ _]|#\d+;|<br/>)*"'
_LINES = [
    r"flowchart LR",
    r"  %% (?:[^\W_]|[ _]|#\d+;)*",
    rf" *n\d+(?:>{_TEXT}\]|\[\({_TEXT}\)\]|\({_TEXT}\)|\[\[{_TEXT}\]\]|\[{_TEXT}\])",
    rf" *subgraph f\d+\[{_TEXT}\]",
    r" *end",
    r"  style [nf]\d+ fill:#[0-9A-F]{6},stroke:#[0-9A-F]{6},color:#[0-9A-F]{6}",
    rf"  n\d+ -->(?:\|{_TEXT}\|)? n\d+",
    r"  linkStyle \d+ stroke:#[0-9A-F]{6},stroke-width:\d\.\d\dpx",
]


@given(labels)
@settings(deadline=None)
def test_mermaid_brings_every_label_back(label):
    text = to_mermaid(prepare(labelled(label)), LIGHT)
    lines = text.splitlines()
    for line in lines:
        assert any(re.fullmatch(pattern, line) for pattern in _LINES), line
    assert text.count("subgraph f0[") == sum(line.strip() == "end" for line in lines)
    shown = [html.unescape(re.sub(r"#(\d+);", r"&#\1;", line)) for line in lines if re.match(r" *n\d+[>(]", line)]
    cleaned = clean_text(label, LABEL_LENGTH)
    if label.strip():
        assert plain(cleaned).strip() in plain(shown[0])
        assert plain(cleaned).strip() in plain(shown[1])


def test_module_paths_are_escaped_too():
    x = Value(1.0, "x")
    x.module = '<a href="x">\\N'
    graph = prepare(x * 2)
    assert "&lt;a href=&quot;x&quot;&gt;\\N" in draw_svg(graph, LIGHT, "a graph")
    assert '<a href=\\"x\\">\\\\\\\\N' in to_source(graph, LIGHT)


def test_source_of_a_picture_is_one_statement_a_line():
    source = viz.draw_dot(labelled('"];\nevil [label="')).source
    assert isinstance(viz.draw_dot(labelled("x")), GraphPicture)
    assert len(source.splitlines()) == len(viz.to_dot(labelled("x")).splitlines())
