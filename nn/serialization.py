"""Models and optimisers in files: JSON with exact floats, written whole or not at all; loading runs no code.

A file holds {"format": "glassgrad", "version": 1, "model": state, "optimizer": {"kind", "state"} or null, "meta": {}}.
The model's state is that of `Module.state_dict`. The same state gives the same bytes.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

from autograd.files import write_whole
from nn import state
from nn.arguments import shown
from nn.module import Module
from nn.optimizer import Optimizer

__all__ = ["load", "save"]

_FORMAT, _VERSION = "glassgrad", 1
_KEYS = {"format", "version", "model", "optimizer", "meta"}

Path = str | os.PathLike[str]


def save(path: Path, model: Module, optimizer: Optimizer | None = None, **meta: Any) -> None:
    """Write a model, and its optimiser, to a file.

    The file is written beside `path` and moved there when it is complete, so an error leaves the old file as it was
    (`autograd.files.write_whole`).

    Args:
        path: The file.
        model: The model: its parameters and buffers are written, not its structure.
        optimizer: The optimiser: its settings and state are written.
        meta: Anything else that JSON can hold, which `load` returns.

    Raises:
        TypeError: `model` is not a module, `optimizer` is not an optimiser, or `meta` holds what JSON cannot.
        ValueError: A number is nan or infinite; the error names it.
        OSError: The file cannot be written.

    >>> import nn, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "line.json")
    >>> save(path, nn.Linear(2, 1, seed=0), note="first try")
    >>> load(path, nn.Linear(2, 1))
    {'note': 'first try'}
    >>> folder.cleanup()
    """
    _check(model, optimizer)
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "model": model.state_dict(),
        "optimizer": None if optimizer is None else {"kind": type(optimizer).__name__, "state": optimizer.state_dict()},
        "meta": meta,
    }
    for name, value in content.items():
        _check_finite(value, name)
    try:
        text = json.dumps(content, allow_nan=False, indent=None, separators=(", ", ": "))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"meta holds what JSON cannot: {error}") from None
    write_whole(path, (text + "\n").encode())


def load(path: Path, model: Module, optimizer: Optimizer | None = None) -> dict[str, Any]:
    """Read a model, and its optimiser, from a file; return the file's `meta`.

    Args:
        path: A file that `save` wrote.
        model: A model of the same structure, whose parameters and buffers are assigned.
        optimizer: An optimiser of the same kind and number of parameters, whose settings and state are assigned; None
            ignores that part of the file.

    Raises:
        OSError: The file cannot be read.
        TypeError: `model` is not a module, or `optimizer` is not an optimiser.
        ValueError: The file is not what `save` writes, has another version, or is not of this model or optimiser; the
            error names the place. Then nothing has changed.
    """
    _check(model, optimizer)
    content = _read(path)
    with _naming(path):
        meta = _dict(content["meta"], "meta")
        numbers = state.checked(model, _dict(content["model"], "model"))
        saved = content["optimizer"]
        if optimizer is not None:
            if saved is None:
                raise ValueError("it holds no optimizer: leave out the argument optimizer")
            _dict(saved, "optimizer")
            kind = type(optimizer).__name__
            if saved.keys() != {"kind", "state"} or saved["kind"] != kind:
                raise ValueError(f"its optimizer is {shown(saved.get('kind'))}, and the one given is {kind}")
            optimizer.load_state_dict(_dict(saved["state"], "optimizer.state"))
        state.assign(numbers)
    return meta


def _check(model: Module, optimizer: Optimizer | None) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"model must be a module, not {shown(model)}")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an optimiser such as nn.Adam(model.parameters()), not {shown(optimizer)}")


def _check_finite(held: Any, where: str) -> None:
    """Raise ValueError if a float in nested lists and dicts is nan or infinite."""
    todo = [(where, held)]
    while todo:
        place, item = todo.pop()
        if isinstance(item, float):
            if not math.isfinite(item):
                raise ValueError(f"{place} is {item}, which a file cannot hold")
        elif isinstance(item, list | tuple):
            todo += [(f"{place}[{i}]", member) for i, member in enumerate(item)]
        elif isinstance(item, dict):
            todo += [(f"{place}.{key}", member) for key, member in item.items()]


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a file, whose parts are still to be checked."""
    with open(path, "rb") as file:
        raw = file.read()
    with _naming(path):
        try:
            content = json.loads(raw, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("its brackets are nested too deeply") from None
        except UnicodeDecodeError:
            raise ValueError("it is not text in UTF-8") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"it is not complete JSON: {error}") from None
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError('it is not a file of nn.save: "format" must be "glassgrad"')
        if content.get("version") != _VERSION or isinstance(content.get("version"), bool):
            raise ValueError(f"its version is {shown(content.get('version'))}, and this package reads {_VERSION}")
        if content.keys() != _KEYS:
            names = ", ".join(sorted(_KEYS ^ content.keys())[:5])[:200]
            raise ValueError(f"its keys are not those of nn.save: {names}")
        return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds the number {name}, which is not finite")


def _dict(held: Any, name: str) -> dict[str, Any]:
    if not isinstance(held, dict):
        raise ValueError(f"{name} must be an object, not {shown(held)}")
    return held


class _naming:
    """Name the file in a ValueError or TypeError from inside, which becomes a ValueError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ValueError | TypeError):
            raise ValueError(f"{os.fspath(self.path)}: {error}") from None
