"""Modes belong to a context: threads, asyncio tasks, generators that are suspended inside a block."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import gc
import math
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from starved import starved

import autograd as ag
import nn
from autograd import Value, detect_anomaly, named_scope, no_grad, value
from autograd.modes import current_mode


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No mode stays on, and the compiled engine knows that there is none."""
    assert current_mode() is None
    yield
    assert current_mode() is None
    x = Value(2.0)
    assert (x * x).op == "*"
    assert (x * x).module is None
    if ag.compiled:
        gc.collect()
        assert value.modes_alive() == 0


def is_recording() -> bool:
    return (Value(1.0) * 2.0).op == "*"


async def trained(steps: int, rng: random.Random) -> float:
    """Fit a slope, with an evaluation under no_grad in each step, in the middle of which others run."""
    slope = Value(0.0)
    for _ in range(steps):
        loss = (slope * 2.0 - 3.0) ** 2
        await asyncio.sleep(rng.random() * 1e-4)
        slope.grad = 0.0
        loss.backward()
        assert slope.grad == 2 * (slope.data * 2.0 - 3.0) * 2.0
        slope.data -= 0.1 * slope.grad
        with no_grad():
            await asyncio.sleep(rng.random() * 1e-4)
            assert (slope * 2.0).op == ""
        assert (slope * 2.0).op == "*"
    return slope.data


def test_tasks_that_await_inside_no_grad_train_as_if_alone():
    async def main() -> list[float]:
        return await asyncio.gather(*(trained(8, random.Random(seed)) for seed in range(8)))

    alone = asyncio.run(trained(8, random.Random(0)))
    assert asyncio.run(main()) == [alone] * 8


def test_each_task_has_its_scope_and_its_watch():
    async def one(name: str, seed: int) -> None:
        rng = random.Random(seed)
        with named_scope(name):
            await asyncio.sleep(rng.random() * 1e-3)
            assert (Value(1.0) + 1.0).module == name
            with detect_anomaly() if seed % 2 else no_grad():
                await asyncio.sleep(rng.random() * 1e-3)
                if seed % 2:
                    with pytest.raises(ag.AnomalyError):
                        Value(0.0).log()
                else:
                    assert Value(0.0).log().data == -math.inf
            await asyncio.sleep(rng.random() * 1e-3)
            assert (Value(1.0) + 1.0).module == name

    async def main() -> None:
        await asyncio.gather(*(one(f"task{seed}", seed) for seed in range(10)))

    asyncio.run(main())


def test_a_task_keeps_the_mode_that_it_was_made_in():
    async def evaluate() -> tuple[bool, bool]:
        before = is_recording()
        await asyncio.sleep(0)
        return before, is_recording()

    async def main() -> None:
        with no_grad():
            inside = asyncio.create_task(evaluate())
        outside = asyncio.create_task(evaluate())
        assert is_recording()
        assert await inside == (False, False)
        assert await outside == (True, True)

    asyncio.run(main())


def test_a_task_made_while_a_tape_is_recorded_is_not_recorded_after_it():
    compared: list[Any] = []

    async def later(x: Value) -> None:
        await asyncio.sleep(0)
        compared.append(x < 3.0)
        assert x.data == 2.0  # and no warning of a frozen number
        assert x.detach().op == ""

    async def main() -> None:
        tasks = []

        def function(x: Value) -> Value:
            tasks.append(asyncio.create_task(later(x)))
            return x * x

        tape = ag.record(function, inputs=[Value(2.0)])
        await tasks[0]
        assert tape.forward([[3.0]]) == [9.0]
        assert ag.record(lambda x: x + 1, inputs=[Value(1.0)]).forward([[1.0]]) == [2.0]

    asyncio.run(main())
    assert [type(outcome) for outcome in compared] == [bool]


def test_threads_and_copied_contexts():
    with no_grad():
        copied = contextvars.copy_context()
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: seen.append(is_recording()))
        thread.start()
        thread.join()
        assert asyncio.run(asyncio.to_thread(is_recording)) is False
    assert copied.run(is_recording) is False
    assert is_recording()
    assert seen[0] is not bool(getattr(__import__("sys").flags, "thread_inherit_context", 0))


def suspended(*blocks: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for block in blocks:
            stack.enter_context(block)
        while True:
            yield


def test_generators_end_their_blocks_in_any_order():
    rng = random.Random(5)
    for _ in range(200):
        kinds: list[Callable[[], Any]] = [no_grad, lambda: named_scope("a"), lambda: named_scope("b"), detect_anomaly]
        waiting = [(i, suspended(kinds[i]())) for i in range(4)]
        rng.shuffle(waiting)
        is_open: list[tuple[int, Any]] = []
        while waiting or is_open:
            if waiting and (not is_open or rng.random() < 0.6):
                i, generator = waiting.pop()
                next(generator)
                is_open.append((i, generator))
            else:
                _, generator = is_open.pop(rng.randrange(len(is_open)))
                generator.close()
            kinds_open = [i for i, _ in is_open]
            node = Value(1.0) + 1.0
            assert (node.op == "") == (0 in kinds_open)
            if 0 not in kinds_open:
                assert node.module == (".".join("?ab"[i] for i in kinds_open if i in (1, 2)) or None)
            mode = current_mode()
            assert (mode is not None and mode.watch is not None) == (3 in kinds_open)


def test_a_context_manager_made_of_a_generator():
    @contextmanager
    def evaluating() -> Iterator[None]:
        with no_grad():
            yield

    with evaluating():
        assert not is_recording()
    assert is_recording()


def test_a_block_that_ends_in_another_context_than_it_began():
    generator = suspended(no_grad())
    next(generator)
    thread = threading.Thread(target=generator.close)
    thread.start()
    thread.join()
    assert is_recording()

    async def numbers():
        with no_grad():
            yield 1
            yield 2

    async def main() -> None:
        found = numbers()
        assert await anext(found) == 1
        await asyncio.create_task(found.aclose())

    asyncio.run(main())
    assert is_recording()


def test_one_object_for_many_blocks():
    once = no_grad()

    async def one(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(5):
            with once, once:
                await asyncio.sleep(rng.random() * 1e-4)
                assert not is_recording()
            assert is_recording()
            await asyncio.sleep(rng.random() * 1e-4)

    async def main() -> None:
        await asyncio.gather(*map(one, range(6)))

    asyncio.run(main())


class Scoped(nn.Module):
    """Runs what it is given, inside its scope."""

    def forward(self, work: Callable[[], Any]) -> Any:
        return work()


def test_the_scope_of_a_module_and_blocks_inside_it():
    class Outer(nn.Module):
        def __init__(self) -> None:
            self.inner = Scoped()

        def forward(self, work: Callable[[], Any]) -> Any:
            return self.inner(work)

    def module() -> str | None:
        return (Value(1.0) + 1.0).module

    def switch() -> tuple[str | None, ...]:
        before = module()
        with named_scope("block"):
            inside = module()
        between = module()
        elsewhere = contextvars.Context().run(module)
        return before, inside, between, elsewhere

    model = Outer()
    for _ in range(2):
        assert model(switch) == ("inner", "inner.block", "inner", None)
        assert module() is None
        generator = suspended(named_scope("late"))
        model(lambda generator=generator: next(generator))  # goes on after the call
        assert module() == "late"
        generator.close()
        assert module() is None
        with no_grad():
            assert model(is_recording) is False
        generator = suspended(named_scope("early"))
        next(generator)
        model(generator.close)
        assert module() is None


def test_no_mode_stays_on_without_memory():
    model = Scoped()

    def work() -> None:
        with no_grad(), named_scope("a"), detect_anomaly():
            model(lambda: Value(1.0) + 1.0)
        ag.grad(lambda x: x * x)(2.0)
        ag.record(lambda x: x * x.detach(), inputs=[Value(1.0)])

    work()  # Python's own compiler and its first variable of a context do not bear it
    failures = 0
    for _ in starved(work):
        failures += 1
        assert current_mode() is None
        assert is_recording()
    assert failures > 10


@pytest.mark.skipif(sys.platform != "linux", reason="makes a thread by the C library, as Linux names it")
def test_python_may_enter_a_thread_twice_and_knows_nothing_the_second_time():
    """A thread that another language made has a new state of Python in each call, maybe where the last one was."""
    libc = ctypes.CDLL(None)
    callback = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    seen: list[Any] = []

    @callback
    def first(_: Any) -> None:
        generator = suspended(no_grad())
        next(generator)
        seen.extend((is_recording(), generator, current_mode()))  # the mode lives on, and its block is open
        libc.pthread_setspecific(key, 1)

    @callback
    def second(_: Any) -> None:  # what the library calls where the thread ends
        seen.append(is_recording())

    key, thread = ctypes.c_uint(), ctypes.c_ulong()
    assert libc.pthread_key_create(ctypes.byref(key), second) == 0
    assert libc.pthread_create(ctypes.byref(thread), None, first, None) == 0
    assert libc.pthread_join(thread, None) == 0
    assert libc.pthread_key_delete(key) == 0
    assert (seen[0], seen[3]) == (False, True)
