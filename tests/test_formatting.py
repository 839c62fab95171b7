"""Numbers, names and tables as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd.formatting import amount, columns, cut, padded, table, wrapped


def test_columns_of_a_terminal():
    assert (columns("苹果 a"), columns("e\u0301"), columns("")) == (5 + 1, 1, 0)


@given(st.text(), st.integers(1, 30))
def test_a_cut_text_fits(text: str, width: int):
    assert columns(cut(text, width)) <= max(width, 1)
    assert cut(text, columns(text)) == text if text else True


@given(st.text(alphabet="ab 苹", min_size=1), st.integers(1, 12))
def test_a_padded_text_is_as_wide_as_asked(text: str, more: int):
    width = columns(text) + more
    assert columns(padded(text, width)) == columns(padded(text, width, right=True)) == width


@given(st.lists(st.text(alphabet="abc苹%→", min_size=1, max_size=50), max_size=20), st.integers(12, 60))
def test_wrapped_lines_fit_and_lose_no_word(words: list[str], width: int):
    text = "  " + " ".join(words)
    lines = wrapped(text, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(words)


def test_a_table_is_cut_in_its_first_column():
    rows = [("operand", "∂"), ("a very long label indeed %3", "-1.5")]
    assert [columns("  " + "  ".join(cells)) for cells in table(rows, 20)] == [20, 20]
    assert table(rows, 20)[1][0].endswith("…")
    assert table(rows)[1][0] == rows[1][0]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 paths"),
        (1, "1 path"),
        (999_999_999_999_999, "999,999,999,999,999 paths"),
        (10**15, "about 10^15 paths"),
        (10**5000, "about 10^5000 paths"),
    ],
    ids=range(5),
)
def test_amounts(count: int, text: str):
    assert amount(count, "path") == text
