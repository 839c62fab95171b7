"""Run every public function many times, those that fail too, and see that memory and references do not grow.

python tools/leaks.py                       every case up to 100,000 times, and for 20 seconds at most
python tools/leaks.py --seconds 0.2         a short run
python tools/leaks.py --only fit            those whose name has a text

What a case is, and how references are counted, is told in `tests/leaks.py`; the tests run each a few times. Here the
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

WARM = 0.2  # of the time, before memory is looked at: caches fill
SLACK = 1 << 20  # bytes that allocators keep
A_RUN = 16  # bytes; anything that is left behind has more


def growth(work: leaks.Work, runs: int, seconds: float) -> tuple[int, int]:
    """How many runs there were time for, and by how many bytes the memory that is resident grew in them."""
    end = time.monotonic() + WARM * seconds
    while time.monotonic() < end:
        work()
    leaks.clean()
    before, done, end = leaks.resident(), 0, time.monotonic() + seconds
    while done < runs and time.monotonic() < end:
        work()
        done += 1
    leaks.clean()
    return done, leaks.resident() - before


def main() -> int:
    """Run the cases and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each case at most")
    parser.add_argument("--only", default="", help="a text in the names of cases")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    wrong, total = 0, 0
    for name, work in leaks.CASES.items():
        if options.only not in name:
            continue
        found = leaks.leaks(work)
        runs, grown = growth(work, options.runs, options.seconds)
        if grown > SLACK + A_RUN * runs:
            found.append(f"{grown / 1024:.0f} KiB of resident memory")
        total += runs
        wrong += bool(found)
        if found:
            print(f"LEAKS: {name}, in {runs:,} runs: {'; '.join(found)}", flush=True)
    print(f"{len(leaks.CASES)} cases, {total:,} runs: {wrong} leak")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
