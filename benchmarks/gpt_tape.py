"""The character GPT of `gpt_steps` by a tape: the loss and all gradients of words whose letters are inputs.

The script knows its word while it builds the graph. Here the same model reads it from inputs of the tape: embeddings
and the target's share are taken by an index, and the largest score comes from `maximum` instead of from numbers that
were read. All else is the script's, node for node, and the numbers must be the script's.
"""

from __future__ import annotations

import gc
import itertools
import math
from array import array
from collections.abc import Sequence
from functools import reduce
from importlib import import_module
from typing import Any

from engines import ENGINES, Engine, has_avx512
from gpt_steps import GPT, Vector, softmax, words
from tables import Section, Target, at_most, median_of, number, ratio, within
from workers import Figures, Job, check_same, clock, in_turns

POSITIONS = 7
ROWS = (1, 16)
BOUNDS = {1: 80, 16: 18}  # µs a row
JOBS = {
    "glassgrad": Job("glassgrad", {"repeats": 100}),
    "pure": Job("pure", {"repeats": 1}),
    "plain": Job("plain", {"repeats": 4, "collected": False}),
    "plain collected": Job("plain", {"repeats": 4, "collected": True}),
}
TOLERANCE = 1e-12  # of the largest gradient: what goes through `maximum` cancels but for a few roundings


def chosen_words() -> list[list[int]]:
    """As many words of the wanted length as the largest batch has rows."""
    found = (word for word in words(1000) if len(word) == POSITIONS + 1)
    return list(itertools.islice(found, max(ROWS)))


class InputGPT(GPT):
    """The model for tokens that are inputs of a tape."""

    def embedding(self, token: Any) -> Vector:
        """The numbers of a token."""
        take = import_module("autograd").take
        return [take(column, token) for column in zip(*self.token_embedding, strict=True)]

    def softmax(self, x: Vector) -> Vector:
        """exp(x) over its sum; the largest number is taken off first."""
        return softmax(x, reduce(import_module("autograd").maximum, x))

    def chosen(self, shares: Vector, target: Any) -> Any:
        """The share of the target."""
        return import_module("autograd").take(shares, target)


class TapeWork:
    """Measures one build of glassgrad."""

    def __init__(self, engine: Engine) -> None:
        self.autograd = engine.load()
        self.model = InputGPT(self.autograd.Value)
        self.words = chosen_words()
        self.check(self.record())

    def record(self) -> Any:
        """The tape, recorded with another word than those it is used for."""
        return self.autograd.record(lambda *tokens: self.model.loss(tokens), inputs=[0.0] * (POSITIONS + 1))

    def batch(self, rows: int) -> array[float]:
        """The first words."""
        return array("d", [float(token) for word in self.words[:rows] for token in word])

    def check(self, tape: Any) -> None:
        """Stop unless the tape comes to the script's losses and gradients for all words."""
        losses, _ = tape.value_and_grad(self.batch(max(ROWS)), input_gradients=False)
        script = GPT(self.autograd.Value)
        expected = []
        for word in self.words:
            loss = script.loss(word)
            loss.backward()
            expected.append(loss.data)
        compare("losses", losses, expected)
        compare("gradients", gradients_of(self.model), gradients_of(script))

    def measure(self, repeats: int) -> Figures:
        """Milliseconds a recording, microseconds a row of a replay."""
        start = clock()
        tape = self.record()
        recorded = clock()
        self.model.loss([self.autograd.Value(0.0)] * (POSITIONS + 1))
        figures = {"record": (recorded - start) / 1e6, "eager": (clock() - recorded) / 1e6}
        for rows in reversed(ROWS):
            batch = self.batch(rows)
            tape.value_and_grad(batch, input_gradients=False)
            start = clock()
            for _ in range(repeats):
                losses, _ = tape.value_and_grad(batch, input_gradients=False)
            figures[f"{rows}"] = (clock() - start) / repeats / rows / 1e3
        gradients_of(self.model)
        tape.value_and_grad(batch, input_gradients=False)
        stats = tape.stats()
        figures |= {"nodes": stats["live"], "instructions": stats["instructions"], "bytes": stats["bytes"]}
        return figures | summary(losses[0], self.model)


class PlainWork:
    """Measures the plain class."""

    def __init__(self, engine: Engine) -> None:
        self.model = GPT(engine.load().Value)
        self.word = chosen_words()[0]

    def measure(self, repeats: int, collected: bool) -> Figures:
        """Microseconds a word, freeing included; what the collector owes is paid in the time or out of it."""
        self.words_in_a_row(1, collected)  # caches that others have emptied since the last turn
        spent, loss = self.words_in_a_row(repeats, collected)
        return {f"{rows}": spent / repeats / 1e3 for rows in ROWS} | summary(loss, self.model)

    def words_in_a_row(self, repeats: int, collected: bool) -> tuple[int, float]:
        """Nanoseconds of all, and the loss."""
        spent, loss = 0, None
        for _ in range(repeats):
            gradients_of(self.model)
            if collected:
                loss = None
                gc.collect()
            start = clock()
            loss = self.model.loss(self.word)
            loss.backward()
            spent += clock() - start
        assert loss is not None
        data, start = loss.data, clock()
        del loss
        return spent + clock() - start, data


def Work(engine: Engine) -> TapeWork | PlainWork:
    """What measures the engine."""
    return PlainWork(engine) if engine.key == "plain" else TapeWork(engine)


def gradients_of(model: GPT) -> list[float]:
    """Those of the parameters, which are zero from then on."""
    parameters = model.parameters()
    found = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = 0.0
    return found


def summary(loss: float, model: GPT) -> Figures:
    """What must be the same in all engines: the first word's loss, and its gradients, weighted so that places count."""
    gradients = gradients_of(model)
    return {"loss": loss, "gradients": math.fsum(math.cos(i) * gradient for i, gradient in enumerate(gradients))}


def compare(what: str, found: Sequence[float], expected: Sequence[float]) -> None:
    """Stop where two lists are not the same but for roundings."""
    difference = max(abs(a - b) for a, b in zip(found, expected, strict=True))
    largest = max(map(abs, expected))
    if not difference <= TOLERANCE * largest:
        raise SystemExit(f"the tape's {what} differ from the script's by {difference} of {largest}")


def section(rounds: int) -> Section:
    """The table of both builds beside the plain class."""
    times = in_turns("gpt_tape", JOBS, rounds)
    for figure in ("loss", "gradients"):
        check_same("GPT", times, figure)
    rows = []
    for key, figures in times.items():
        title = ENGINES[JOBS[key].engine].title + (", each after a collection" if "collected" in key else "")
        cells = [title, number(median_of(figures, "record")) if "record" in figures[0] else "–"]
        for count in ROWS:
            faster = ratio(times["plain"], figures, f"{count}")
            cells += [number(median_of(figures, f"{count}")), str(faster)]
        rows.append(cells)
    of_tape = times["pure"][-1]
    parameters = len(GPT(import_module("plain_value").Value).parameters())
    note = (
        f"The loss and all {parameters:,} gradients of the character GPT for words of {POSITIONS} positions, forward "
        f"and backward; medians of {rounds} rounds in turns. The plain class builds its graph for each word, in a row "
        "as in any training loop, so that garbage collection counts; once also with a collection before each, outside "
        "the time. The tape is recorded once, with the letters as inputs, and replayed on a buffer of 1 or of "
        f"{max(ROWS)} words: {number(of_tape['nodes'])} nodes, {number(of_tape['instructions'])} instructions after "
        f"lowering, {number(of_tape['bytes'] / 1e6)} MB for a replay of 8 rows. Losses and gradients are "
        "the eager script's to 1e-12 of the largest. × is how many times faster a row is than the plain class's word; "
        "it has no target, because the plain class swings by two with the state of the collector."
    )
    headers = ["engine", "ms to record"]
    for count in ROWS:
        headers += [f"µs a row, {count} row{'s' * (count > 1)}", "× faster"]
    return Section("A character GPT by tape", note, headers, rows, targets(times))


def targets(times: dict[str, list[Figures]]) -> list[Target]:
    """What is asked of a recording and of a replay; absolute figures of that only of processors with AVX-512."""
    ours = times.get("glassgrad")
    if not ours:
        return []
    a_node = 1e6 * median_of(ours, "record") / median_of(ours, "nodes")
    found = [
        at_most("record the GPT, a node", a_node, 250, "ns"),
        within("record the GPT, against its function alone", ratio(ours, ours, "record", "eager"), 5),
    ]
    if not has_avx512():
        return found
    return found + [
        at_most(f"GPT by tape, a row of {rows}", median_of(ours, f"{rows}"), bound, "µs")
        for rows, bound in BOUNDS.items()
    ]
