"""The listing of a graph in a terminal."""

from __future__ import annotations

import io

import pytest

import autograd as ag
import viz
from autograd import Value
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
    viz.print_graph(value, out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 100_002
    assert lines[-1].split() == ["%100000", "%99999", "+", "1", "1e5", "–", "∂", "1"]
