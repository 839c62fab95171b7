"""Check the tests of the Python that is not formulas: make one fault at a time in its source, and see it caught.

python tools/mutate_python.py                        the sample: SAMPLE faults of each file, and those of THEMES
python tools/mutate_python.py --per-file 1           a short run
python tools/mutate_python.py nn/clipping.py --all   every fault of some files

Faults are made by rule from the syntax tree: a comparison flipped or made inclusive, `and` and `or` exchanged, a number
changed by one, a statement or a `return` left out, a cleanup left out where something failed, and so on. Those that are
tried are drawn by their hash, so an edit of a file changes the sample only where it changes the code. Each runs in a
copy of the tree (`tools/trials.py`) on the pure build; those of files which that build does not run, on the compiled
one. The exit status is 1 where a fault survives that `EQUIVALENT` does not explain.
"""

from __future__ import annotations

import argparse
import ast
import collections
import hashlib
import itertools
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trials
from python_equivalents import EQUIVALENT
from trials import ROOT, Fault

SAMPLE, OF_THEMES = 3, 3

# The tests that look at a file; its own doctests come first.
TESTS: dict[str, str] = {
    "autograd/value.py": "backward value numbers contexts lifetime copying random_graphs tape",
    "autograd/backward_pass.py": "steps why paths",
    "autograd/modes.py": "contexts value recorder names",
    "autograd/transforms.py": "transforms second_derivatives sweep",
    "autograd/passes.py": "transforms second_derivatives sweep lifetime",
    "autograd/pytree.py": "transforms taped",
    "autograd/custom.py": "custom_primitives tape",
    "autograd/anomaly.py": "anomaly recorder",
    "autograd/pickling.py": "copying",
    "autograd/gradcheck.py": "gradcheck",
    "autograd/steps.py": "steps debug",
    "autograd/assigned.py": "assigned",
    "autograd/recorded.py": "assigned transforms",
    "autograd/names.py": "names",
    "autograd/files.py": "files",
    "autograd/places.py": "places tape",
    "autograd/list_operands.py": "value numbers",
    "autograd/account/differences.py": "compare",
    "autograd/account/explain.py": "why",
    "autograd/account/paths.py": "paths",
    "autograd/account/prompt.py": "debug",
    "autograd/tape/batches.py": "batches tape nn_random",
    "autograd/tape/columns.py": "batches tape nn_optim",
    "autograd/tape/graph.py": "tape recorder tape_bits",
    "autograd/tape/interpreter.py": "tape recorder tape_bits nn_optim",
    "autograd/tape/pickling.py": "tape_pickle",
    "autograd/tape/record.py": "tape recorder tape_lifetime",
    "autograd/tape/recorder.py": "recorder tape nn_random",
    "autograd/tape/replay.py": "tape recorder taped batches",
    "autograd/tape/tape.py": "tape recorder batches",
    "autograd/tape/branching.py": "taped",
    "autograd/tape/threads.py": "threads",
    "autograd/tape/taped.py": "taped",
    "autograd/tape/compiled/fuse.py": "lowering tape_bits tape",
    "autograd/tape/compiled/layers.py": "lowering tape_bits tape nn_replay",
    "autograd/tape/compiled/program.py": "lowering tape_bits tape recorder",
    "autograd/tape/compiled/reuse.py": "lowering tape_bits tape",
    "autograd/tape/compiled/scratch.py": "scratch lowering",
    "nn/optimizer.py": "nn_optim nn_state",
    "nn/optim.py": "nn_optim",
    "nn/clipping.py": "nn_optim nn_training",
    "nn/module.py": "nn_parts nn_layers nn_state nn_composition",
    "nn/state.py": "nn_state",
    "nn/serialization.py": "nn_state",
    "nn/training.py": "nn_training nn_fit_options nn_state",
    "nn/replayed_step.py": "nn_replay nn_training nn_fit_options",
    "nn/row_tapes.py": "nn_replay nn_random nn_evaluation",
    "nn/chunks.py": "nn_chunks nn_replay",
    "nn/training_step.py": "nn_replay nn_training nn_fit_options nn_evaluation",
    "nn/batches.py": "nn_training nn_fit_options nn_random",
    "nn/callbacks.py": "nn_fit_options nn_training",
    "nn/schedules.py": "nn_optim nn_fit_options",
    "nn/health.py": "nn_health",
    "nn/losses.py": "nn_losses nn_evaluation nn_fit_options",
    "nn/data.py": "nn_data",
    "nn/generator.py": "nn_random",
    "nn/inner_loops.py": "nn_optim nn_training nn_random",
    "nn/buffers.py": "nn_parts nn_state",
    "nn/evaluation.py": "nn_evaluation nn_training",
    "viz/escaping.py": "viz_escaping",
    "viz/grouping.py": "viz_graph viz_options viz_large viz_text",
    "viz/folding.py": "viz_large viz_layout",
}

# What the pure build does not run.
COMPILED = ("autograd/tape/compiled/", "autograd/tape/threads.py", "nn/chunks.py")

# What must be in the sample, whatever is drawn: OF_THEMES faults of each of these functions.
THEMES: dict[str, tuple[str, ...]] = {
    "the zero rule": ("autograd/value.py: Value._pass_back", "autograd/backward_pass.py: BackwardPass.advance"),
    "the order of nodes": ("autograd/value.py: reached_by", "autograd/value.py: topological_order"),
    "what is left after a failure": ("autograd/anomaly.py: _Watch._check", "nn/inner_loops.py: are_distinct_leaves"),
    "modes nest and end": ("autograd/modes.py: Setting.__exit__", "autograd/value.py: close_layer"),
    "a recorder left open": ("autograd/tape/record.py: record_call", "autograd/tape/record.py: form_of_call"),
    "guards": ("autograd/tape/recorder.py: Recorder.compared", "autograd/tape/interpreter.py: Interpreter.forward"),
    "blocks of 64 rows": ("autograd/tape/replay.py: Sums.add_rows", "autograd/tape/replay.py: _add_row"),
    "gradients of zero and their order": ("autograd/tape/interpreter.py: Interpreter.backward",),
    "Adam's correction": ("nn/optim.py: Adam._moved", "nn/optim.py: Adam.rule"),
    "clipping at the bound": ("nn/clipping.py: clip_grad_norm", "nn/inner_loops.py: clip_gradients"),
    "a state that is half loaded": ("nn/state.py: checked", "nn/optimizer.py: Optimizer.load_state_dict"),
    "finite numbers": ("nn/serialization.py: _check_finite", "nn/optimizer.py: Optimizer._check_finite"),
    "escaping": ("viz/escaping.py: dot_html", "viz/escaping.py: mermaid"),
    "atomic writes": ("autograd/files.py: write_whole", "autograd/files.py: _remove_old_temporaries"),
    "gradcheck's noise and step": ("autograd/gradcheck.py: _Line.sides", "autograd/gradcheck.py: _relative"),
}


# -- the rules -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Change:
    """A piece of a file, from one place to another, and what takes its place."""

    start: int
    end: int
    text: str
    function: str
    kind: type[ast.AST]


COMPARISONS = {
    ast.Lt: ("<=", ">="), ast.LtE: ("<", ">"), ast.Gt: (">=", "<="), ast.GtE: (">", "<"), ast.Eq: ("!=",),
    ast.NotEq: ("==",), ast.Is: ("is not",), ast.IsNot: ("is",), ast.In: ("not in",), ast.NotIn: ("in",),
}  # fmt: skip
ARITHMETIC = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*", ast.BitAnd: "|",
    ast.BitOr: "&",
}  # fmt: skip
EXCHANGED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}
# Words and not numbers: what errors, warnings and listings say is tested by example, not word by word.
SPOKEN = {"warn", "warns", "print", "cast", "TypeVar"}


class _Rules(ast.NodeVisitor):
    """Collect the faults of a file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = [0]
        for line in source.encode().split(b"\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)
        self.raw = source.encode()
        self.found: list[Change] = []
        self.path: list[str] = []
        self.visit(ast.parse(source))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.lines[node.lineno - 1] + node.col_offset, self.lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.raw[start:end].decode()

    def put(self, node: ast.expr | ast.stmt, text: str) -> None:
        if self.path:  # nothing outside of functions: names, constants and imports
            self.found.append(Change(*self.span(node), text, ".".join(self.path), type(node)))

    # what is left as it is
    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.path.append(node.name)
        for child in node.body:
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                self.visit(child)
        self.path.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if any("overload" in ast.unparse(decorator) for decorator in node.decorator_list):
            return
        self.path.append(node.name)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        for child in body:
            self.visit(child)
            if isinstance(child, ast.If) and ast.unparse(child.test) == "not cython.compiled" and ends(child):
                break  # what follows is compiled
        self.path.pop()

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None: ...

    def visit_Raise(self, node: ast.Raise) -> None:
        self.put(node, "pass")

    def visit_Assert(self, node: ast.Assert) -> None: ...

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        condition = ast.unparse(node.test)
        if "TYPE_CHECKING" in condition:
            return
        if "cython.compiled" in condition:  # of the two builds, the one that runs here
            for child in {"cython.compiled": node.orelse, "not cython.compiled": node.body}.get(condition, []):
                self.visit(child)
            return
        self.negate(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self.negate(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        if "cython.compiled" not in ast.unparse(node.test):
            self.negate(node.test)
            self.generic_visit(node)

    def negate(self, test: ast.expr) -> None:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return
        if isinstance(test, ast.Compare) and not isinstance(test.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            return  # another rule does the same
        self.put(test, f"(not ({self.text(test)}))")

    # expressions
    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) == 1:
            for sign in COMPARISONS[type(node.ops[0])]:
                self.put(node, f"{self.text(node.left)} {sign} {self.text(node.comparators[0])}")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word = " or " if isinstance(node.op, ast.And) else " and "
        self.put(node, f"({word.join(f'({self.text(value)})' for value in node.values)})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self.put(node, f"({self.text(node.operand)})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        words = any(
            isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
            for side in (node.left, node.right)
        )
        if type(node.op) in ARITHMETIC and not words:
            self.put(node, f"({self.text(node.left)}) {ARITHMETIC[type(node.op)]} ({self.text(node.right)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.put(node, str(not node.value))
        elif isinstance(node.value, int | float):
            self.put(node, "1" if node.value == 0 else "0" if node.value == 1 else repr(node.value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func).split(".")[-1]
        if name in SPOKEN:
            return
        if name in EXCHANGED:
            self.put(node.func, EXCHANGED[name])
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "strict"]  # asks for what always holds
        if node.keywords and node.keywords[-1].arg is not None:
            kept = [*map(self.text, node.args)]
            kept += [f"{k.arg}={self.text(k.value)}" for k in node.keywords[:-1]]
            self.put(node, f"{self.text(node.func)}({', '.join(kept)})")
        self.generic_visit(node)

    # statements
    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func).split(".")[-1] not in SPOKEN:
            self.put(node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], ast.Attribute | ast.Subscript):
            self.put(node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.put(node, "pass")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.col_offset > 4 * (len(self.path) if self.path else 1):  # an early one
            self.put(node, "pass")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self.put(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self.put(node, "break")
        self.put(node, "pass")

    def visit_Try(self, node: ast.Try) -> None:
        if node.finalbody and not node.handlers and not node.orelse:  # the cleanup only where nothing failed
            start, end = self.span(node)
            head = self.lines[node.finalbody[0].lineno - 2]
            indent = " " * node.col_offset
            before, after = self.raw[start:head].decode(), self.raw[head:end].decode()
            if after.strip().startswith("finally:"):
                after = after.replace("finally:", f"except BaseException:\n{indent}    raise\n{indent}else:", 1)
                self.put(node, before + after)
        self.generic_visit(node)


def ends(branch: ast.If) -> bool:
    """Whether a branch leaves its function."""
    return isinstance(branch.body[-1], ast.Return | ast.Raise)


def faults_of(file: str) -> list[Fault]:
    """All faults of a file, in the order in which they are drawn."""
    source = (ROOT / file).read_text(encoding="utf-8")
    raw = source.encode()
    seen, drawn = collections.Counter[str](), []
    for change in _Rules(source).found:
        before, after = raw[change.start : change.end].decode(), change.text
        name = f"{change.function}: {difference(before, after)}"
        seen[name] += 1
        if seen[name] > 1:
            name += f" (no. {seen[name]})"
        mutated = (raw[: change.start] + after.encode() + raw[change.end :]).decode()
        tests = (file, *(f"tests/test_{test}.py" for test in TESTS[file].split()))
        drawn.append(
            (hashlib.sha256(f"{file}: {name}".encode()).digest(), change.kind, Fault(file, name, tests, mutated))
        )
    drawn.sort(key=lambda entry: entry[0])
    before_it, turns = collections.Counter[type[ast.AST]](), []
    for _, kind, fault in drawn:  # one of each kind, then a second of each kind, and so on
        turns.append((before_it[kind], fault))
        before_it[kind] += 1
    turns.sort(key=lambda entry: entry[0])
    return [fault for _, fault in turns]


def difference(before: str, after: str, context: int = 24) -> str:
    """`before -> after` in one line; of long ones only what differs and a little around it."""
    before, after = (" ".join(text.split()) for text in (before, after))
    if after == "pass":
        return f"without `{before if len(before) <= 70 else before[:67] + '...'}`"
    if len(before) > 60:
        same = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
        start = max(same - context, 0)
        before, after = (f"...{text[start : same + context]}..." for text in (before, after))
    return f"{before} -> {after}"


def sample(file: str, count: int) -> list[Fault]:
    """So many faults of a file, and those of the themes beside them."""
    everything = faults_of(file)
    drawn = everything[:count]
    for entry in itertools.chain(*THEMES.values()):
        where, _, function = entry.partition(": ")
        if where != file:
            continue
        own = [fault for fault in everything if fault.name.startswith(f"{function}: ")]
        if not own:
            raise LookupError(f"THEMES names {entry}, where there is no fault")
        drawn += [fault for fault in own[:OF_THEMES] if fault not in drawn]
    return drawn


def main() -> int:
    """Try the sample and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", default=list(TESTS), help="source files; all in the table by default")
    parser.add_argument("--per-file", type=int, default=SAMPLE, help="how many faults of each file")
    parser.add_argument("--all", action="store_true", help="all faults of the files")
    parser.add_argument("--list", action="store_true", help="print the faults and try none")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    chosen = [f for file in options.files for f in (faults_of(file) if options.all else sample(file, options.per_file))]
    if options.list:
        print(*(fault.key for fault in chosen), sep="\n")
        return 0
    named = {key.partition(": ")[0] for key in EQUIVALENT}
    names = {fault.key for file in named for fault in faults_of(file)}
    return trials.report(_results(chosen, options.processes), EQUIVALENT, names.__contains__)


def _results(faults: list[Fault], processes: int) -> Iterator[tuple[Fault, bool]]:
    """Try faults in the build that runs their files."""
    compiled = [fault for fault in faults if fault.file.startswith(COMPILED)]
    pure = [fault for fault in faults if not fault.file.startswith(COMPILED)]
    with tempfile.TemporaryDirectory() as folder:
        template = trials.copy_tree(Path(folder, "tree"))
        if pure:
            yield from trials.try_all(pure, template, {"GLASSGRAD_PURE": "1"}, processes)
        if compiled:
            trials.build_core(template, {})
            yield from trials.try_all(compiled, template, {}, processes)


if __name__ == "__main__":
    sys.exit(main())
