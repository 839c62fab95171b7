"""What a run of each public function leaves behind: references to what it was given, and memory.

A case is a piece of work that is run again and again. It leaks if in each of several rounds the count of references to
a leaf, a label, the name of a scope, an array, a function or None grows with the runs, or the memory in use does. A
node that is not freed keeps its operands and its label, so it shows as well.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import os
import pickle
import sys
import tempfile
import typing
import warnings
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import graphs
from oracles import fixed_operands, points

import autograd as ag
import nn
import viz
from autograd import Value, passes
from autograd.primitives.primitive import PRIMITIVES
from autograd.tape import replay
from autograd.value import many as record_node
from autograd.value import restore

Work = Callable[[], object]
CASES: dict[str, Work] = {}
"""By the public name that it runs; behind a colon, how."""

NOT_RUN = {
    # results and errors of other functions
    "AnomalyError", "BranchChanged", "Change", "Comparison", "Differences", "ForwardOperand", "ForwardStep",
    "FrozenValueWarning", "GradientPath", "GradientPaths", "GradcheckReport", "GradientMismatch", "OperandStep", "Step",
    "Steps", "Tape", "Taped", "nn.History", "nn.LayerHealth", "nn.Report", "nn.ReplayWarning", "nn.Loss", "nn.Module",
    "nn.Optimizer", "nn.Part", "viz.Exploration", "viz.GraphPicture", "viz.GraphvizNotFound",
    # asks at the prompt, or registers for good
    "debug", "primitive",
    # their memory is matplotlib's
    "viz.plot_decision_boundary", "viz.plot_health", "viz.plot_histograms", "viz.plot_history", "viz.plot_images",
    "viz.plot_lines", "viz.TrainingFilm",
    # numbers alone, no node
    "nn.blobs", "nn.circles", "nn.moons", "nn.spirals", "nn.split", "nn.standardize", "nn.xor", "nn.he", "nn.normal",
    "nn.xavier", "compiled",
}  # fmt: skip

# What cases work on: made once, so that the references to it can be counted.
X, Y, Z = Value(0.5, "x"), Value(1.5, "y"), Value(2.5, "z")
LABEL, SCOPE = "a label of some length", "a scope of some length"
SQUARE = ag.primitive("leaks_square", lambda x: x * x, [lambda x, out: 2 * x])
REFUSES = ag.primitive("leaks_refuses", lambda x: x + 0.0 if x < 1.0 else 1 / 0, [lambda x, out: 1.0])
ROWS = [[0.25 * i, 1.0 - 0.1 * i] for i in range(11)]
IN_CLASSES = [i % 2 for i in range(len(ROWS))]
BATCH = array("d", [number for row in ROWS for number in row])
MODEL = nn.MLP(2, [3, 1], seed=0)
CLASSES = nn.MLP(2, [3, 2], seed=0)
FOLDER = tempfile.TemporaryDirectory()
PATH = os.path.join(FOLDER.name, "model.json")


def watched() -> list[object]:
    """What the references are counted to."""
    found: list[object] = [X, Y, Z, LABEL, SCOPE, None, ROWS, BATCH, MODEL, CLASSES, replay._call, SQUARE, Value]
    return [*found, *MODEL.parameters(), *CLASSES.parameters()]


def case(name: str) -> Callable[[Work], Work]:
    """Add a case."""

    def add(work: Work) -> Work:
        CASES[name] = work
        return work

    return add


def refused(work: Work) -> None:
    """Run what must raise."""
    try:
        work()
    except (TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError, LookupError):
        return
    raise AssertionError("it did not raise")


def f(x: Any, y: Any) -> Any:
    """A function of two numbers with a branch."""
    return (x * y + ag.exp(x)) * x if y > 0.0 else x - y


def g(x: Any, y: Any) -> Any:
    """Its like without a branch, of each kind of node."""
    return ag.dot([x, y, 2.0], [y, x, x]) + ag.sum([x, y, x]) * ag.where(x < y, x, y) - ag.tanh(x) / 3.0


def raising(*_: Any) -> Any:
    """A function that fails where nodes have been made."""
    return (X * Y + Z.tanh()) * {}["missing"]


# -- values ------------------------------------------------------------------------------------------------------------
def graph() -> Value:
    """A graph with each kind of node, labels and modules."""
    with ag.named_scope(SCOPE):
        root = g(X, Y) * Z
        root.label = LABEL
    return root


@case("Value")
def _value() -> None:
    root = graph()
    root.backward(2.0)
    _ = root.operands, root.parents, root.local_grads, root.primitive, repr(root), root.name, root.module, root.detach()
    _ = root == X, X < Y, hash(root), bool(root), -root, 2 - root, root**2, 2**X, abs(root), round(root), root % 2
    Value(1.0, LABEL).zero_grad()


@case("Value: refused")
def _value_refused() -> None:
    for wrong in ("a", None, [1], 1j):
        refused(lambda wrong=wrong: X + wrong)
        refused(lambda wrong=wrong: Value(wrong, LABEL))
    refused(lambda: float(X))
    refused(lambda: setattr(X * Y, "data", 1.0))
    refused(lambda: setattr(X, "stranger", 1.0))
    refused(lambda: X.backward(float))
    refused(lambda: Value(10**400))


@case("Value: backward of a sparse graph")
def _sparse() -> None:
    root = X * Y
    for _ in range(3):
        for _ in range(600):
            Value(0.0)
        root = root * Z + X
    root.backward()


@case("Value: backward over a long way")
def _long_way() -> None:
    """Further than the ring of nodes that the compiled core keeps."""
    first = X * Y
    middle = first
    for _ in range(70_000 if ag.compiled else 700):
        middle = middle + 1.0
    (middle * first).backward()


@case("Value: long lists")
def _long_lists() -> None:
    xs = [X, Y, 1.0] * 20
    (ag.sum(xs) * ag.dot(xs, xs)).backward()
    refused(lambda: ag.take(xs, 100))


@case("Value: the layer below")
def _below() -> None:
    row, many, number = PRIMITIVES["multiply"], PRIMITIVES["sum"], 0.25
    node = restore(row, 2.0, 0.0, False, (1.0,), LABEL, SCOPE, (X, number))
    assert node.operands[1] == number
    restore(many, 2.0, 0.0, False, (1.0, 1.0), LABEL, SCOPE, (X, Y))
    if ag.compiled:  # in Python the callers see to it
        refused(lambda: restore(row, 2.0, 0.0, False, (), LABEL, SCOPE, (X, number)))
        refused(lambda: restore(many, 2.0, 0.0, False, (1.0,) * 60, LABEL, SCOPE, (X, 1.0) * 40))
        refused(lambda: passes.tangents([X * Y], [X], [1], 0))
        refused(lambda: record_node(many, [X, LABEL]))
        refused(lambda: record_node(many, [X] * 40 + [LABEL]))


@case("Value: copies")
def _copies() -> None:
    assert len(pickle.loads(pickle.dumps([graph(), X]))) == 2


def _of_primitive(name: str) -> Work:
    primitive = PRIMITIVES[name]
    xs = points(primitive, 1)[0]
    fixed = fixed_operands(primitive, len(xs))

    def work() -> None:
        operands = [x if i in fixed else Value(x, LABEL) for i, x in enumerate(xs)]
        result = graphs.call(name, operands)
        result.label = LABEL
        result.backward()
        graphs.call(name, operands)

    return work


CASES |= {name: _of_primitive(name) for name, row in PRIMITIVES.items() if hasattr(ag, name) and not row.internal}
CASES["softmax"] = lambda: ag.sum(ag.softmax([X, Y, 1.0])).backward()
CASES["sum: refused"] = lambda: refused(lambda: ag.sum([X, "a"]))
CASES["softmax_cross_entropy: refused"] = lambda: refused(lambda: ag.softmax_cross_entropy([X] * 40, 41))

# -- modes -------------------------------------------------------------------------------------------------------------
UNDER_MODES = {"no_grad": ag.no_grad, "named_scope": lambda: ag.named_scope(SCOPE), "detect_anomaly": ag.detect_anomaly}


def _under(mode: Callable[[], contextlib.AbstractContextManager[None]]) -> None:
    with mode(), mode():
        (X * Y).tanh().backward()
        refused(lambda: raising())
    with contextlib.suppress(KeyError), mode():
        raising()


for _name, _mode in UNDER_MODES.items():
    CASES[_name] = lambda mode=_mode: _under(mode)
CASES["current_scope"] = ag.current_scope


@case("detect_anomaly: found")
def _anomaly() -> None:
    def find() -> None:
        with ag.detect_anomaly():
            ag.log(X - X)

    refused(find)


# -- transforms and accounts -------------------------------------------------------------------------------------------
def _transforms(function: Callable[..., Any], xs: tuple[Any, ...]) -> Iterator[tuple[str, Work]]:
    for name in ("grad", "value_and_grad", "jacobian", "hessian"):
        yield name, lambda name=name: getattr(ag, name)(function)(*xs)
    yield "jvp", lambda: ag.jvp(function, xs, (1.0,) * len(xs))
    yield "hvp", lambda: ag.hvp(function, xs, (1.0,) * len(xs))
    yield "numerical_gradient", lambda: ag.numerical_gradient(function, xs)
    yield "gradcheck", lambda: ag.gradcheck(function, xs)


CASES |= dict(_transforms(g, (0.5, 1.5)))
CASES |= {f"{name}: of leaves from before": work for name, work in _transforms(lambda x: g(x, Y) * Z, (0.5,))}
CASES |= {f"{name}: raises": lambda work=work: refused(work) for name, work in _transforms(raising, (0.5,))}
CASES |= {f"{name}: refused": lambda work=work: refused(work) for name, work in _transforms(lambda x: LABEL, (0.5,))}

CASES["steps"] = lambda: [list(ag.steps(graph(), direction=way)) for way in ("backward", "forward")]
CASES["topological_order"] = lambda: ag.topological_order(graph())
CASES["gradient_paths"] = lambda: list(ag.gradient_paths(graph(), X))
CASES["why"] = lambda: (str(ag.why(graph())), str(ag.why(graph(), X)))
CASES["compare"] = lambda: str(ag.compare(graph(), graph()))


# -- tapes -------------------------------------------------------------------------------------------------------------
TAPES = {
    "guarded": ag.record(f, inputs=[1.0, 2.0]),
    "without a branch": ag.record(lambda x, y: [g(x, y) * X, x * Y], inputs=[1.0, 2.0]),
    "a user's primitive": ag.record(lambda x, y: SQUARE(x) * y * X, inputs=[1.0, 2.0]),
    "a user's primitive that raises": ag.record(lambda x, y: REFUSES(x) * y, inputs=[0.5, 2.0]),
    "layers": ag.record(lambda x, y: MODEL([x, y]), inputs=[1.0, 2.0]),
    "an index": ag.record(lambda x, y: ag.take([x, y, X], y), inputs=[1.0, 2.0]),
}
FAST = ag.taped(f)


def _replayed(tape: Any) -> None:
    for batch in (BATCH, ROWS, ROWS[:1]):
        for run in (tape.value_and_grad, tape.forward):
            with contextlib.suppress(ag.BranchChanged, ZeroDivisionError, ValueError, IndexError, TypeError):
                run(batch)


for _name, _tape in TAPES.items():
    CASES[f"record: {_name}, replayed"] = lambda tape=_tape: _replayed(tape)
    CASES[f"record: {_name}, pickled"] = lambda tape=_tape: _replayed(pickle.loads(pickle.dumps(tape)))
CASES["record"] = lambda: _replayed(ag.record(lambda x, y: g(x, y) * X, inputs=[1.0, 2.0]))
CASES["record: of a graph"] = lambda: _replayed(ag.record([X * Y + Z, Y * 2.0], inputs=[X, Y]))
CASES["record: raises"] = lambda: refused(lambda: ag.record(raising, inputs=[1.0]))
CASES["record: refused"] = lambda: refused(lambda: TAPES["guarded"].forward([[1.0]]))
CASES["taped"] = lambda: [_replayed(FAST), f(X, Y).backward(), FAST(X, Y).backward(), FAST(X, -1.0)]
CASES["taped: made anew"] = lambda: _replayed(ag.taped(f))
CASES["taped: raises"] = lambda: refused(lambda: ag.taped(raising)(X))


# -- nn ----------------------------------------------------------------------------------------------------------------
PARTS: dict[str, tuple[Callable[[], Any], Any]] = {
    "ELU": (nn.ELU, [X, Y]), "GELU": (nn.GELU, [X, Y]), "Identity": (nn.Identity, [X, Y]), "ReLU": (nn.ReLU, [X, Y]),
    "LeakyReLU": (nn.LeakyReLU, [X, Y]), "SiLU": (nn.SiLU, [X, Y]), "Sigmoid": (nn.Sigmoid, [X, Y]),
    "Softplus": (nn.Softplus, [X, Y]), "Tanh": (nn.Tanh, [X, Y]), "Flatten": (nn.Flatten, [[X, Y], [Y, X]]),
    "Reshape": (lambda: nn.Reshape(2, 2), [X, Y, X, Y]), "Dropout": (lambda: nn.Dropout(0.5).eval(), [X, Y]),
    "MLP": (lambda: nn.MLP(2, [3, 1], seed=0), [X, Y]), "Layer": (lambda: nn.Layer(2, 3, seed=0), [X, Y]),
    "Linear": (lambda: nn.Linear(2, 3, seed=0), [X, Y]), "Neuron": (lambda: nn.Neuron(2, seed=0), [X, Y]),
    "Embedding": (lambda: nn.Embedding(4, 2, seed=0), 3), "LayerNorm": (lambda: nn.LayerNorm(2), [X, Y]),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(2).eval(), [X, Y]),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), [[[X, Y], [Y, X]]]),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), [[[X, Y], [Y, X]]]),
    "Conv2d": (lambda: nn.Conv2d(1, 2, 2, seed=0), [[[X, Y], [Y, X]]]),
    "CausalSelfAttention": (lambda: nn.CausalSelfAttention(2, 1, seed=0), [[X, Y], [Y, X]]),
    "Residual": (lambda: nn.Residual(nn.Linear(2, 2, seed=0)), [X, Y]),
    "Sequential": (lambda: nn.Sequential(nn.Linear(2, 2, seed=0), "tanh"), [X, Y]),
}  # fmt: skip
LOSSES: dict[str, tuple[Any, Any]] = {
    "hinge": ([X], 1), "mse": ([X, Y], [1.0, 2.0]), "l1": ([X, Y], [1.0, 2.0]), "half_squared_error": ([X], [1.0]),
    "binary_cross_entropy": (X, 1.0), "binary_cross_entropy_with_logits": (X, 1.0),
    "softmax_cross_entropy": ([X, Y], 1),
}  # fmt: skip


def flat(result: Any) -> Iterator[Any]:
    """The numbers of nested lists."""
    if isinstance(result, list | tuple):
        for item in result:
            yield from flat(item)
    else:
        yield result


def _part(make: Callable[[], Any], given: Any) -> None:
    part = make()
    ag.sum(list(flat(part(given)))).backward()
    part.load_state_dict(part.state_dict())
    with contextlib.suppress(TypeError, ValueError):
        part("a")
    refused(lambda: part.load_state_dict({LABEL: 1.0}))


for _name, (_make, _given) in PARTS.items():
    CASES[f"nn.{_name}"] = lambda make=_make, given=_given: _part(make, given)
for _name, _arguments in LOSSES.items():
    CASES[f"nn.{_name}"] = lambda name=_name, pair=_arguments: getattr(nn, name)(*pair).backward()
for _name in ("GRUCell", "RNNCell"):
    CASES[f"nn.{_name}"] = lambda name=_name: flat(getattr(nn, name)(2, 2, seed=0)([X, Y], [Y, X]))
CASES["nn.huber"] = lambda: nn.huber(1.0)(X, 3.0).backward()
CASES["nn.attention"] = lambda: nn.attention([X, Y], [[X, Y], [Y, X]], [[X, Y], [Y, X]])
CASES["nn.with_l2"] = lambda: nn.with_l2(nn.hinge, MODEL, 0.1)(X, 1).backward()
CASES["nn.decides"] = lambda: nn.decides(None)(lambda prediction, target: prediction * target)(X, 1.0)


def _optimised(name: str) -> None:
    optimizer = getattr(nn, name)([Value(1.0, LABEL), Value(2.0, LABEL)], lr=0.1)
    for _ in range(2):
        optimizer.params[0].grad = 0.5
        optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    refused(lambda: optimizer.load_state_dict({LABEL: 1.0}))
    optimizer.params[1].grad = float("nan")
    refused(optimizer.step)
    optimizer.zero_grad()
    refused(lambda: getattr(nn, name)([X, X], lr=0.1))


for _name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW"):
    CASES[f"nn.{_name}"] = lambda name=_name: _optimised(name)
CASES["nn.clip_grad_norm"] = lambda: [nn.clip_grad_norm([X, Y], 0.5), refused(lambda: nn.clip_grad_norm([X, X], 1.0))]
CASES["nn.clip_grad_value"] = lambda: [nn.clip_grad_value([X, Y], 0.5), refused(lambda: nn.clip_grad_value([X], -1))]


def _fit(**options: Any) -> None:
    targets = [i % 2 for i in range(len(ROWS))]
    given = {"loss": nn.hinge, "epochs": 2, "batch_size": 4, "seed": 0, "progress": False, **options}
    nn.fit(MODEL, ROWS, targets, optimizer=nn.Adam(MODEL.parameters(), lr=0.01), **given)


def _failing(*_: Any) -> Value:
    raise KeyError(LABEL)


CASES["nn.fit"] = _fit
CASES["nn.fit: without replay"] = lambda: _fit(replay=False, epochs=1)
CASES["nn.fit: raises"] = lambda: refused(lambda: _fit(loss=_failing, epochs=1))
CASES["nn.EarlyStopping"] = lambda: _fit(callback=nn.EarlyStopping(patience=1))
CASES["nn.Checkpoint"] = lambda: _fit(
    callback=nn.Checkpoint(PATH, MODEL, nn.Adam(MODEL.parameters(), lr=0.1)), validation=(ROWS, [0] * len(ROWS))
)
for _name in ("accuracy", "evaluate", "confusion"):
    CASES[f"nn.{_name}"] = lambda name=_name: getattr(nn, name)(
        CLASSES, ROWS, [0, 1] * 5 + [0], nn.softmax_cross_entropy
    )
CASES["nn.predict"] = lambda: nn.predict(MODEL, ROWS)
CASES["nn.health"] = lambda: str(nn.health(MODEL, ROWS, [i % 2 for i in range(len(ROWS))], nn.hinge))


@case("nn.save")
def _save() -> None:
    nn.save(PATH, MODEL, nn.Adam(MODEL.parameters(), lr=0.1), note=LABEL)
    refused(lambda: nn.save(PATH, MODEL, note=float("nan")))
    refused(lambda: nn.save(PATH, MODEL, note=object()))


@case("nn.load")
def _load() -> None:
    nn.save(PATH, MODEL)
    nn.load(PATH, MODEL)
    refused(lambda: nn.load(PATH, CLASSES))
    refused(lambda: nn.load(PATH, MODEL, nn.Adam(MODEL.parameters(), lr=0.1)))


# -- viz ---------------------------------------------------------------------------------------------------------------
for _name in ("to_dot", "to_svg", "to_html", "trace", "explore"):
    CASES[f"viz.{_name}"] = lambda name=_name: getattr(viz, name)(graph())
CASES["viz.draw_dot"] = lambda: viz.draw_dot(graph()).source
CASES["viz.print_graph"] = lambda: viz.print_graph(graph(), file=io.StringIO())
CASES["viz.draw"] = lambda: viz.draw(graph(), os.path.join(FOLDER.name, "graph.dot"))
CASES["viz.draw: refused"] = lambda: refused(lambda: viz.draw(graph(), os.path.join(FOLDER.name, "graph.unknown")))
CASES["viz.film"] = lambda: viz.film(graph(), os.path.join(FOLDER.name, "film.svg"))


# -- counting ----------------------------------------------------------------------------------------------------------
class _Allocated(ctypes.Structure):
    """What glibc's `mallinfo2` returns."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = [(name, ctypes.c_size_t) for name in _names]


try:
    _mallinfo = ctypes.CDLL(None).mallinfo2
    _mallinfo.restype = _Allocated
except (AttributeError, OSError, TypeError):  # another C library: Python's own blocks, up to 512 bytes, are counted
    _mallinfo = None


def allocated() -> dict[str, float]:
    """Blocks of Python's allocator, and units of 16 bytes of the C library's, that are in use."""
    found = {"blocks": float(sys.getallocatedblocks())}
    if _mallinfo is not None:
        info = _mallinfo()
        found["memory"] = (info.uordblks + info.hblkhd) / 16
    return found


def leaks(work: Work, runs: int = 5, rounds: int = 12) -> list[str]:
    """What grows by one a run or more, in each of so many rounds, the last three of which are ten times as long.

    Caches fill at first, so what does not leak may grow in some rounds, but not in all. Call it in `all_else_frozen()`.
    """
    found: dict[str, float] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work()
        for round_ in range(rounds):
            count = runs if round_ < rounds - 3 else 10 * runs
            first, then = _growth(work, 1), _growth(work, 1 + count)  # the counting itself leaves something too
            grown = {name: (growth - first.get(name, 0.0)) / count for name, growth in then.items()}
            found = {name: min(growth, found.get(name, growth)) for name, growth in grown.items()}
            found = {name: growth for name, growth in found.items() if growth >= 1.0}
            if not found:
                break
    return [f"{name}: {growth:.1f} a run" for name, growth in found.items()]


@contextlib.contextmanager
def all_else_frozen() -> Iterator[None]:
    """Let collections inside look for cycles among new objects alone: there are ten thousand times as many others."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def clean() -> None:
    """Empty what Python keeps to use again: caches of types and of their methods, and the collector's free lists."""
    sys._clear_type_cache()
    for forget in getattr(typing, "_cleanups", []):
        forget()
    gc.collect()


def _growth(work: Work, runs: int) -> dict[str, float]:
    """How many references there are more after some runs, and how much memory."""
    subjects = watched()
    clean()
    counts = [sys.getrefcount(subject) for subject in subjects]
    before = allocated()
    for _ in range(runs):
        work()
    clean()
    found = {name: number - before[name] for name, number in allocated().items()}
    for subject, count in zip(subjects, counts, strict=True):
        name = f"references to {str(subject)[:60]}"
        found[name] = max(found.get(name, 0.0), sys.getrefcount(subject) - count)
    return found


def resident() -> int:
    """The bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
