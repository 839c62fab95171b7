"""The names of values: labels, variables of the calling scope, paths in modules."""

from __future__ import annotations

import gc
import io
import weakref
from types import SimpleNamespace
from typing import Any

import nn
import viz
from autograd import Value
from autograd.names import name_of, names_in
from viz.options import PictureOptions, complete

in_globals = Value(1.0)


def names(*values: Value, scope: dict[str, object]) -> list[str]:
    found = names_in(scope)
    return [name_of(value, found) for value in values]


def test_variables_of_the_calling_scope_name_values():
    x1, w1 = Value(2.0), Value(3.0)
    n = x1 * w1
    pair = [Value(4.0), Value(5.0)]
    loss = n + pair[1] + in_globals
    out = io.StringIO()
    viz.print_graph(loss, out)
    assert [line.split()[1] for line in out.getvalue().splitlines()[1:]] == [
        *("in_globals", "x1", "w1", "n", "pair[1]", "%3", "loss")
    ]
    assert ">x1<" in viz.to_svg(loss)
    assert ">x1<" not in viz.to_svg(loss, names=False)
    assert ">mine<" in viz.to_svg(loss, names={"mine": x1})


def test_a_label_comes_before_a_variable_and_a_variable_before_a_list():
    x = Value(1.0, "label")
    y = Value(2.0)
    assert names(x, y, scope={"things": [y, x], "a": x, "b": y}) == ["label", "b"]


def test_the_first_name_wins_and_underscores_are_skipped():
    x, hidden = Value(1.0), Value(2.0)
    assert names(x, hidden, scope={"_x": x, "b": x, "a": x, "_h": hidden, "_l": [hidden]}) == ["b", ""]


def test_lists_tuples_and_dicts_are_searched_exactly_and_no_longer_than_a_thousand():
    one, two, three, four = (Value(float(i)) for i in range(4))
    scope: dict[str, object] = {
        "state": {"wte": [[one]], 3: (two,)},
        "long": [three] * 1_001,
        "sub": type("L", (list,), {})([four]),
    }
    assert names(one, two, three, four, scope=scope) == ["state['wte'][0][0]", "state[3][0]", "", ""]


def test_a_list_that_holds_itself_ends():
    knot: list[object] = [Value(1.0)]
    knot.append(knot)
    assert list(names_in({"knot": knot}).values()) == ["knot[0]"]


def test_nothing_of_the_user_s_is_called():
    def called(*args: object) -> Any:
        raise AssertionError("called")

    class Meta(type):
        __eq__ = __hash__ = called  # type: ignore[assignment]

    Hostile = Meta(
        "Hostile",
        (),
        dict.fromkeys(("__eq__", "__len__", "__iter__", "__getattr__", "__bool__", "__repr__", "__class__"), called),
    )
    Hostile.__class__ = Meta
    x = Value(1.0)
    assert names(x, scope={"h": Hostile.__new__(Hostile), "d": {"k": Hostile.__new__(Hostile)}, "x": x}) == ["x"]


def test_a_parameter_keeps_its_path():
    model = nn.MLP(2, [2, 1], seed=1)
    w = model.layers[0].neurons[1].w[0]
    y = model([1.0, 2.0])
    y.label = "y"
    out = io.StringIO()
    viz.print_graph(y, out)
    assert "layers.0.neurons.1.w0" in out.getvalue()
    assert name_of(w, {id(w): "w"}) == "layers.0.neurons.1.w0"


def test_no_frame_is_kept_alive():
    class Local:
        pass

    def draw() -> tuple[object, weakref.ref[Local]]:
        local = Local()
        x = Value(1.0)
        return viz.draw_dot(x * 2), weakref.ref(local)

    gc.disable()
    try:
        picture, local = draw()
        assert local() is None
    finally:
        gc.enable()
    assert ">x<" in picture._repr_svg_()  # type: ignore[attr-defined]


def test_pictures_are_the_same_for_one_call_in_one_scope():
    x = Value(2.0)
    y = x * 3
    assert len({viz.to_svg(y) + viz.to_dot(y) for _ in range(3)}) == 1
    assert complete(PictureOptions, {"names": vars(SimpleNamespace(x=x))})["names"] == {id(x): "x"}


def test_a_large_container_is_searched_to_a_bound(monkeypatch):
    monkeypatch.setattr("autograd.names._IN_ALL", 3)
    held = [Value(1.0) for _ in range(5)]
    assert list(names_in({"held": held, "more": [Value(2.0)]}).values()) == ["held[0]", "held[1]", "held[2]"]


def test_containers_are_searched_three_deep():
    deep, deeper = Value(1.0), Value(2.0)
    assert list(names_in({"a": [[[deep, [deeper]]]]}).values()) == ["a[0][0][0]"]
