# What autograd/core/*.h give to value.py and replay.py, for type checkers; the .pxd files have the C declarations.
from array import array
from collections.abc import Callable
from typing import Any

from autograd.value import Mode, Value

TABLE_SIZE: int
TABLE_DIGEST: int
ALL_OPERANDS: int
PARENTS: int
LOCAL_GRADS: int

def evaluate1(code: int, x: float, dx: object) -> float: ...
def evaluate2(code: int, x: float, y: float, dx: object, dy: object) -> float: ...
def core_evaluate(node: Value, operands: list[Value | float], in_block: bool) -> int: ...
def core_restore(
    node: Value, operands: tuple[Value | float, ...], local_grads: tuple[float, ...], in_block: bool
) -> int: ...
def core_operands(node: Value, what: int) -> tuple[Any, ...]: ...
def core_install(kind: type) -> int: ...
def core_backward(root: Value, gradient: float) -> int: ...
def core_reached(root: Value) -> tuple[list[Value], list[Value]]: ...
def core_count(node: Value) -> int: ...
def core_operand_node(node: Value, i: int) -> Value | None: ...
def core_operand_number(node: Value, i: int) -> float: ...
def core_mode() -> object: ...
def core_set_mode(mode: Mode | None) -> None: ...
def core_executors() -> list[str]: ...
def core_choose(name: bytes) -> bool: ...
def core_machine(
    code: array[int],
    lists: array[int],
    outputs: array[int],
    param_slots: array[int],
    param_needed: array[int],
    slots: int,
    grads_from: int,
    lanes_from: int,
    first_input: int,
    input_count: int,
    aux: int,
    longest: int,
    call: Callable[[int, list[float]], Any],
) -> Any: ...
def core_replay(
    machine: Any,
    scalars: array[float],
    batch: Any,
    rows: int,
    outputs: array[float],
    seeds: array[float] | None,
    input_gradients: array[float] | None,
    block: array[float] | None,
    total: array[float] | None,
    rows_before: int,
    places: array[int] | None,
) -> tuple[int, int, float, float] | None: ...
