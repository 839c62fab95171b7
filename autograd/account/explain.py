"""why: what a gradient is made of, and what stopped or broke it, told from the numbers of the pass.

>>> from autograd import Value, why
>>> x, w = Value(-2.0, "x"), Value(3.0, "w")
>>> h = x * w; h.label = "h"
>>> why(h.relu() + x, w)
the gradient of + %4 by w %1 is 0, over 1 path
  relu %3 passes nothing on: its operand h %2 is -6, and relu is flat up to 0 (a unit off, or a margin met)
  no backward pass has reached w %1 yet: its .grad is filled in by .backward()
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping

from autograd.account.paths import GradientPath, GradientPaths
from autograd.arguments import no_value
from autograd.backward_pass import BackwardPass
from autograd.formatting import Text, amount, columns, encodable, name_of, number, padded
from autograd.names import names_in_scope
from autograd.primitives import table
from autograd.recorded import is_as_recorded, is_same, parents_of
from autograd.steps import called, title_of
from autograd.value import Value, cut_by

__all__ = ["explained", "made_without_graph", "why"]

_TOLD = 5  # paths, causes and leaves of one kind that are told, then their count
_LEAVES = 10  # leaves in the list of why(root)
_FLAT = {"floor", "ceil", "round", "sign", "less", "less_or_equal", "equal", "not_equal"}


def why(root: Value, leaf: Value | None = None) -> Text:
    """Explain why the gradient of `root` with respect to `leaf` is what it is.

    A gradient that is a number is told by its largest paths, and by where the largest of them grew and shrank most. For
    a zero it is what stopped it: a ReLU that is off, a branch that was not taken, a factor 0, contributions that cancel
    exactly, no path at all. For inf and nan it is the first node that went wrong, and how to have its source line.

    Args:
        root: the Value that is differentiated.
        leaf: the Value by which, a leaf or any node. Where it is None, all leaves are told, largest gradient first.

    Returns:
        A str that a prompt shows as it prints.

    Raises:
        TypeError: `root` or `leaf` is not a Value.

    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> y = (x * w).tanh() * 10; y.label = "y"
    >>> y.backward()
    >>> why(y, w)
    the gradient of y %4 by w %1 is +0.0004915, over 1 path
      +0.0004915  y %4 → tanh %3 → × %2 → w %1
      of the largest: grew most in y %4 (∂ 10), shrank most in tanh %3 (∂ 2.458e-5)
    >>> why(y)
    y %4 = 10 depends on 2 leaves; the largest gradients first
      x %0  +0.0007373  at 2
      w %1  +0.0004915  at 3
    """
    for name, node in (("root", root), ("leaf", leaf)):
        if type(node) is not Value and not (name == "leaf" and node is None):
            raise TypeError(f"why() takes a Value as {name}, not {no_value(node)}")
    return explained(root, leaf, names_in_scope())


def explained(root: Value, leaf: Value | None, names: Mapping[int, str]) -> Text:
    """Return what `why` does, with these names of variables by the ids of their Values."""
    account = _Account(root, names)
    lines = account.of_all() if leaf is None else account.of(leaf)
    return Text(encodable("\n".join(lines), getattr(sys.stdout, "encoding", None)))


def made_without_graph(leaf: Value) -> str | None:
    """What cut a node from the graph that it was computed in, `"detach()"` or `"no_grad()"`; None where nothing did."""
    return "detach()" if leaf.op == "detach" else cut_by(leaf)


class _Account:
    """What can be told of one pass."""

    def __init__(self, root: Value, names: Mapping[int, str]) -> None:
        self.root = root
        self.walk = BackwardPass(root).finish()
        self.walk.names = names
        self.title = self.name(len(self.walk.nodes) - 1)

    def name(self, place: int) -> str:
        return called(self.walk.nodes[place], place, self.walk.names)

    def step(self, place: int) -> str:
        """A node whose operation matters: with its sign, whatever its name."""
        return title_of(self.walk.nodes[place], place, self.walk.names)

    # -- all leaves ----------------------------------------------------------------------------------------------------
    def of_all(self) -> list[str]:
        walk = self.walk
        if not walk.turns:
            return [f"{self.title} is a leaf: nothing was recorded, and its gradient is 1", *self.unrecorded()]
        leaves = [at for at, node in enumerate(walk.nodes) if node.primitive is None]
        leaves.sort(key=lambda at: -_size(walk.gradients[at]))
        shown = leaves[:_LEAVES]
        names, gradients = [self.name(at) for at in shown], [number(walk.gradients[at], sign=True) for at in shown]
        width, wide = max(map(columns, names)), max(map(len, gradients))
        counted = f"{len(leaves):,} leaves" if len(leaves) > 1 else "1 leaf"
        lines = [f"{self.title} = {number(self.root.data)} depends on {counted}; the largest gradients first"]
        for at, name, gradient in zip(shown, names, gradients, strict=True):
            data = number(walk.nodes[at].data)
            lines.append(f"  {padded(name, width)}  {padded(gradient, wide, right=True)}  at {data}")
        if len(leaves) > len(shown):
            lines.append(f"  … and {len(leaves) - len(shown):,} more")
        zeros = [at for at in leaves if walk.gradients[at] == 0.0]
        if zeros:
            lines.append(f"  {len(zeros):,} of the gradients {'is' if len(zeros) == 1 else 'are'} 0")
        first = self.first_bad_value(len(walk.nodes) - 1)
        if first is not None:
            lines += self.of_bad_value(first)
        return lines

    # -- one gradient --------------------------------------------------------------------------------------------------
    def of(self, leaf: Value) -> list[str]:
        place = self.walk.place_of(leaf)
        if place is None:
            return self.of_stranger(leaf)
        if leaf is self.root:
            return [f"{self.title} is the root itself: its gradient by itself is 1"]
        paths = GradientPaths(self.walk, leaf, _TOLD)
        gradient = paths.total
        over = amount(paths.count, "path")
        lines = [f"the gradient of {self.title} by {self.name(place)} is {number(gradient, sign=True)}, over {over}"]
        if not math.isfinite(gradient):
            lines += self.of_break(leaf)
        elif gradient == 0.0:
            lines += self.of_zero(leaf)
        else:
            lines += self.of_paths(paths)
        return lines + self.of_grad(leaf, place, gradient)

    def of_paths(self, paths: GradientPaths) -> list[str]:
        shown = tuple(paths)
        products = [number(path.product, sign=True) for path in shown]
        width = max(map(len, products))
        lines = [
            f"  {padded(product, width, right=True)}  {path.way}" for product, path in zip(products, shown, strict=True)
        ]
        if paths.count > len(shown):
            rest = f"{paths.count - len(shown):,}" if paths.count < 10**15 else "the other"
            lines.append(f"  … and {rest} smaller path{'s' * (paths.count - len(shown) != 1)}")
        return lines + self.of_extremes(shown[0])

    def of_extremes(self, path: GradientPath) -> list[str]:
        """Where the largest path grew and shrank most."""
        sizes = [abs(local_grad) for local_grad in path.local_grads]
        told = []
        for what, i, is_so in (
            ("grew", sizes.index(max(sizes)), max(sizes) > 1.0),
            ("shrank", sizes.index(min(sizes)), min(sizes) < 1.0),
        ):
            if is_so:
                told.append(f"{what} most in {self.name(path.numbers[i])} (∂ {number(path.local_grads[i])})")
        return [f"  of the largest: {', '.join(told)}"] if told else []

    def of_grad(self, leaf: Value, place: int, gradient: float) -> list[str]:
        """What is to be said where `.grad` holds another number than the pass gives."""
        name, grad = self.name(place), leaf.grad
        if not leaf.reached:
            return [f"  no backward pass has reached {name} yet: its .grad is filled in by .backward()"]
        if is_same(grad, gradient):
            return []
        reason = (
            "the leaf adds up over backward passes, until zero_grad()"
            if leaf.primitive is None
            else "it is of the last pass that reached it"
        )
        return [f"  its .grad is {number(grad, sign=True)}: {reason}"]

    # -- not in the graph ----------------------------------------------------------------------------------------------
    def of_stranger(self, leaf: Value) -> list[str]:
        name = name_of(leaf, 24, self.walk.names) or "this Value"
        lines = [f"the gradient of {self.title} by {name} is 0: there is no path, {self.title} does not depend on it"]
        if BackwardPass(leaf).place_of(self.root) is not None:
            return [*lines, f"  it is the other way round: {name} depends on {self.title}"]
        if not self.walk.turns:
            lines.append(f"  {self.title} is a leaf: nothing was recorded")
        lines += self.unrecorded()
        for at, node in enumerate(self.walk.nodes):
            if node.primitive is None and leaf.label and node.label == leaf.label:
                same = " and the same number, as detach() makes one" if node.data == leaf.data else ""
                lines.append(f"  another node, {self.name(at)}, has the same label{same}")
        lines.append("  a path ends where a number is taken out: .data, .item(), detach(), no_grad(), a new Value")
        return lines

    def unrecorded(self) -> list[str]:
        """The leaves that are known to have been cut from what they were computed from."""
        made = [(at, made_without_graph(node)) for at, node in enumerate(self.walk.nodes)]
        cut = [(at, by) for at, by in made if by is not None]
        lines = [
            f"  {self.name(at)} was made {'by' if by == 'detach()' else 'under'} {by}: no gradient goes past it"
            for at, by in cut[:_TOLD]
        ]
        return lines + ([f"  … and {len(cut) - _TOLD:,} more such"] if len(cut) > _TOLD else [])

    # -- zero ----------------------------------------------------------------------------------------------------------
    def of_zero(self, leaf: Value) -> list[str]:
        walk, way = self.walk, self.walk.way_to(leaf)
        target = walk.place_of(leaf)
        stops: list[str] = []
        received: dict[int, list[tuple[float, int]]] = {}
        for turn, at in enumerate(walk.turns):
            upstream = walk.gradients[at]
            if not way[at] or at == target or upstream == 0.0:
                continue
            node = walk.nodes[at]
            for position, local_grad in parents_of(node):
                parent = node.operands[position]
                assert isinstance(parent, Value)
                to = walk.place_of(parent)
                if to is None or not way[to]:
                    continue
                if local_grad == 0.0 or local_grad * upstream == 0.0:
                    stops.append(f"  {self.step(at)} passes nothing on: {self.reason(turn, position, local_grad)}")
                elif walk.gradients[to] == 0.0:
                    received.setdefault(to, []).append((local_grad * upstream, at))
        for to, parts in received.items():
            told = " and ".join(f"{number(x, sign=True)} from {self.name(at)}" for x, at in parts[:_TOLD])
            more = f" and {len(parts) - _TOLD:,} more" if len(parts) > _TOLD else ""
            stops.append(f"  what reaches {self.name(to)} cancels exactly: {told}{more}")
        lines = list(dict.fromkeys(stops))
        return lines[:_TOLD] + ([f"  … and {len(lines) - _TOLD:,} more such places"] if len(lines) > _TOLD else [])

    def reason(self, turn: int, position: int, local_grad: float) -> str:
        """Why a node passes zero to an operand."""
        walk = self.walk
        at = walk.turns[turn]
        node = walk.nodes[at]
        primitive, operand = node.primitive, node.operands[position]
        assert primitive is not None and isinstance(operand, Value)
        if local_grad != 0.0:
            return f"{number(walk.gradients[at])} × ∂ {number(local_grad)} is too small for a float"
        place = walk.place_of(operand)
        name = self.name(place if place is not None else 0)
        x = f"its operand {name} is {number(operand.data)}" if is_as_recorded(node) else f"its operand is {name}"
        match primitive.name:
            case "relu":
                return f"{x}, and relu is flat up to 0 (a unit off, or a margin met)"
            case "where" if position == 0:
                return f"where passes no gradient to its condition, {name}"
            case "where":
                return f"it took the other branch, not {name}"
            case "maximum" | "maximum_of":
                return f"{x}, and {'the other' if primitive.arity else 'another'} operand is larger"
            case "minimum" | "minimum_of":
                return f"{x}, and {'the other' if primitive.arity else 'another'} operand is smaller"
            case "clip" if position == 0:
                return f"{x}, which is not between the bounds {self.numbers(node, 1)}"
            case "clip":
                return f"{name} is a bound that is not in force"
            case "take" if position < len(node.operands) - 1:
                return f"it took another element, not {name}"
            case "take" | "softmax" | "softmax_cross_entropy" if position == len(node.operands) - 1:
                return f"{name} is its index, and no gradient goes to an index"
            case "multiply" | "dot" | "multiply_no_nan":
                half = len(node.operands) // 2
                other = node.operands[(position + half) % len(node.operands)]
                factor = f", {self.name(walk.place_of(other) or 0)}," if isinstance(other, Value) else ""
                return f"the other factor of {name}{factor} is 0"
            case "prod":
                return f"another factor beside {name} is 0"
            case "detach":
                return f"detach() stops the gradient to {name}"
            case found if found in _FLAT:
                return f"{x}, and {found} is a step function, flat everywhere"
        return f"{x}, and the derivative of {primitive.symbol} is 0 there"

    def numbers(self, node: Value, start: int) -> str:
        found = [o.data if isinstance(o, Value) else o for o in node.operands[start:]]
        return " and ".join(map(number, found))

    # -- inf and nan ---------------------------------------------------------------------------------------------------
    def of_break(self, leaf: Value) -> list[str]:
        walk, way = self.walk, self.walk.way_to(leaf)
        target = walk.place_of(leaf)
        for turn, at in enumerate(walk.turns):
            if not way[at] or at == target:
                continue
            upstream, node = walk.gradients[at], walk.nodes[at]
            places = walk.operands_of(turn)
            for i, local_grad in enumerate(node.local_grads):
                if not way[places[i]]:
                    continue
                passed = table.MULTIPLY_NO_NAN.forward(local_grad, upstream)
                after = walk.before[walk.starts[turn] + i] + passed
                if math.isfinite(passed) and math.isfinite(after):
                    continue
                what = f"{number(upstream)} × ∂ {number(local_grad)} = {number(passed)}"
                if math.isfinite(passed):
                    what = f"{number(walk.before[walk.starts[turn] + i])} + {number(passed)} = {number(after)}"
                lines = [f"  the first step to break is {self.step(at)}: {what} for {self.name(places[i])}"]
                first = self.first_bad_value(at)
                if first is not None:
                    return lines + self.of_bad_value(first)
                return [*lines, *self.operands(node, at), _HOW]
        return []

    def first_bad_value(self, end: int) -> int | None:
        """The place of the oldest value that is not finite, among those that a node depends on, itself included."""
        way = bytearray(len(self.walk.nodes))
        way[end] = 1
        found = None
        for turn, at in enumerate(self.walk.turns):
            if way[at]:
                for parent in self.walk.operands_of(turn):
                    way[parent] = 1
        for at in range(end + 1):
            if way[at] and not math.isfinite(self.walk.nodes[at].data):
                found = at
                break
        return found

    def of_bad_value(self, place: int) -> list[str]:
        node = self.walk.nodes[place]
        data = number(node.data)
        if node.primitive is None:
            return [f"  the first value that is not finite is the leaf {self.name(place)} = {data}"]
        return [
            f"  the first value that is not finite is {self.step(place)} = {data}",
            *self.operands(node, place),
            _HOW,
        ]

    def operands(self, node: Value, place: int) -> Iterator[str]:
        for operand in node.operands[:_TOLD]:
            at = self.walk.place_of(operand) if isinstance(operand, Value) else None
            if at is None or not isinstance(operand, Value):
                yield f"    operand {number(operand.data if isinstance(operand, Value) else operand)}"
            else:
                yield f"    operand {self.name(at)} = {number(operand.data)}"
        if not is_as_recorded(node):
            yield f"    data was assigned to an operand of {self.name(place)} since"


_HOW = "  its line: compute it again inside `with autograd.detect_anomaly():`"


def _size(x: float) -> float:
    return math.inf if math.isnan(x) else abs(x)
