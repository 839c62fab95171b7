"""Check the tests of the C: put faults into it, one at a time, and see them caught.

python tools/mutate_core.py                all faults of the table
python tools/mutate_core.py walk.h node.c  those of some files
python tools/mutate_core.py --every 4      a short run: every fourth

A fault is an exact text and what takes its place. All are compiled into one build of a copy of the tree, each behind a
switch, `(FAULT(17) ? wrong : right)`, that an environment variable sets: one build, and a run for each fault. The exit
status is 1 where a fault survives that is not named equivalent, and where a text is not in its file once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trials
from trials import ROOT, Fault

CORE = "autograd/core"
TABLE = ROOT / "tools" / "core_faults.txt"

# The tests that look at a file, in the order in which they run.
TESTS = {
    "backward.c": "leaks backward value lifetime steps random_graphs builds copying",
    "node.c": "leaks value lifetime backward copying",
    "mode.c": "contexts names recorder value",
    "operands.c": "leaks value lifetime builds copying backward",
    "walk.h": "leaks backward transforms lifetime steps copying",
    "passes.h": "leaks transforms second_derivatives sweep lifetime",
    "replay.h": "leaks tape recorder tape_bits batches taped tape_lifetime lowering nn_replay",
    "machine.h": "leaks tape recorder tape_bits batches taped tape_lifetime lowering nn_replay",
    "executors.h": "leaks tape recorder tape_bits batches taped tape_lifetime lowering nn_replay",
    "lanes.h": "tape tape_bits recorder batches taped lowering nn_replay nn_optim",
    "layers.h": "tape_bits nn_replay nn_chunks lowering tape threads",
    "columns.h": "leaks nn_optim batches tape",
    "contributions.h": "tape tape_bits batches recorder nn_chunks",
    "floats.h": "nn_training",
    "training.h": "nn_chunks leaks nn_training nn_fit_options",
    "blocks.h": "threads",
    "parameters.h": "tape leaks nn_replay nn_training",
}

SWITCH = """
extern char *getenv(const char *);
extern int atoi(const char *);
static int fault_number;
__attribute__((constructor)) static void read_fault_number(void) {
    const char *text = getenv("GLASSGRAD_FAULT");
    fault_number = text ? atoi(text) : 0;
}
#define FAULT(number) (fault_number == (number))
"""
# -O1 compiles in a minute, and gives the same bits. A switch makes many warnings.
FLAGS = "-O1 -g0 -ffp-contract=off -fno-builtin -fno-math-errno -w"


@dataclass(frozen=True)
class Row:
    """A fault of the table."""

    file: str
    name: str
    before: str
    after: str
    reason: str

    @property
    def key(self) -> str:
        """What reports call it."""
        return f"{CORE}/{self.file}: {self.name}"


def table() -> list[Row]:
    """The rows of `core_faults.txt`."""
    rows = []
    for paragraph in TABLE.read_text(encoding="utf-8").strip().split("\n\n")[1:]:
        title, *lines = paragraph.split("\n")
        file, _, name = title.partition(": ")
        texts = ["\n".join(line[2:] for line in lines if line[:2] == mark) for mark in ("- ", "+ ", "= ")]
        rows.append(Row(file, name, *texts))
    return rows


ROWS = table()
EQUIVALENT = {row.key: row.reason for row in ROWS if row.reason}


def switched(before: str, after: str, number: int) -> str:
    """C that is `before`, or `after` where the fault of this number is on; statements end with `;` or `}`."""
    if "FAULT" in after:  # where neither form below fits
        return after.replace("FAULT", f"FAULT({number})")
    if before.endswith((";", "}")):
        return f"{{ if (FAULT({number})) {{ {after} }} else {{ {before} }} }}"
    return f"(FAULT({number}) ? ({after}) : ({before}))"


def faulty_sources() -> dict[str, str]:
    """The files of the core with every fault of the table behind its switch."""
    sources: dict[str, str] = {}
    places: dict[str, list[tuple[int, str, str]]] = {}
    for number, row in enumerate(ROWS, start=1):
        source = sources.setdefault(row.file, (ROOT / CORE / row.file).read_text(encoding="utf-8"))
        if source.count(row.before) != 1:
            raise LookupError(f"{row.key}: the file has {source.count(row.before)} times, and not once, {row.before}")
        text = switched(row.before, row.after, number)
        places.setdefault(row.file, []).append((source.index(row.before), row.before, text))
    for file, found in places.items():
        source, end = sources[file], len(sources[file])
        for at, before, text in sorted(found, reverse=True):
            if at + len(before) > end:
                raise LookupError(f"two faults of {CORE}/{file} overlap: {before}")
            source = source[:at] + text + source[at + len(before) :]
            end = at
        sources[file] = source
    return sources


def faults(files: list[str]) -> list[Fault]:
    """The faults of some files, or of all."""
    return [
        Fault(
            f"{CORE}/{row.file}",
            row.name,
            tuple(f"tests/test_{test}.py" for test in TESTS[row.file].split()),
            environment={"GLASSGRAD_FAULT": str(number)},
        )
        for number, row in enumerate(ROWS, start=1)
        if not files or row.file in files
    ]


def results(chosen: list[Fault], processes: int) -> Iterator[tuple[Fault, bool]]:
    """Build once and try the faults."""
    with tempfile.TemporaryDirectory() as folder:
        template = trials.copy_tree(Path(folder, "tree"))
        for file, source in faulty_sources().items():
            (template / CORE / file).write_text(source, encoding="utf-8")
        switch = template / "build" / "switch.h"
        switch.parent.mkdir(exist_ok=True)
        switch.write_text(SWITCH)
        trials.build_core(template, {"GLASSGRAD_CFLAGS": f"{FLAGS} -include {switch}"})
        yield from trials.try_all(chosen, template, {"GLASSGRAD_EXPECT": "compiled"}, processes)


def main() -> int:
    """Try the faults and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="files of autograd/core; all by default")
    parser.add_argument("--every", type=int, default=1, help="try every so manieth fault")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    known = {fault.key for fault in faults([])}
    chosen = faults(options.files)[:: options.every]
    return trials.report(results(chosen, options.processes), EQUIVALENT, known.__contains__)


if __name__ == "__main__":
    sys.exit(main())
