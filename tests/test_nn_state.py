"""State dicts and files: exact, whole or not at all, and refused with a reason where they do not fit."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nn
from autograd import Value

Change = Callable[[dict[str, Any]], None]


def model(seed: int = 0) -> nn.Sequential:
    made = nn.Sequential(nn.Linear(2, 3, seed=seed), "tanh", nn.MLP(3, [2], seed=seed), nn.Linear(2, 1, bias=False))
    rng = random.Random(seed)
    for parameter in made.parameters():
        parameter.data = rng.gauss(0.0, 1.0) * 10.0 ** rng.randint(-300, 300)
    return made


def stepped(made: nn.Module) -> nn.Adam:
    optimizer = nn.Adam(made.parameters(), lr=0.1 / 3)
    for parameter in made.parameters():
        parameter.grad = random.Random(1).gauss(0.0, 1.0)
    optimizer.step()
    return optimizer


def everything(made: nn.Module, optimizer: nn.Optimizer | None = None) -> Any:
    state = made.state_dict(), None if optimizer is None else optimizer.state_dict()
    return copy.deepcopy(state)


# -- state dicts ------------------------------------------------------------------------------------------------------
def test_a_state_dict_has_pytorch_s_names_and_layouts() -> None:
    made = nn.Sequential(nn.Linear(2, 3), "relu", nn.Sequential(nn.Linear(3, 1, bias=False)), nn.MLP(1, [1]))
    state = made.state_dict()
    assert list(state) == ["0.weight", "0.bias", "2.0.weight", "3.layers.0.neurons.0.w", "3.layers.0.neurons.0.b"]
    assert [len(row) for row in state["0.weight"]] == [2, 2, 2]
    assert type(state["3.layers.0.neurons.0.b"]) is float


def test_a_state_is_taken_by_a_model_of_the_same_structure() -> None:
    one, other = model(1), model(2)
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == one.state_dict() != model(2).state_dict()


def test_arrays_are_taken_as_lists() -> None:
    np = pytest.importorskip("numpy")
    one, other = nn.Linear(2, 3, seed=1), nn.Linear(2, 3, seed=2)
    other.load_state_dict({name: np.array(held) for name, held in one.state_dict().items()})
    assert other.state_dict() == one.state_dict()


def test_shared_parameters_and_containers() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.first = nn.Linear(2, 2, seed=0)
            self.second = nn.Linear(2, 2, seed=1)
            self.second.weight = self.first.weight
            self.by_name = {"a": Value(1.0), "b": [Value(2.0)]}
            self.mixed = [nn.Linear(1, 1, seed=2), Value(3.0)]
            self.itself = self
            self._private = Value(4.0)

    state = Tied().state_dict()
    assert list(state) == [
        "first.weight", "first.bias", "second.weight", "second.bias", "by_name.a", "by_name.b",
        "mixed.0.weight", "mixed.0.bias", "mixed.1",
    ]  # fmt: skip
    tied = Tied()
    tied.first.weight[0][0].data = 7.0
    tied.load_state_dict(state)
    assert tied.state_dict() == state


def put(path: str, held: Any) -> Change:
    return lambda state: state.update({path: held})


BAD_STATES: list[tuple[Change, str]] = [
    (lambda state: state.pop("0.bias"), r"missing: 0\.bias"),
    (put("5.bias", [1.0]), r"unknown: 5\.bias"),
    (lambda state: state.update({"0.Weight": state.pop("0.weight")}), r"missing: 0\.weight; unknown: 0\.Weight"),
    (put("0.bias", [1.0, 2.0]), r"0\.bias has 2 entries and the model's has 3"),
    (put("0.bias", 1.0), r"0\.bias must be a list of 3, not float 1\.0"),
    (put("0.weight", [[1.0, 2.0], [1.0, 2.0], [1.0]]), r"0\.weight\[2\] has 1 entries and the model's has 2"),
    (put("0.weight", [[1.0, 2.0], [1.0, 2.0], [1.0, "x"]]), r"0\.weight\[2\]\[1\] must be a number, not str 'x'"),
    (put("0.bias", [1.0, None, 2.0]), r"0\.bias\[1\] must be a number, not NoneType"),
    (put("0.bias", [1.0, True, 2.0]), r"0\.bias\[1\] must be a number, not bool"),
    (put("0.bias", [1.0, float("nan"), 2.0]), r"0\.bias\[1\] is nan, not a finite number"),
    (put("0.bias", [1.0, 10**400, 2.0]), r"0\.bias\[1\] is an integer that is too large"),
    (put("2.layers.0.neurons.1.b", [1.0]), r"2\.layers\.0\.neurons\.1\.b must be a number, not list"),
]


@pytest.mark.parametrize(("change", "message"), BAD_STATES)
def test_a_state_that_does_not_fit_changes_nothing(change: Change, message: str) -> None:
    made = model(1)
    state = model(2).state_dict()
    change(state)
    before = everything(made)
    with pytest.raises(ValueError, match=message):
        made.load_state_dict(state)
    assert everything(made) == before


def test_a_state_is_a_dict() -> None:
    with pytest.raises(TypeError, match="a state is a dict of numbers by path"):
        model().load_state_dict([1.0])  # type: ignore[arg-type]


# -- files ------------------------------------------------------------------------------------------------------------
def test_a_file_gives_every_bit_back(tmp_path: Path) -> None:
    one, other = model(1), model(2)
    optimizer, second = stepped(one), nn.Adam(other.parameters())
    path = tmp_path / "model.json"
    nn.save(path, one, optimizer, epoch=3, note="größer", nested={"a": [1, None, True]})
    meta = nn.load(path, other, second)
    assert meta == {"epoch": 3, "note": "größer", "nested": {"a": [1, None, True]}}
    assert everything(other, second) == everything(one, optimizer)
    written = path.read_bytes()
    nn.save(path, other, second, **meta)
    assert path.read_bytes() == written
    assert json.loads(written)["version"] == 1


def test_the_optimiser_may_be_left_out(tmp_path: Path) -> None:
    one, other, path = model(1), model(2), tmp_path / "model.json"
    nn.save(path, one, stepped(one))
    assert nn.load(path, other) == {}
    nn.save(path, one)
    before = everything(other)
    with pytest.raises(ValueError, match="it holds no optimizer"):
        nn.load(path, other, nn.Adam(other.parameters()))
    assert everything(other) == before


def edited(change: Change) -> Callable[[bytes], bytes]:
    def edit(written: bytes) -> bytes:
        content = json.loads(written)
        change(content)
        return json.dumps(content).encode()

    return edit


def at(*keys: str) -> Callable[[dict[str, Any], Any], None]:
    def put(content: dict[str, Any], held: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = held

    return put


BAD_FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda written: b"", "not complete JSON"),
    "truncated": (lambda written: written[:-20], "not complete JSON"),
    "half a number": (lambda written: written[: len(written) // 2], "not complete JSON"),
    "two files": (lambda written: written * 2, "not complete JSON"),
    "not text": (lambda written: b"\xff\xfe\x00", "JSON|UTF-8"),
    "another file": (lambda written: b'{"weights": [1.0]}', "not a file of nn.save"),
    "a list": (lambda written: b"[1, 2]", "not a file of nn.save"),
    "version": (edited(lambda c: at("version")(c, 2)), "its version is int 2, and this package reads 1"),
    "version true": (edited(lambda c: at("version")(c, True)), "its version is bool True"),
    "an extra key": (edited(lambda c: at("code")(c, "import os")), "keys are not those of nn.save: code"),
    "no model": (edited(lambda c: c.pop("model")), "keys are not those of nn.save: model"),
    "the model a list": (edited(lambda c: at("model")(c, [])), "model must be an object, not list"),
    "meta a number": (edited(lambda c: at("meta")(c, 3)), "meta must be an object, not int 3"),
    "another model": (edited(lambda c: at("model")(c, {"weight": [[1.0]]})), r"missing: .*unknown: weight"),
    "wrong size": (edited(lambda c: at("model", "0.bias")(c, [1.0])), r"0\.bias has 1 entries and the model's has 3"),
    "a string": (edited(lambda c: at("model", "0.bias")(c, "x" * 10**6)), r"0\.bias must be a list of 3, not str 'xxx"),
    "nan": (lambda written: written.replace(b'"0.bias": [', b'"0.bias": [NaN, '), "the number NaN"),
    "infinity": (lambda written: written.replace(b'"0.bias": [', b'"0.bias": [1e999, '), "0.bias"),
    "nested": (lambda written: b"[" * 10**6, "nested too deeply"),
    "nested objects": (lambda written: b'{"a":' * 10**6, "nested too deeply"),
    "another optimiser": (edited(lambda c: at("optimizer", "kind")(c, "SGD")), "its optimizer is str 'SGD', .* Adam"),
    "optimiser keys": (edited(lambda c: at("optimizer", "state")(c, {"lr": 1.0})), "the state of Adam holds"),
    "optimiser size": (edited(lambda c: at("optimizer", "state", "first")(c, [1.0])), "first has 1 numbers for"),
    "optimiser number": (edited(lambda c: at("optimizer", "state", "lr")(c, "x" * 10**6)), "lr must be a number"),
    "optimiser null": (edited(lambda c: at("optimizer", "state", "second")(c, None)), "NoneType"),
}


@pytest.mark.parametrize(("edit", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_does_not_fit_changes_nothing(tmp_path: Path, edit: Callable[[bytes], bytes], message: str) -> None:
    made, path = model(1), tmp_path / "model.json"
    optimizer = stepped(made)
    nn.save(path, model(2), stepped(model(2)))
    path.write_bytes(edit(path.read_bytes()))
    before = everything(made, optimizer)
    with pytest.raises(ValueError, match=message) as caught:
        nn.load(path, made, optimizer)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert everything(made, optimizer) == before


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.json"
    nn.save(path, model(1))
    written = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("no space left")))
        with pytest.raises(OSError, match="no space left"):
            nn.save(path, model(2))
    with pytest.raises(TypeError, match="meta holds what JSON cannot"):
        nn.save(path, model(2), when=object())
    with pytest.raises(ValueError, match=r"meta\.best is inf, which a file cannot hold"):
        nn.save(path, model(2), best=float("inf"))
    broken = model(2)
    broken[0].bias[1].data = float("nan")
    with pytest.raises(ValueError, match=r"model\.0\.bias\[1\] is nan, which a file cannot hold"):
        nn.save(path, broken)
    assert path.read_bytes() == written
    assert os.listdir(tmp_path) == ["model.json"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    nn.save(path, model(1))
    path.chmod(0o600)
    nn.save(path, model(2))
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="model must be a module, not int 3"):
        nn.save(tmp_path / "x", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="optimizer must be an optimiser"):
        nn.save(tmp_path / "x", model(), 3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "x", model())
