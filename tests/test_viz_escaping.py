"""User text reaches HTML-like labels, quoted strings, SVG: whatever it is, it comes back as the cleaned text."""

from __future__ import annotations

import shutil
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viz
from autograd import Value
from autograd.formatting import clean_text
from viz.dot import safe_svg, to_source
from viz.graph import LABEL_LENGTH, TOOLTIP_LENGTH, prepare
from viz.render import GraphPicture
from viz.svg import draw_svg
from viz.theme import LIGHT

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs the dot program")

NASTY = [
    *(
        "",
        " ",
        "<b>",
        "</TD>",
        "<",
        ">",
        "&",
        "&lt;",
        "&#160;",
        "&amp;amp;",
        '"',
        "'",
        "\\",
        "\\\\",
        "a\\",
        "\\N\\G\\L",
    ),
    *(
        "{a|b}",
        "<p>port",
        "]]>",
        "-->",
        "<!--",
        "<?xml?>",
        "%n",
        "\x00",
        "\x1b[31m",
        "\ud800",
        "\ufffe",
        "\u202e",
        "\x85",
    ),
    *("line\nbreak", "tab\tstop", "苹果", "🍎", "e\u0301", "\u3000", "javascript:alert(1)", "x" * 20_000, "\\" * 50),
]
labels = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=60),
    st.lists(st.sampled_from(["<", ">", "&", "\\", '"', "'", ";", "N", "|", "{", "}", "-", "]", " "])).map("".join),
)


def plain(text: str | None) -> str:
    # dot writes runs of spaces as no-break spaces.
    return (text or "").replace("\u00a0", " ")


def check(svg: str, label: str) -> None:
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    elements = list(root.iter())
    assert {element.tag.rpartition("}")[2] for element in elements} <= {
        *("svg", "g", "title", "rect", "path", "polygon", "polyline", "ellipse", "text", "tspan")
    }
    assert not any("href" in name or name.startswith("on") for element in elements for name in element.attrib)
    texts = [plain("".join(element.itertext())) for element in elements if element.tag.endswith("}text")]
    cleaned = plain(clean_text(label, LABEL_LENGTH))
    if cleaned.strip():
        # As the title of the leaf, and as the label beside the operator.
        assert sum(text.strip() in (cleaned.strip(), f"×{cleaned}".strip()) for text in texts) >= 2
        tooltip = plain(clean_text(label, TOOLTIP_LENGTH))
        titles = [plain(element.text) for element in elements if element.tag.endswith("}title")]
        assert f"%0  {tooltip}  data=2.0" in titles


def labelled(label: str) -> Value:
    x = Value(2.0, label)
    y = x * x
    y.label = label
    return y


@given(labels)
@settings(deadline=None)
def test_own_svg_brings_every_label_back(label):
    check(draw_svg(prepare(labelled(label)), LIGHT, "a graph"), label)


@needs_dot
@given(labels)
@settings(deadline=None, max_examples=60)
def test_dot_svg_brings_every_label_back(label):
    check(viz.to_svg(labelled(label)), label)


@needs_dot
@pytest.mark.parametrize("label", NASTY)
def test_dot_reads_every_nasty_label(label):
    check(viz.to_svg(labelled(label)), label)


def test_module_paths_are_escaped_too():
    x = Value(1.0, "x")
    x.module = '<a href="x">\\N'
    graph = prepare(x * 2)
    assert "&lt;a href=&quot;x&quot;&gt;\\N" in draw_svg(graph, LIGHT, "a graph")
    assert '<a href=\\"x\\">\\\\\\\\N' in to_source(graph, LIGHT)


def test_dot_svg_is_made_safe():
    svg = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<!-- made by a program -->
<svg width="9pt" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<g id="graph0" class="graph"><title>G</title><polygon fill="white"/>
<g id="n0" class="node"><title>n0</title><g id="a_n0"><a xlink:title="a &lt;b&gt;">
<path d="M0"/><text>t</text></a></g></g>
</g></svg>"""
    root = ElementTree.fromstring(safe := safe_svg(svg, "p", "a graph"))
    assert safe.startswith("<svg ")
    assert safe.count("http") == 1, "only the namespace of SVG"
    assert [(e.tag.rpartition("}")[2], e.get("id"), (e.text or "").strip()) for e in root.iter()] == [
        ("svg", None, ""),
        ("g", "p-graph0", ""),
        ("polygon", None, ""),
        ("g", "p-n0", ""),
        ("title", None, "a <b>"),
        ("path", None, ""),
        ("text", None, "t"),
    ]


def test_source_of_a_picture_is_one_statement_a_line():
    source = viz.draw_dot(labelled('"];\nevil [label="')).source
    assert isinstance(viz.draw_dot(labelled("x")), GraphPicture)
    assert len(source.splitlines()) == len(viz.to_dot(labelled("x")).splitlines())
