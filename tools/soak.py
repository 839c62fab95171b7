"""What tests in order do not reach: threads, Ctrl-C at any moment, fork, asyncio, and user code called back in between.

python tools/soak.py                     each trial again and again, for 5 minutes in all
python tools/soak.py --minutes 0.5       a short run
python tools/soak.py --only interrupts   one trial

Each trial runs in a process of its own, so that a crash or a hang is a finding as well. A trial checks after each event
that gradients are all there or not at all, that no mode has stayed on, that files are the old or the new ones, and that
the numbers which come next are right. A finding prints its trial and seed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from numbers import Real
from pathlib import Path
from typing import Any

import autograd as ag
import nn
import viz
from autograd import Value, no_grad

SECONDS = 5.0  # of one trial
Seen = Counter[str]


class Wrong(AssertionError):
    """A finding."""


def expect(holds: bool, what: str) -> None:
    """Raise a finding where something does not hold."""
    if not holds:
        raise Wrong(what)


# -- what must hold at any time ---------------------------------------------------------------------------------------
def check_engine() -> None:
    """A small gradient is right, and no mode has stayed on."""
    x, y = Value(3.0), Value(-2.0)
    z = (x * y + x.tanh()) * y
    expect(bool(z.op) and z.module is None, f"a mode has stayed on: {z!r} in module {z.module}")
    z.backward()
    expect(y.grad == (3.0 * -2.0 + ag.tanh(3.0)) + -2.0 * 3.0, f"a gradient is wrong: {y.grad}")
    (x * float("inf")).backward()  # an error while anomalies are detected


def net(seed: int) -> tuple[nn.MLP, list[list[float]], list[float]]:
    """A small network and its data."""
    X, y = nn.moons(24, seed=seed)
    return nn.MLP(2, [4, 1], seed=seed), X, y


def loss_of(model: nn.MLP, X: list[list[float]], y: list[float]) -> Value:
    """The mean loss on all rows."""
    return ag.mean([nn.hinge(model(row), target) for row, target in zip(X, y, strict=True)])


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------
def interrupts(rng: random.Random, until: float, seen: Seen) -> None:
    """Interrupt record, backward, replay, fit, draw and save at random moments."""
    model, X, y = net(1)
    params = model.parameters()
    loss_of(model, X, y).backward()
    whole = [p.grad for p in params]
    tape = ag.record(lambda row, target: nn.hinge(model(row), target), inputs=[X[0], y[0]])
    rows = [[*row, target] for row, target in zip(X, y, strict=True)] * 20
    model.zero_grad()
    tape.value_and_grad(rows)
    replayed = [p.grad for p in params]
    folder = Path(tempfile.mkdtemp())
    nn.save(folder / "model.json", model, note="old")
    viz.draw(Value(2.0) * 3.0, folder / "graph.svg")
    old = (folder / "graph.svg").read_bytes()
    graph = loss_of(model, X[:2], y[:2])
    files = ("graph.svg", "model.json")
    temporary = tuple(f".{file}." for file in files)

    def backward() -> None:
        loss_of(model, X, y).backward()

    def record() -> None:
        ag.record(lambda row, target: nn.hinge(model(row), target), inputs=[X[0], y[0]])

    def replay() -> None:
        tape.value_and_grad(rows)

    def modes() -> None:
        with no_grad(), ag.named_scope("soak"):
            loss_of(model, X[:3], y[:3])

    def save() -> None:
        nn.save(folder / "model.json", model, note="new")

    def draw() -> None:
        viz.draw(graph, folder / "graph.svg")

    whole_gradients = {"backward": [whole], "replay": [replayed]}
    works = [backward, record, replay, modes, save, draw]
    while time.monotonic() < until:
        work = rng.choice(works)
        model.zero_grad()
        with contextlib.suppress(KeyboardInterrupt), alarm(rng):
            work()
        name = work.__name__
        seen[f"{name}, {'interrupted' if _fired else 'whole'}"] += 1
        found = [p.grad for p in params]
        allowed = [[0.0] * len(params), *whole_gradients.get(name, [])]
        expect(found in allowed, f"after {name} a gradient is half added")
        check_engine()
        meta = nn.load(folder / "model.json", model)
        expect(meta in ({"note": "old"}, {"note": "new"}), f"model.json holds {meta}")
        drawn = (folder / "graph.svg").read_bytes()
        expect(drawn == old or drawn.rstrip().endswith(b"</svg>"), "graph.svg is half written")
        for path in folder.iterdir():  # what an interrupted write may leave tells what it was to be
            expect(path.name in files or path.name.startswith(temporary), f"after {name} there is {path.name}")


_fired = False


@contextlib.contextmanager
def alarm(rng: random.Random) -> Iterator[None]:
    """Ctrl-C after a random time."""

    def ring(number: int, frame: Any) -> None:
        global _fired
        _fired = True
        signal.raise_signal(signal.SIGINT)

    global _fired
    _fired = False
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 6e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def trainings(rng: random.Random, until: float, seen: Seen) -> None:
    """Interrupt trainings: what is returned is whole, and a resumed training ends as an uninterrupted one."""
    while time.monotonic() < until:
        model, X, y = net(2)
        optimizer = nn.Adam(model.parameters(), lr=0.05)
        replay = rng.choice([None, False])
        options = {"loss": nn.hinge, "seed": 3, "batch_size": 8, "progress": False, "replay": replay}
        history = None
        with contextlib.suppress(KeyboardInterrupt), alarm(rng):  # before the training or after it
            history = nn.fit(model, X, y, optimizer=optimizer, epochs=rng.choice([4, 40]), **options)
        seen["none" if history is None else "interrupted" if history.interrupted else "whole"] += 1
        expect(signal.getsignal(signal.SIGINT) is signal.default_int_handler, "the handler of Ctrl-C is not put back")
        check_engine()
        steps = optimizer.state_dict()["steps"]
        again, X, y = net(2)
        other = nn.Adam(again.parameters(), lr=0.05)
        if steps % 3 == 0 and steps:
            nn.fit(again, X, y, optimizer=other, epochs=steps // 3, **options)
            expect([p.data for p in model.parameters()] == [p.data for p in again.parameters()], "a step is not whole")


# -- threads -----------------------------------------------------------------------------------------------------------
def threads(rng: random.Random, until: float, seen: Seen) -> None:
    """Threads that share a model and its tapes: replay, record, assign, drop, pickle, switch modes."""
    model, X, y = net(3)
    params = model.parameters()
    shared: dict[str, Any] = {}
    found: list[str] = []
    rows = [[*row, target] for row, target in zip(X, y, strict=True)]

    def record(own: random.Random) -> None:
        shared["tape"] = ag.record(lambda row, target: nn.hinge(model(row), target), inputs=[X[0], y[0]])

    def replay(own: random.Random) -> None:
        tape = shared.get("tape")
        if tape is not None:
            with contextlib.suppress(ag.BranchChanged):
                tape.value_and_grad(rows)
                tape.forward(rows)

    def assign(own: random.Random) -> None:
        for p in params:
            p.data = own.uniform(-1.0, 1.0)

    def drop(own: random.Random) -> None:
        shared.pop("tape", None)

    def dump(own: random.Random) -> None:
        pickle.loads(pickle.dumps((shared.get("tape"), model)))

    def switch(own: random.Random) -> None:
        with no_grad():
            expect(not (Value(1.0) * 2.0).op, "no_grad does not hold in its own thread")
        with ag.named_scope("thread"):
            expect((Value(1.0) * 2.0).module == "thread", "named_scope does not hold in its own thread")

    def step(own: random.Random) -> None:
        with contextlib.suppress(ValueError):  # another thread has assigned nan
            nn.SGD(params, lr=1e-3).step()

    def graph(own: random.Random) -> None:
        with contextlib.suppress(ag.BranchChanged):
            loss_of(model, X[:4], y[:4]).backward()

    works = [record, replay, assign, drop, dump, switch, step, graph]

    def run(seed: int) -> None:
        own = random.Random(seed)
        try:
            while time.monotonic() < until and not found:
                work = own.choice(works)
                work(own)
                check_engine()
                seen[work.__name__] += 1
        except BaseException as error:
            found.append(f"{work.__name__}: {error!r}")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    started = [threading.Thread(target=run, args=(rng.random(),)) for _ in range(4)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    sys.setswitchinterval(interval)
    expect(not found, "; ".join(found))


def forks(rng: random.Random, until: float, seen: Seen) -> None:
    """Fork while another thread works; the child must be able to go on."""
    model, X, y = net(4)
    tape = ag.record(lambda row, target: nn.hinge(model(row), target), inputs=[X[0], y[0]])
    rows = [[*row, target] for row, target in zip(X, y, strict=True)]
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            tape.value_and_grad(rows)
            loss_of(model, X[:4], y[:4]).backward()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while time.monotonic() < until:
            time.sleep(rng.uniform(0.0, 0.01))
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    signal.alarm(20)
                    check_engine()
                    tape.value_and_grad(rows)
                    ag.record(lambda row, target: nn.hinge(model(row), target), inputs=[X[0], y[0]]).forward(rows)
                    status = 0
                finally:
                    os._exit(status)
            expect(os.waitpid(child, 0)[1] == 0, "a forked child failed or hung")
            seen["forks"] += 1
    finally:
        is_over.set()
        thread.join()


# -- asyncio and generators --------------------------------------------------------------------------------------------
def tasks(rng: random.Random, until: float, seen: Seen) -> None:
    """Tasks that wait inside modes, and generators that are suspended there."""

    async def train(own: random.Random, quiet: bool) -> None:
        w = Value(own.random())
        for _ in range(own.randint(1, 6)):
            if quiet:
                with no_grad():
                    await asyncio.sleep(own.choice([0.0, 0.0, 1e-4]))
                    expect(not (w * 2.0).op, "no_grad does not hold after an await")
            with ag.named_scope(f"task{id(w)}"):
                await asyncio.sleep(0.0)
                loss = (w * 3.0 - 1.0) ** 2
                expect(loss.module == f"task{id(w)}", f"a task computes in the scope {loss.module}")
            w.grad = 0.0
            loss.backward()
            expect(w.grad == 2.0 * (w.data * 3.0 - 1.0) * 3.0, "a task has lost its gradient")

    async def all_of_them() -> None:
        await asyncio.gather(*(train(random.Random(rng.random()), i % 2 == 0) for i in range(8)))

    while time.monotonic() < until:
        asyncio.run(all_of_them())
        check_engine()
        seen["rounds of 8 tasks"] += 1


# -- user code in between ----------------------------------------------------------------------------------------------
def callbacks(rng: random.Random, until: float, seen: Seen) -> None:
    """User code that the engine calls changes the list or the buffer that the engine is reading."""
    lists: list[list[Any]] = []

    def disturb() -> None:
        for held in lists:
            choice = rng.random()
            if choice < 0.3:
                held.clear()
            elif choice < 0.6:
                held.append(Value(1.0))
            elif held:
                held.pop()

    class Number:
        def __init__(self, x: float) -> None:
            self.x = x

        def __float__(self) -> float:
            disturb()
            return self.x

    Real.register(Number)

    def forward(x: float) -> float:
        disturb()
        return 2.0 * x

    def derivative(x: Any, out: Any) -> float:
        disturb()
        return 2.0

    double = ag.primitive("soaked", forward, derivative)
    works: list[Callable[[list[Any], list[Any]], Any]] = [
        lambda xs, ws: ag.sum(xs),
        lambda xs, ws: ag.mean(xs),
        lambda xs, ws: ag.prod(xs),
        lambda xs, ws: ag.dot(xs, ws),
        lambda xs, ws: ag.logsumexp(xs),
        lambda xs, ws: ag.softmax_cross_entropy(xs, 0),
        lambda xs, ws: ag.take(xs, 0),
        lambda xs, ws: ag.maximum(*xs),
        lambda xs, ws: ag.record(lambda *inputs: ag.sum(xs), inputs=[1.0]),
        lambda xs, ws: ag.sum([double(xs[0]), *xs]),
        lambda xs, ws: ag.record(lambda row: double(row[0]), inputs=[[1.0, 2.0]]).value_and_grad([xs[:2]]),
        lambda xs, ws: nn.SGD(xs, lr=0.1),
        lambda xs, ws: ag.record(lambda row: ag.sum(row), inputs=[[1.0, 2.0]]).forward([xs[:2]]),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.monotonic() < until:
            values: list[Any] = [Value(float(i)) for i in range(rng.randint(1, 9))]
            values[rng.randrange(len(values))] = Number(1.5)
            weights: list[Any] = [Value(1.0) for _ in values]
            if rng.random() < 0.3:
                weights[rng.randrange(len(weights))] = Number(0.5)
            lists[:] = [values, weights]
            work = rng.choice(works)
            try:
                made = work(values, weights)
                if isinstance(made, Value):
                    made.backward()
                seen["whole"] += 1
            except (TypeError, ValueError, IndexError) as error:
                seen[type(error).__name__] += 1
            lists.clear()
            check_engine()


TRIALS: dict[str, Callable[[random.Random, float, Seen], None]] = {
    "interrupts": interrupts,
    "trainings": trainings,
    "threads": threads,
    "forks": forks,
    "tasks": tasks,
    "callbacks": callbacks,
}


def run_trial(name: str, seed: int, seconds: float) -> int:
    """Run one trial in a process of its own; print what was found."""
    code = [sys.executable, __file__, "--child", name, "--seed", str(seed), "--seconds", str(seconds)]
    try:
        done = subprocess.run(code, capture_output=True, text=True, check=False, timeout=seconds + 120.0)
    except subprocess.TimeoutExpired:
        print(f"FOUND {name}, seed {seed}: it hangs", flush=True)
        return 1
    if done.returncode:
        print(f"FOUND {name}, seed {seed}: exit status {done.returncode}\n{done.stderr[-2000:]}", flush=True)
        return 1
    counts = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{name}, seed {seed}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items())), flush=True
    )
    return 0


def main() -> int:
    """Run the trials in turn until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long, in all")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--only", choices=sorted(TRIALS), help="one trial")
    parser.add_argument("--child", choices=sorted(TRIALS), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        seen: Seen = Counter()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        TRIALS[given.child](random.Random(given.seed), time.monotonic() + given.seconds, seen)
        print(json.dumps(seen))
        return 0
    names = [given.only] if given.only else list(TRIALS)
    end = time.monotonic() + 60.0 * given.minutes
    seconds = min(SECONDS, 60.0 * given.minutes / len(names))
    found, seed = 0, given.seed
    while time.monotonic() < end:
        for name in names:
            found += run_trial(name, seed, seconds)
        seed += 1
    print(f"{found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
