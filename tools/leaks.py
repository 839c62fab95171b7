"""Run every public function many times, those that fail too, and see that memory and references do not grow.

python tools/leaks.py                       every case up to 100,000 times, and for 20 seconds at most
python tools/leaks.py --seconds 0.1         a short run
python tools/leaks.py --only fit            those whose name has a text

What a case is, and which references are counted, is told in `tests/leaks.py`; the tests run each a few times. Here the
resident memory is looked at as well, which sees the memory of nodes, too. The exit status is 1 where something grows.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import leaks

WARM = 0.2  # of the time, before anything is looked at: caches fill
SLACK = 1 << 20  # bytes that allocators keep
A_RUN = 16  # bytes; anything that is left behind has more
CACHED = 20  # references that a cache may take while it is looked at


def growth(work: leaks.Work, runs: int, seconds: float) -> tuple[int, list[str]]:
    """How many runs there were time for, and what grew in them."""
    subjects = leaks.watched()
    end = time.monotonic() + WARM * seconds
    work()
    while time.monotonic() < end:
        work()
    leaks.clean()
    counts, before, done = [sys.getrefcount(subject) for subject in subjects], leaks.resident(), 0
    end = time.monotonic() + seconds
    while done < runs and time.monotonic() < end:
        work()
        done += 1
    leaks.clean()
    grown = leaks.resident() - before
    found = [f"{grown / 1024:.0f} KiB of resident memory"] if grown > SLACK + A_RUN * done else []
    for subject, count in zip(subjects, counts, strict=True):
        more = sys.getrefcount(subject) - count
        if more > CACHED + done // 2:
            found.append(f"{more:,} references to {str(subject)[:60]}")
    return done, found


def main() -> int:
    """Run the cases and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each case at most")
    parser.add_argument("--only", default="", help="a text in the names of cases")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    wrong, total = 0, 0
    with leaks.all_else_frozen():
        for name, work in leaks.CASES.items():
            if options.only not in name:
                continue
            runs, found = growth(work, options.runs, options.seconds)
            if found:  # a cache that fills slowly may look like a leak once; a leak is one again
                runs, found = growth(work, options.runs, options.seconds)
            total += runs
            wrong += bool(found)
            if found:
                print(f"LEAKS: {name}, in {runs:,} runs: {'; '.join(found)}", flush=True)
    print(f"{len(leaks.CASES)} cases, {total:,} runs: {wrong} leak")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
