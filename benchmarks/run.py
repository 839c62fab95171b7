"""All benchmarks, with the targets beside the figures.

python benchmarks/run.py                            everything, some ten minutes
python benchmarks/run.py --quick                    fewer rounds, smaller graphs: some minutes
python benchmarks/run.py --only moons_step          one part
python benchmarks/run.py --write docs/benchmarks.md keep the report, and the plot in docs/images
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import digits_fit
import fit_models
import gpt_steps
import gpt_tape
import graph_sizes
import installation
import mlp_steps
import moons_step
import node_costs
import parameter_steps
import tape_chain
import transform_costs
from engines import ENGINES, missing
from tables import Section, prose, table


@dataclass(frozen=True)
class Part:
    """One part of the report, at both lengths."""

    full: Callable[[Path | None], Section]
    quick: Callable[[], Section]


PARTS = {
    "node_costs": Part(lambda _: node_costs.section(15), lambda: node_costs.section(3)),
    "moons_step": Part(lambda _: moons_step.section(15), lambda: moons_step.section(1)),
    "gpt_steps": Part(lambda _: gpt_steps.section(10, 4), lambda: gpt_steps.section(2, 2)),
    "parameter_steps": Part(lambda _: parameter_steps.section(15), lambda: parameter_steps.section(5)),
    "transform_costs": Part(lambda _: transform_costs.section(9), lambda: transform_costs.section(3)),
    "graph_sizes": Part(
        lambda image: graph_sizes.section(5, 10_000_000, image), lambda: graph_sizes.section(1, 1_000_000)
    ),
    "tape_chain": Part(lambda _: tape_chain.section(15), lambda: tape_chain.section(3)),
    "mlp_steps": Part(lambda _: mlp_steps.section(15), lambda: mlp_steps.section(3)),
    "gpt_tape": Part(lambda _: gpt_tape.section(10), lambda: gpt_tape.section(2)),
    "digits_fit": Part(lambda _: digits_fit.section(5), lambda: digits_fit.section(1)),
    "fit_models": Part(lambda _: fit_models.section(5), lambda: fit_models.section(1)),
    "installation": Part(lambda _: installation.section(20, wheel=True), lambda: installation.section(5, wheel=False)),
}


def processor() -> str:
    """The processor's name, as the system gives it."""
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine() -> str:
    """The machine, its load, and the versions of what is timed."""
    peers = [
        f"{e.distribution} {metadata.version(e.distribution)}"
        for e in ENGINES.values()
        if e.distribution and not missing(e)
    ]
    peers = list(dict.fromkeys(peers))  # an engine may have several entries
    load = ", ".join(f"{mean:.1f}" for mean in os.getloadavg())
    return (
        f"{processor()}, {os.cpu_count()} cores, load {load} over the last 1, 5, 15 minutes; {platform.system()} "
        f"{platform.machine()}; {platform.python_implementation()} {platform.python_version()}; {', '.join(peers)}. "
        "Each engine works in a process of its own, in turns, on one thread; times are processor time (the wall's, "
        "where a peer has more threads and it is less), figures are medians, and × is the median of the ratios "
        "within a round, with its quartiles."
    )


def report(sections: list[Section], seconds: float) -> str:
    """The whole report as Markdown."""
    targets = [target.cells() for section in sections for target in section.targets]
    missed = sum(cells[-1] != "met" for cells in targets)
    parts = ["# Benchmarks", prose(f"Written by `make bench`. {machine()}")]
    parts += [section.markdown() for section in sections]
    if targets:
        parts += ["## Targets", table(["work", "target", "figure", ""], targets)]
        parts.append(f"{len(targets) - missed} of {len(targets)} met.")
    parts.append(f"The run took {seconds:.0f} s.")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def main() -> None:
    """Run what is asked and print the report."""
    parser = argparse.ArgumentParser(description="glassgrad beside its peers")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller graphs")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be repeated")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the report here, its plot in images beside it"
    )
    options = parser.parse_args()
    image = options.write.parent / "images" / "cost_per_node.svg" if options.write and not options.quick else None
    start = time.perf_counter()
    sections = []
    for name in options.only or PARTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections.append(PARTS[name].quick() if options.quick else PARTS[name].full(image))
    whole = report(sections, time.perf_counter() - start)
    print(whole, end="")
    if options.write:
        options.write.write_text(whole, encoding="utf-8")


if __name__ == "__main__":
    main()
