"""The listing of a graph in a terminal."""

from __future__ import annotations

import io

import pytest

import autograd as ag
import viz
from autograd import Value
from autograd.formatting import columns
from viz.options import ListingOptions, complete
from viz.text import listing


def bill() -> Value:
    apples, price, tax = Value(2, "苹果"), Value(100, "price"), Value(1.1, "tax")
    total = apples * price * tax
    total.label = "total"
    return total


BILL = """\
    label  from     data  grad  ∂ local
%0  苹果   input       2  +110
%1  price  input     100  +2.2
%2  tax    input     1.1  +200
%3         %0 × %1   200  +1.1  ∂ 100, 2
%4  total  %3 × %2   220    +1  ∂ 1.1, 200
"""


def test_the_apple_bill(capsys):
    total = bill()
    total.backward()
    viz.print_graph(total)
    assert capsys.readouterr().out == BILL
    out = io.StringIO()
    viz.print_graph(total, out)
    assert out.getvalue() == BILL


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("utf-8", "%3         %0 × %1   200     –  ∂ 100, 2"),
        ("latin-1", "%3         %0 * %1   200     -  d 100, 2"),
        ("ascii", "%3         %0 * %1   200     -  d 100, 2"),
        ("cp437", "%3         %0 * %1   200     -  d 100, 2"),
        ("gb18030", "%3         %0 × %1   200     –  ∂ 100, 2"),
    ],
)
def test_a_stream_gets_what_it_can_encode(encoding, line):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    viz.print_graph(bill(), stream)
    stream.flush()
    lines = raw.getvalue().decode(encoding).splitlines()
    # Columns may move where a label is escaped: words are compared.
    assert lines[4].split() == line.split()
    assert ("苹果" in lines[1]) == (encoding in ("utf-8", "gb18030"))
    assert ("\\u82f9\\u679c" in lines[1]) == (encoding in ("latin-1", "ascii", "cp437"))


@pytest.mark.parametrize(
    ("expression", "origin"),
    [
        (lambda x: x + 2, "%0 + 2"),
        (lambda x: 2 - x, "2 − %0"),
        (lambda x: x / x, "%0 / %0"),
        (lambda x: x**2, "%0 ** 2"),
        (lambda x: -x, "−%0"),
        (lambda x: x.tanh(), "tanh(%0)"),
        (lambda x: ag.sum([x, 1, x]), "sum(%0, 1, %0)"),
        (lambda x: ag.mean([x] * 9), "mean(%0, %0, %0, %0, %0, %0, %0, %0, … 9 in all)"),
    ],
)
def test_origins_read_as_expressions(expression, origin):
    assert origin in list(listing(expression(Value(3.0))))[-1]


def test_labels_are_cleaned():
    text = "\n".join(listing(Value(1.0, "a\nb\x1b[31m\u202e" + "x" * 100)))
    assert "a ⏎ b\ufffd[31m\ufffdxxxx" in text
    assert "\x1b" not in text
    assert "…" in text


def test_sharing_keeps_the_listing_linear():
    value = Value(1.0)
    for _ in range(40):
        value = value + value
    assert len(list(listing(value))) == 42


@pytest.mark.slow
def test_a_long_chain_is_listed_without_recursion():
    value = Value(0.0)
    for _ in range(100_000):
        value = value + 1
    out = io.StringIO()
    viz.print_graph(value, out, limit=None)
    lines = out.getvalue().splitlines()
    assert len(lines) == 100_002
    assert lines[-1].split() == ["%100000", "value", "%99999", "+", "1", "1e5", "–", "∂", "1"]


def chain(length: int) -> Value:
    start = Value(0.0)
    for _ in range(length - 1):
        start = start + 1
    return start


@pytest.mark.parametrize(("limit", "head", "tail"), [(60, 30, 30), (5, 3, 2), (1, 1, 0)])
def test_a_long_listing_shows_its_ends_and_a_count(limit, head, tail):
    lines = list(listing(chain(1_000), complete(ListingOptions, {"limit": limit})))
    assert len(lines) == 1 + head + 1 + tail
    assert lines[1 + head] == f"… {1_000 - limit:,} more …"
    assert lines[head].startswith(f"%{head - 1} ")
    if tail:
        assert lines[-1].startswith("%999 ")
    assert len(list(listing(chain(60)))) == 61, "no count where all is shown"


TREE = """\
× total %4   data 220   grad +1
├─ ∂ 1.1   × %3   data 200   grad +1.1
│  ├─ ∂ 100   苹果   data 2   grad +110
│  └─ ∂ 2   price   data 100   grad +2.2
└─ ∂ 200   tax   data 1.1   grad +200
"""


def test_a_tree(capsys):
    total = bill()
    total.backward()
    viz.print_graph(total, style="tree", names=False)
    assert capsys.readouterr().out == TREE


def test_a_tree_expands_what_is_shared_once():
    value = Value(1.0, "x")
    for _ in range(40):
        value = value + value
    lines = list(listing(value, complete(ListingOptions, {"style": "tree", "limit": None})))
    assert len(lines) == 1 + 2 * 40
    assert sum("↑ shown above" in line for line in lines) == 40


def test_a_deep_tree_ends_without_recursion():
    lines = list(listing(chain(100_000), complete(ListingOptions, {"style": "tree", "limit": None})))
    assert lines[-2:] == ["   " * 200 + "└─ … deeper", "└─ 1"] or "deeper" in "".join(lines)
    cut = list(listing(chain(100_000), complete(ListingOptions, {"style": "tree"})))
    assert len(cut) == 61
    assert cut[-1].startswith("… ")


def test_precision_and_wide_names_are_aligned():
    wide, narrow = Value(1 / 3, "苹果苹果"), Value(2.0, "n")
    lines = list(listing(wide * narrow, complete(ListingOptions, {"precision": 2})))
    assert "0.33" in lines[1]
    assert columns(lines[1][: lines[1].index("input")]) == columns(lines[2][: lines[2].index("input")])
