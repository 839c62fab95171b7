"""debug: a backward pass at a prompt, step by step, as `pdb` steps through a program."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType
from typing import NamedTuple

from autograd.account.explain import explained
from autograd.account.tree import tree
from autograd.arguments import no_value
from autograd.backward_pass import BackwardPass
from autograd.formatting import clean_text, columns, cut, encodable, named, number, table, wrapped
from autograd.modes import unwatched
from autograd.names import name_of, names_in_scope
from autograd.recorded import is_as_recorded
from autograd.steps import BackwardSteps, Step, title_of
from autograd.tape.record import record
from autograd.value import Value, many, restore, take_name

__all__ = ["debug"]

_PROMPT = "(debug) "
_NARROWEST, _WIDEST = 40, 120
_AROUND = 5  # steps listed before and after the one that is shown
_BOLD, _POSITIVE, _NEGATIVE = "1", "33", "36"  # colours of a terminal
# which columns of a step's table stay, and under which headings, as the terminal gets narrower
_TABLES: tuple[tuple[tuple[int, str], ...], ...] = (
    ((0, ""), (1, ""), (2, ""), (3, ""), (4, ""), (5, "")),
    ((0, ""), (2, ""), (3, ""), (4, ""), (5, "")),
    ((0, ""), (2, ""), (3, ""), (5, "")),
    ((0, ""), (2, "× ∂"), (3, "= adds"), (5, "→ grad")),
    ((0, ""), (3, "adds"), (5, "→ grad")),
)


class _Ended(Exception):
    """The session is over."""


class _Refused(Exception):
    """A command cannot be carried out; the message says why."""


class _Command(NamedTuple):
    usage: str
    about: str
    run: Callable[[_Session, str], None]


def debug(root: Value) -> None:
    r"""Step through the backward pass from `root` at a prompt; commands come from standard input.

    `n` goes to the next step, `p` to the one before, `g K` to step K, `u NAME` on until a node has its gradient; `w
    NAME` tells why it is what it is, `l` lists the steps, `t` shows the graph as a tree, `d FILE` draws it as it is at
    this step, `set x 3` computes the graph anew with another number, `h` helps, `q` ends, and so does the end of the
    input. An empty line does the last command again. A NAME is a label, a
    variable of yours or a path as in `n.w[0]`, or a number as in `%3`.

    No Value of yours is touched: gradients are those of the pass that is stepped through, and `set` works on a copy. It
    follows the rules of `autograd.record(root)`: Python's own ifs stay as they went, and a graph with `where` refuses.

    Args:
        root: the Value whose backward pass it is.

    Raises:
        TypeError: `root` is not a Value.

    >>> import io, sys
    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> stdin, sys.stdin = sys.stdin, io.StringIO("n\nw w\nq\n")
    >>> debug((x * w).relu())
    the backward pass from relu %3 = 6 in 2 steps; h for help
    backward 1/2   relu %3   upstream +1
      operand  upstream  × local ∂  = contribution  grad before  → after
      %2             +1          1              +1            0       +1
    (debug) n
    backward 2/2   × %2   upstream +1
      operand  upstream  × local ∂  = contribution  grad before  → after
      x %0           +1          3              +3            0       +3
      w %1           +1          2              +2            0       +2
    (debug) w w
    the gradient of relu %3 by w %1 is +2, over 1 path
      +2  relu %3 → × %2 → w %1
      of the largest: grew most in × %2 (∂ 2)
      no backward pass has reached w %1 yet: its .grad is filled in by .backward()
    (debug) q
    >>> sys.stdin = stdin
    """
    if type(root) is not Value:
        raise TypeError(f"debug() takes the Value to start from, not {no_value(root)}")
    names = names_in_scope()
    with unwatched():
        _Session(root, names).run()


class _Session:
    """One session at the prompt: the graph, where the pass stands, and what was typed last."""

    def __init__(self, root: Value, names: Mapping[int, str]) -> None:
        self.take(root, names)
        self.at = 0  # the step that is shown, from 0
        self.last = ""
        self.width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
        self.is_coloured = bool(
            sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )

    def take(self, root: Value, names: Mapping[int, str]) -> None:
        """Step through this graph from now on."""
        self.root = root
        self.walk = BackwardPass(root)
        self.walk.names = names
        self.nodes = self.walk.nodes
        self.steps = BackwardSteps(self.walk, range(len(self.walk.turns)))

    def run(self) -> None:
        """Read and carry out commands until the session ends."""
        root = self.name(len(self.nodes) - 1)
        if not self.steps:
            self.say(f"{root} = {number(self.root.data)} is a leaf: there is no pass to step through")
            self.say("(a number, or computed under no_grad() or after detach())")
            return
        count = f"{len(self.steps):,} step{'s' * (len(self.steps) != 1)}"
        self.say(f"the backward pass from {root} = {number(self.root.data)} in {count}; h for help")
        self.show()
        while True:
            try:
                line = self.read()
            except (EOFError, KeyboardInterrupt):
                print()
                return
            try:
                self.obey(line)
            except _Refused as error:
                self.say(str(error))
            except _Ended:
                return

    def read(self) -> str:
        """A line of input; echoed where nobody has typed it on a screen."""
        line = input(_PROMPT)
        if not sys.stdin.isatty() and isinstance(input, BuiltinFunctionType):
            self.print(clean_text(line, self.width))
        return line

    def obey(self, line: str) -> None:
        """Carry out a command."""
        line = line.strip() or self.last
        word, _, rest = line.partition(" ")
        if not word:
            return
        command = _COMMANDS.get(_ALIASES.get(word, word))
        if command is None:
            self.say(f"there is no command {clean_text(word, 20)!r}; the commands are:")
            self.show_help("")
            return
        self.last = line
        command.run(self, rest.strip())

    # -- what is printed -----------------------------------------------------------------------------------------------
    def say(self, text: str) -> None:
        """Print lines of text, wrapped to the width of the terminal."""
        for line in text.split("\n"):
            self.print(*wrapped(line, self.width))

    def print(self, *lines: str) -> None:
        """Print lines as they are."""
        for line in lines:
            print(encodable(line, getattr(sys.stdout, "encoding", None)))

    def coloured(self, text: str, code: str) -> str:
        """The text in a colour, on a terminal that has them."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_coloured and code else text

    def name(self, place: int) -> str:
        """What a node is called."""
        return title_of(self.nodes[place], place, self.walk.names)

    def show(self) -> None:
        """Print the step where the pass stands."""
        step = self.steps[self.at]
        title, line = step.title.split("   "), ""
        for part in title:  # the parts of a title stand below each other where they do not fit beside
            if line and columns(line) + 3 + columns(part) > self.width:
                self.print(self.coloured(cut(line, self.width), _BOLD))
                line = f"  {part}"
            else:
                line = f"{line}   {part}" if line else part
        self.print(self.coloured(cut(line, self.width), _BOLD))
        rows, note = step.rows()
        for form in _TABLES:
            fitted = [tuple(form[i][1] or cells[at] for i, (at, _) in enumerate(form)) for cells in rows[:1]]
            fitted += [tuple(cells[at] for at, _ in form) for cells in rows[1:]]
            cells = table(fitted)
            if form is _TABLES[-1] or columns("  " + "  ".join(cells[0])) <= self.width:
                break
        for i, row in enumerate(table(fitted, self.width)):
            colours = [self.sign_colour(form[j][0], fitted[i][j]) if i else "" for j in range(len(row))]
            painted = [self.coloured(cell, colour) for cell, colour in zip(row, colours, strict=True)]
            self.print(("  " + "  ".join(painted)).rstrip())
        if note:
            self.say(f"  {note}")

    def sign_colour(self, column: int, cell: str) -> str:
        """The colour of a contribution or a gradient."""
        if column not in (3, 5) or cell in ("0", "nan"):
            return ""
        return _NEGATIVE if cell.startswith("-") else _POSITIVE

    # -- what a name means ---------------------------------------------------------------------------------------------
    def find(self, name: str) -> int:
        """The place of the node of this name, or of `%3`."""
        if not name:
            raise _Refused("which node? Give its name, or its number as in %3")
        if name.startswith("%") and name[1:].isascii() and name[1:].isdigit():
            if int(name[1:]) >= len(self.nodes):
                raise _Refused(f"there is no node {name}: they go from %0 to %{len(self.nodes) - 1}")
            return int(name[1:])
        wanted = clean_text(name, len(name))
        names = [name_of(node, self.walk.names) for node in self.nodes]
        found = [at for at, known in enumerate(names) if known and _as_typed(known) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(f"%{at}" for at in found[:_AROUND]) + (", ..." if len(found) > _AROUND else "")
            raise _Refused(f"{len(found)} nodes are called {wanted!r}: {some}. Give the number of one")
        labels = [named(self.nodes[at], at, self.walk.names) for at, known in enumerate(names) if known]
        known = (
            f"named are {', '.join(labels[:8])}{', ...' if len(labels) > 8 else ''}" if labels else "none has a name"
        )
        raise _Refused(f"there is no node {wanted!r}: {known}; the others go by number, %0 to %{len(self.nodes) - 1}")

    # -- the commands --------------------------------------------------------------------------------------------------
    def next(self, rest: str) -> None:
        """Go to the next step."""
        if self.at + 1 >= len(self.steps):
            self.say("that was the last step: every gradient is known (p goes back, w tells what they are made of)")
            return
        self.at += 1
        self.show()

    def previous(self, rest: str) -> None:
        """Go back a step."""
        if self.at == 0:
            raise _Refused("this is the first step")
        self.at -= 1
        self.show()

    def go(self, rest: str) -> None:
        """Go to a step by its number."""
        if not (rest.isascii() and rest.isdigit() and 1 <= int(rest) <= len(self.steps)):
            raise _Refused(f"g takes a step from 1 to {len(self.steps)}, as in g {len(self.steps)}")
        self.at = int(rest) - 1
        self.show()

    def until(self, rest: str) -> None:
        """Go to the step after which a node has its whole gradient."""
        place = self.find(rest)
        name = self.name(place)
        if place == len(self.nodes) - 1:
            raise _Refused(f"{name} is the root: it has its gradient, 1, from the start")
        walk = self.walk.finish()
        last = max(edge for edge, at in enumerate(walk.parents) if at == place)
        turn = bisect_right(walk.starts, last) - 1
        gradient = number(walk.gradients[place], sign=True)
        if turn < self.at:
            raise _Refused(f"{name} has had its gradient, {gradient}, since step {turn + 1} (g {turn + 1} goes there)")
        self.at = turn
        self.show()
        self.say(f"now {name} has its gradient, {gradient}")

    def tell_why(self, rest: str) -> None:
        """Tell why a gradient is what it is."""
        leaf = self.nodes[self.find(rest)] if rest else None
        self.say(str(explained(self.root, leaf, self.walk.names)))

    def list_steps(self, rest: str) -> None:
        """List the steps around the one that is shown."""
        low, high = max(0, self.at - _AROUND), min(len(self.steps), self.at + _AROUND + 1)
        shown: list[Step] = list(self.steps[low:high])
        names = [self.name(step.number) for step in shown]
        width = max(map(columns, names))
        for step, name in zip(shown, names, strict=True):
            mark = "→" if step.index - 1 == self.at else " "
            space = " " * (width - columns(name))
            line = (
                f"{mark} {step.index:>{len(str(high))}}/{step.total}  {name}{space}  {number(step.upstream, sign=True)}"
            )
            self.print(cut(line, self.width))
        if high < len(self.steps):
            self.print(f"  … and {len(self.steps) - high:,} more")

    def show_tree(self, rest: str) -> None:
        """Show the graph as a tree, with the gradients that are known at this step."""
        gradients = self.gradients()

        def note(node: Value, place: int) -> str:
            gradient = gradients[place]
            return "" if gradient is None else f"  grad {number(gradient, sign=True)}"

        self.print(*tree(self.root, width=self.width, note=note, names=self.walk.names))

    def draw_step(self, rest: str) -> None:
        """Draw the step; in a format other than SVG, the graph with the gradients that are known at it."""
        if not rest:
            raise _Refused("d takes the file to write, as in d step.svg")
        try:
            viz = importlib.import_module("viz")  # looked up when it is asked for: the engine needs no pictures
        except ImportError as error:
            raise _Refused(f"pictures need the package viz, which cannot be imported: {error}") from None
        try:
            if rest.lower().endswith(".svg"):
                viz.draw(self.steps[self.at], rest)
            else:
                root, copies = self.snapshot()
                viz.draw(root, rest, names=copies)
        except (ValueError, OSError, RuntimeError) as error:
            raise _Refused(f"not drawn: {error}") from None
        self.say(f"drawn as it is after step {self.at + 1}: {clean_text(rest, 200)}")

    def set_leaf(self, rest: str) -> None:
        """Compute the graph anew with another number in a leaf."""
        name, _, text = rest.rpartition(" ")
        try:
            data = float(text)
        except ValueError:
            raise _Refused("set takes a leaf and a number, as in set x 3") from None
        place = self.find(name.strip())
        if self.nodes[place].op:
            raise _Refused(f"{self.name(place)} is computed: set takes a leaf, which the rest follows from")
        again, copies = self.replayed(place, data)
        self.take(again, {id(copy): name for name, copy in copies.items()})
        self.show()
        self.say(
            f"computed anew with {self.name(place)} = {number(data)}: {self.name(len(self.nodes) - 1)} = "
            f"{number(self.root.data)}. Your Values are as they were; Python's own ifs and loops stay as they went"
        )

    def show_help(self, rest: str) -> None:
        """Tell the commands."""
        width = max(len(command.usage) for command in _COMMANDS.values())
        for command in _COMMANDS.values():
            first, *more = wrapped(command.about, self.width - width - 4)
            self.print(f"  {command.usage:{width}}  {first}", *(" " * (width + 4) + line.strip() for line in more))
        self.say("  An empty line does the last command again. NAME is a label, a variable, or a number as in %3.")

    def quit(self, rest: str) -> None:
        """End the session."""
        raise _Ended

    # -- the graph at this step, and with other numbers ----------------------------------------------------------------
    def gradients(self) -> list[float | None]:
        """By place, the gradient after the step that is shown; None where no step has reached the node."""
        found: list[float | None] = [None] * len(self.nodes)
        found[-1] = 1.0
        for step in self.steps[: self.at + 1]:
            for operand in step.operands:
                found[operand.number] = operand.after
        return found

    def snapshot(self) -> tuple[Value, dict[str, Value]]:
        """A copy of the graph with these gradients, and the copies that have names of variables."""
        copies: dict[int, Value] = {}
        for node, gradient in zip(self.nodes, self.gradients(), strict=True):
            operands = tuple(copies[id(x)] if isinstance(x, Value) else x for x in node.operands)
            grad, is_reached = 0.0 if gradient is None else gradient, gradient is not None
            copy = restore(node.primitive, node.data, grad, is_reached, node.local_grads, None, None, operands)
            take_name(copy, node)
            copies[id(node)] = copy
        return copies[id(self.root)], self.names_of(copies)

    def names_of(self, copies: Mapping[int, Value]) -> dict[str, Value]:
        """The copies of the nodes that have names of variables, by these; copies are by the ids of the nodes."""
        names = self.walk.names
        return {names[id(node)]: copies[id(node)] for node in self.nodes if id(node) in names}

    def replayed(self, place: int, data: float) -> tuple[Value, dict[str, Value]]:
        """A copy of the graph, computed with another number in a leaf, and the copies that have names of variables."""
        leaf = self.nodes[place]
        try:
            record(self.root, inputs=[leaf]).forward([[data]])
        except (TypeError, ValueError, IndexError, RuntimeError, OverflowError) as error:  # no replay, or no such index
            raise _Refused(f"{self.name(place)} cannot be set: {error}") from None
        others = [node for node in self.nodes if node.op and not is_as_recorded(node)]
        copies: dict[int, Value] = {}
        for node in self.nodes:
            primitive = node.primitive
            if primitive is None:
                copy = Value(data if node is leaf else node.data)
            else:
                copy = many(primitive, [copies[id(x)] if isinstance(x, Value) else x for x in node.operands])
            take_name(copy, node)
            copies[id(node)] = copy
        if others:
            self.say(f"data was assigned to operands of {len(others):,} nodes since: that counts from here on")
        return copies[id(self.root)], self.names_of(copies)


def _as_typed(label: str) -> str:
    """A label as it can be typed: control characters shown as tables show them."""
    return clean_text(label, len(label) + 2 * label.count("\n"))


_COMMANDS = {
    command.usage.split()[0]: command
    for command in (
        _Command("n", "the next step", _Session.next),
        _Command("p", "the step before", _Session.previous),
        _Command("g K", "go to step K", _Session.go),
        _Command("u NAME", "on until a node has its gradient", _Session.until),
        _Command("w NAME", "why its gradient is what it is; w alone: all leaves", _Session.tell_why),
        _Command("l", "list the steps", _Session.list_steps),
        _Command("t", "the graph as a tree", _Session.show_tree),
        _Command("d FILE", "draw this step (.svg), or the graph as it is at it (.png, .html, ...)", _Session.draw_step),
        _Command("set x 3", "see everything anew with another number in a leaf", _Session.set_leaf),
        _Command("h", "this help", _Session.show_help),
        _Command("q", "end", _Session.quit),
    )
}
_ALIASES = {
    "next": "n",
    "prev": "p",
    "previous": "p",
    "go": "g",
    "goto": "g",
    "until": "u",
    "why": "w",
    "list": "l",
    "tree": "t",
    "draw": "d",
    "help": "h",
    "?": "h",
    "quit": "q",
    "exit": "q",
    "s": "set",
}
