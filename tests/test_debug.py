"""debug: its commands, by piped input in a process of their own and by a stand-in for standard input."""

from __future__ import annotations

import io
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import neuron

import autograd as ag
from autograd import Value, debug, no_grad, steps, topological_order
from autograd.formatting import columns

PROGRAM = """
from autograd import Value, debug
x1, w1 = Value(2.0, "x1"), Value(-1.5, "w1")
x2, w2 = Value(0.5, "x2"), Value(1.0, "w2")
b = Value(3.2, "b")
y = (x1 * w1 + x2 * w2 + b).tanh()
y.label = "y"
debug(y)
print("after", y.data, w1.data, w1.grad)
"""


@pytest.fixture
def session(monkeypatch, capsys) -> Callable[..., list[str]]:
    """A function that debugs a root with these commands: what each of them printed, the greeting first."""

    def run(_root: Value, *commands: str, width: int = 80) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{command}\n" for command in commands)))
        debug(_root)  # names with an underscore name no Value
        text = capsys.readouterr().out
        assert all(columns(line) <= width for line in text.splitlines() if not line.startswith("(debug)"))
        return [part.partition("\n")[2] if i else part for i, part in enumerate(text.split("(debug) "))]

    return run


def run(program: str, text: str, **environment: str) -> str:
    process = subprocess.run(
        [sys.executable, "-c", program],
        input=text,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        check=True,
    )
    assert process.stderr == ""
    return process.stdout


# -- in a process ----------------------------------------------------------------------------------------------------
def test_piped_commands():
    out = run(PROGRAM, "n\nu w1\nset x1 0.5\nw w1\nq\nn\n", COLUMNS="80")
    assert out.startswith("the backward pass from tanh y %9 = 0.6044 in 5 steps; h for help\nbackward 1/5   tanh y %9")
    assert "(debug) n\nbackward 2/5   + %8   upstream +0.6347\n" in out
    assert "now w1 %1 has its gradient, +1.269\n" in out
    assert "computed anew with x1 %0 = 0.5: tanh y %9 = 0.9945." in out
    assert "the gradient of y %9 by w1 %1 is +0.005449" in out
    assert out.endswith("(debug) q\nafter 0.6043677771171636 -1.5 0.0\n")
    assert "\x1b" not in out


def test_the_end_of_the_input_ends_it():
    assert run(PROGRAM, "n\n").endswith("\nafter 0.6043677771171636 -1.5 0.0\n")
    assert run(PROGRAM, "").endswith("\nafter 0.6043677771171636 -1.5 0.0\n")


def test_where_the_terminal_has_ascii_alone():
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace('"x1"', '"苹果"')],
        input=b"g 5\nt\nl\nw %0\n\xe8\x8b\xb9\nq\n",
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii:surrogateescape", "PYTHONUTF8": "0"},
        check=True,
    )
    text = process.stdout.decode("ascii")
    assert "* local d" in text
    assert "-> 5/5" in text
    assert "\\u82f9\\u679c %0" in text


def test_in_an_interactive_python():
    # the prompt reads what follows in the same stream, as it does when lines are typed
    typed = PROGRAM.rsplit("print(", 1)[0] + "n\nq\n"
    out = subprocess.run([sys.executable, "-iq"], input=typed, capture_output=True, encoding="utf-8", check=True).stdout
    assert "(debug) n\nbackward 2/5" in out
    assert out.endswith("(debug) q\n")


def test_in_ipython(tmp_path: Path):
    pytest.importorskip("IPython")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")
    out = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--colors=NoColor", str(script)],
        input="n\nq\n",
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        check=True,
    ).stdout
    assert "backward 2/5" in out
    assert "after 0.6043677771171636" in out


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_colour_on_a_terminal_only(environment: dict[str, str], coloured: bool):
    ours, theirs = pytest.importorskip("pty").openpty()
    base = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**base, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    os.write(ours, b"g 5\nq\n")
    read, deadline = b"", time.monotonic() + 60
    while b"after 0.6" not in read and time.monotonic() < deadline:
        if select.select([ours], [], [], 1.0)[0]:
            try:
                read += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    process.wait(60)
    os.close(ours)
    text = read.decode()
    assert "backward 5/5" in text
    assert ("\x1b[1mbackward 5/5" in text, "\x1b[36m" in text) == (coloured, coloured)
    assert text.count("(debug) g 5") <= 1  # the terminal echoes what is typed; debug does not do it again


# -- command by command ----------------------------------------------------------------------------------------------
def test_next_previous_and_go_show_the_steps(session):
    root = neuron()
    whole = [str(step) for step in steps(root)]
    out = session(root, "n", "n", "p", "g 5", "g 1", "p", "g 6", "g x", "g", "g 5", "n", "", width=100)
    assert out[0].endswith(whole[0] + "\n")
    assert [text.rstrip("\n") for text in out[1:6]] == [whole[1], whole[2], whole[1], whole[4], whole[0]]
    assert out[6] == "this is the first step\n"
    assert out[7:10] == ["g takes a step from 1 to 5, as in g 5\n"] * 3
    assert out[11].startswith("that was the last step: every gradient is known")
    assert out[12] == out[11]  # an empty line does it again


def test_an_empty_line_goes_on(session):
    root = neuron()
    out = session(root, "", "n", "", "", "foo", "", width=100)
    assert out[1] == ""
    assert [out[i].split("   ")[0] for i in (2, 3, 4, 6)] == [f"backward {i}/5" for i in (2, 3, 4, 5)]


def test_until_a_node_has_its_gradient(session):
    out = session(neuron(), "u %6", "u w2", "u %7", "u x1", "u y", "u", "u nobody", "u %99")
    assert out[1].startswith("backward 3/5")
    assert out[1].endswith("now × %6 has its gradient, +0.6347\n")
    assert out[2].endswith("now w2 %3 has its gradient, +0.3174\n")
    assert out[3] == "+ %7 has had its gradient, +0.6347, since step 2 (g 2 goes there)\n"
    assert out[4].startswith("backward 5/5")
    assert out[5] == "tanh y %9 is the root: it has its gradient, 1, from the start\n"
    assert out[6].startswith("which node?")
    assert out[7].startswith("there is no node 'nobody': named are x1 %0, w1 %1,")
    assert out[8] == "there is no node %99: they go from %0 to %9\n"


def test_the_gradient_is_complete_when_until_stops(session):
    x = Value(2.0, "x")
    y = (x * 3).tanh() + x * x
    out = session(y, "u x")
    last = max(step.index for step in steps(y) if any(o.value is x for o in step.operands))
    assert out[1].startswith(f"backward {last}/")


def test_why_and_list(session):
    root = neuron()
    out = session(root, "w w1", "w", "g 3", "l", width=100)
    assert out[1] == f"{ag.why(root, topological_order(root)[1])}\n"
    assert out[2] == f"{ag.why(root)}\n"
    assert out[4].splitlines() == [
        "  1/5  tanh y %9  +1",
        "  2/5  + %8       +0.6347",
        "→ 3/5  + %7       +0.6347",
        "  4/5  × %6       +0.6347",
        "  5/5  × %5       +0.6347",
    ]


def test_the_list_of_a_long_pass_is_a_window(session):
    y = Value(1.0)
    for _ in range(1000):
        y = y * 1.5
    lines = session(y, "g 500", "l")[2].splitlines()
    assert len(lines) == 12
    assert lines[5].startswith("→ 500/1000")
    assert lines[-1] == "  … and 495 more"


def test_the_tree_shows_the_gradients_that_are_known(session):
    root = neuron()
    early, late = session(root, "t", "g 5", "t")[1::2]
    assert early.splitlines()[:3] == ["tanh y %9 = 0.6044  grad +1", "  + %8 = 0.7  grad +0.6347", "    + %7 = -2.5"]
    assert "        w1 %1 = -1.5  grad +1.269" in late.splitlines()
    x = Value(1.0, "x")
    shared = x + x
    for _ in range(39):
        shared = shared + shared
    tree = session(shared, "t")[1].splitlines()
    assert len(tree) == 60 + 1  # of the 42 + 39 that show every node once
    assert tree[0].startswith("+ %40 = 1.1e12")
    assert sum("↑ shown above" in line for line in tree) == 60 - 42
    assert tree[-1] == "…"


def test_a_step_is_drawn_with_the_gradients_it_has(session, tmp_path):
    root = neuron()
    path = tmp_path / "step.svg"
    out = session(root, "g 4", f"d {path}", "d", f"d {tmp_path}/nowhere/step.svg", "d step.unknown", width=120)
    assert "drawn as it is after step 4:" in out[2]
    shown = path.read_text(encoding="utf-8")
    assert "+0.3174" in shown  # w2 has its gradient
    assert "+1.269" not in shown  # w1 not yet
    assert "–" in shown
    assert out[3] == "d takes the file to write, as in d step.svg\n"
    assert out[4].startswith("not drawn: ")
    assert out[5].startswith("not drawn: ")
    assert not any(node.reached for node in topological_order(root))
    assert os.listdir(tmp_path) == ["step.svg"]


def test_pictures_need_viz_and_say_so(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "viz", None)
    out = session(neuron(), "d step.svg")
    assert out[1].startswith("pictures need the package viz, which cannot be imported: ")


# -- set -------------------------------------------------------------------------------------------------------------
def test_set_computes_everything_anew_and_touches_nothing(session):
    root = neuron()
    root.backward()
    held = [(node.data, node.grad, node.label) for node in topological_order(root)]
    out = session(root, "set w1 0.25", "g 5", "t", "set %0 -1", "w", width=100)
    assert [(node.data, node.grad, node.label) for node in topological_order(root)] == held
    x1, w1, x2, w2, b = map(Value, (2.0, 0.25, 0.5, 1.0, 3.2), ("x1", "w1", "x2", "w2", "b"))
    again = (x1 * w1 + x2 * w2 + b).tanh()
    again.label = "y"
    assert out[1].startswith(str(steps(again)[0]))
    assert "Your Values are as they were; Python's own ifs and loops stay as they went" in out[1].replace("\n  ", " ")
    assert out[2] == f"{steps(again)[4]}\n"
    assert "w1 %1 = 0.25" in out[3]
    assert "computed anew with x1 %0 = -1" in out[4]
    assert "= 0.998. " in out[4]  # tanh(-1 · 0.25 + 0.5 + 3.2): the number set before stays


def test_what_cannot_be_set(session):
    x, c = Value(2.0, "x"), Value(1.0, "c")
    chosen = ag.where(c, x, 0.0) + 1
    out = session(chosen, "set x 3", "set", "set x", "set x three", "set %3 1", "set nobody 1")
    assert out[1].startswith("x %0 cannot be set: the graph contains where, ")
    assert out[2:5] == ["set takes a leaf and a number, as in set x 3\n"] * 3
    assert out[5].startswith("+ %3 is computed: set takes a leaf")
    assert out[6].startswith("there is no node 'nobody'")
    index = Value(1.0, "index")
    out = session(ag.take([x, c], index) * 2, "set index 7", "set index 0", "set index 0.5")
    assert out[1].startswith("index %2 cannot be set: row 0: ")
    assert "× %4 = 4" in out[2]
    assert "cannot be set" in out[3]
    fast = ag.taped(lambda v: v * v)
    assert "cannot be set" in session(fast(x) + 1, "set x 3")[1]


def test_data_that_was_assigned_counts_when_everything_is_computed_anew(session):
    x, w = Value(2.0, "x"), Value(3.0, "w")
    y = x * w
    w.data = 10.0
    out = session(y, "set x 5")
    assert "data was assigned to operands of 1 nodes since: that counts from here on" in out[1]
    assert "× %2 = 50" in out[1]


def test_set_in_any_mode(session):
    x = Value(2.0, "x")
    y = x * x
    with no_grad(), ag.detect_anomaly():
        out = session(y, "set x 0.5", "set x inf")
    assert "= 0.25" in out[1]
    assert "= inf" in out[2]


# -- what is wrong input ---------------------------------------------------------------------------------------------
def test_a_leaf_and_a_result_of_no_grad_have_nothing_to_step_through(session):
    with no_grad():
        cut = Value(2.0) * 3
    for leaf in (Value(6.0), cut):
        (out,) = session(leaf, "n")
        assert out.startswith("%0 = 6 is a leaf: there is no pass to step through\n")
    with pytest.raises(TypeError, match="debug\\(\\) takes the Value to start from, not float"):
        debug(2.0)


def test_an_unknown_command_is_helped(session):
    out = session(neuron(), "frobnicate x", "h")
    assert out[1].startswith("there is no command 'frobnicate'; the commands are:\n")
    assert out[1].endswith(out[2])
    assert re.findall(r"^  (\w+)", out[2], re.M)[:11] == ["n", "p", "g", "u", "w", "l", "t", "d", "set", "h", "q"]


def test_words_do_as_well(session):
    root = neuron()
    short = session(root, "n", "p", "g 2", "u w1", "w w1", "l", "t", "h", "q")
    long = session(root, "next", "prev", "goto 2", "until w1", "why w1", "list", "tree", "help", "quit")
    assert short == long


def test_a_name_that_two_nodes_have(session):
    a, b = Value(1.0, "w"), Value(2.0, "w")
    out = session(a * b, "w w", "w %1")
    assert out[1] == "2 nodes are called 'w': %0, %1. Give the number of one\n"
    assert out[2].startswith("the gradient of × %2 by w %1 is +1")


def test_labels_with_spaces_and_control_characters(session):
    x, y, z = Value(1.0, "my x"), Value(2.0, "a\nb\x1b[31m"), Value(3.0, "%1")
    out = session(x * y * z, "set my x 4", "w a ⏎ b\ufffd[31m", "u %1", "set \x1b[31m 3")
    assert "computed anew with my x %0 = 4" in out[1]
    assert "by a ⏎ b\ufffd[31m %1 is" in out[2]
    assert "now a ⏎ b" in out[3]  # a number is a number, whatever a label looks like
    assert all("\x1b" not in text for text in out)


@pytest.mark.parametrize("width", [40, 47, 60, 72, 120])
def test_it_fits_the_terminal(session, width):
    """`session` checks that no line is wider."""
    x = Value(-1.2345e-300, "a label that is rather long")
    wide = ag.dot([x * 1.5] + [Value(float(i), "苹果苹果苹果苹果") for i in range(12)], [x * 1e-5] * 13)
    y = (wide + x).tanh() * 1.2345e-5
    for i in range(30):
        y = y.sin() * float(i + 1)
    out = session(y, *("n" for _ in range(62)), "l", "t", "w", "w %0", "h", "foo", "set %0 3", "u nobody", width=width)
    assert "a label" in "".join(out)


def test_narrower_than_forty_columns_is_taken_as_forty(session, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    debug(neuron())
    assert max(columns(line) for line in capsys.readouterr().out.splitlines()) <= 40
