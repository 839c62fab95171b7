"""The names of values: labels, variables of the calling scope, paths in modules."""

from __future__ import annotations

import gc
import io
import re
import sys
import types
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

import autograd as ag
import nn
import viz
from autograd import Value, steps
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


def test_containers_are_searched_six_deep():
    deep, deeper = Value(1.0), Value(2.0)
    assert list(names_in({"a": [[[[[[deep, [deeper]]]]]]]}).values()) == ["a[0][0][0][0][0][0]"]


class Neuron:
    """A neuron as a lecture writes it."""

    def __init__(self, size: int) -> None:
        self.w = [Value(float(i)) for i in range(size)]
        self.b = Value(0.5)
        self._spare = Value(3.0)

    def __call__(self, xs: list[float]) -> Value:
        return ag.sum([w * x for w, x in zip(self.w, xs, strict=True)]) + self.b

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]


class Layer:
    def __init__(self, size: int, count: int) -> None:
        self.neurons = [Neuron(size) for _ in range(count)]
        self.owner = self


def test_attributes_of_the_user_s_objects_are_searched():
    layer = Layer(1, 2)
    inner, spare = layer.neurons[1], layer.neurons[0]._spare
    net = types.SimpleNamespace(layer=Layer(1, 1))
    assert names(inner.w[0], inner.b, spare, net.layer.neurons[0].b, scope={"net": net, "layer": layer}) == [
        *("layer.neurons[1].w[0]", "layer.neurons[1].b", "", "")  # an object of an installed class is not searched
    ]


def test_no_attribute_is_asked_for():
    class Asked:
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    class Own:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise AssertionError("__dict__")

    class Slots:
        __slots__ = ("w",)

    asked, x = object.__new__(Asked), Value(1.0)
    object.__setattr__(asked, "w", x)
    slots = Slots()
    slots.w = Value(2.0)  # type: ignore[attr-defined]
    scope: dict[str, object] = {"own": Own(), "slots": slots, "asked": asked, "kind": Asked, "module": ag}
    assert list(names_in(scope).values()) == ["asked.w"]


def test_a_loop_variable_does_not_stay_behind():
    n = Neuron(2)
    for p in n.parameters():
        p.data *= 1.0
    xs = [Value(1.0), Value(2.0)]
    for x in xs:
        assert x.data
    scope: dict[str, object] = {"n": n, "p": n.b, "xs": xs, "x": x}
    assert names(*n.parameters(), *xs, scope=scope) == ["n.w[0]", "n.w[1]", "n.b", "xs[0]", "xs[1]"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["a", "b", "both"], ["a", "b"]),  # variables were there first
        (["both", "a", "b"], ["a", "b"]),  # each has a variable: a, b = both
        (["both", "a"], ["both[0]", "both[1]"]),
        (["a", "both"], ["a", "both[1]"]),
    ],
)
def test_a_leaf_goes_by_the_list_it_was_taken_from_unless_all_of_it_was(order: list[str], expected: list[str]):
    a, b = Value(1.0), Value(2.0)
    held: dict[str, object] = {"a": a, "b": b, "both": [a, b]}
    assert names(a, b, scope={name: held[name] for name in order}) == expected


def test_a_result_keeps_its_variable():
    a = Value(1.0)
    losses = [a * 2, a * 3]
    assert names(*losses, scope={"losses": losses, "loss": losses[1]}) == ["losses[0]", "loss"]


def test_a_variable_of_an_inner_scope_hides_the_outer_one():
    inner, outer = Value(1.0), Value(2.0)
    assert list(names_in({"x": inner}, {"x": outer, "held": [outer]}).values()) == ["x", "held[0]"]


def test_a_comprehension_sees_the_scope_around_it():
    x, w = Value(2.0), Value(3.0)
    (text,) = [str(ag.why(root, w)) for root in (x * w,)]
    assert text.startswith("the gradient of root %2 by w %1 is +2")


def test_the_account_of_a_pass_uses_the_names_of_pictures():
    x, w, b = Value(2.0), Value(-3.0), Value(1.0)
    h = x * w
    y = h + b
    y.backward()
    places = ["x %0", "w %1", "b %2", "h %3", "y %4"]
    texts = {
        "why": str(ag.why(y, w)) + str(ag.why(y)),
        "steps": repr(ag.steps(y)) + "".join(map(str, ag.steps(y))),
        "to": repr(ag.steps(y).to(h)) + "x %0 w %1 b %2",
        "forward": "".join(map(str, ag.steps(y, direction="forward"))),
        "paths": repr(ag.gradient_paths(y, x)) + str(ag.gradient_paths(y, w)[0]) + "b %2",
    }
    for which, text in texts.items():
        missing = [place for place in places if place not in text]
        assert not missing, (which, text)
    w.data = 5.0
    assert str(ag.compare(y, x * w + b)).splitlines()[3].startswith("  w %1  -3 → 5")
    assert "w %1 is 5, was -3" in str(ag.steps(y)[1])


def test_names_are_those_of_the_scope_that_asked():
    def elsewhere(w: Value) -> object:
        return ag.steps(w.exp() * 2)

    inside = Value(1.0)
    kept = elsewhere(inside)
    assert "exp %1" in repr(kept)
    assert "w %0" in str(kept[1])  # type: ignore[index]


def test_an_anomaly_is_told_by_the_names_of_its_scope():
    w = Value(0.0)
    with ag.detect_anomaly():
        with pytest.raises(ag.AnomalyError, match=r"operand  w = 0\.0"):
            w.log()
        with pytest.raises(ag.AnomalyError, match=r"= inf for operand w\n"):
            w.sqrt().backward()


def test_debug_knows_variables_and_keeps_them_in_copies(monkeypatch, capsys, tmp_path):
    x, w, b = Value(2.0), Value(-3.0), Value(1.0)
    y = x * w + b
    commands = ["w x", "u w", "set w 5", "w w", "t", f"d {tmp_path / 'step.svg'}", f"d {tmp_path / 'graph.dot'}", "u v"]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{command}\n" for command in commands)))
    ag.debug(y)
    out = capsys.readouterr().out
    assert "the gradient of y %4 by x %0 is -3, over 1 path" in out
    assert "now w %1 has its gradient, +2" in out
    assert "computed anew with w %1 = 5: + y %4 = 11" in out
    assert "the gradient of y %4 by w %1 is +2, over 1 path" in out
    assert "there is no node 'v': named are x %0, w %1, b %2, y %4; the others" in out
    for file in ("step.svg", "graph.dot"):
        text = (tmp_path / file).read_text()
        assert all(re.search(rf"\W{name}<", text) for name in "xwby"), file


def test_paths_of_a_network_without_modules_are_shown_whole():
    layers = [Layer(1, 2)]
    w = layers[0].neurons[1].w[0]  # was there before: goes by its path
    y = w * 2
    out = io.StringIO()
    viz.print_graph(y, out)
    assert "layers[0].neurons[1].w[0]" in out.getvalue()
    assert ">layers[0].neurons[1].w[0]<" in viz.to_svg(y)
    assert "by layers[0].neurons[1].w[0] %0 is +2" in ag.why(y, w)
    far = {"a_long_name_of_a_part_of_it": layers}
    assert names(w, scope={"far": far}) == ["far['a_long_name_of_a_part_of_it'][0].neurons[1].w[0]"]
    assert "neurons[1].w[0]" in str(viz.to_svg(y, names={"far": far}))


def test_a_look_at_variables_keeps_nothing_alive_and_leaves_what_others_hold():
    def work(holds: bool) -> tuple[int, dict[str, object] | None]:
        leaf = Value(2.0)
        held = locals() if holds else None
        before = sys.getrefcount(leaf)
        assert "leaf" in repr(steps(leaf * leaf)[0])
        return sys.getrefcount(leaf) - before, held

    assert work(holds=False) == (0, None)
    _, held = work(holds=True)
    assert held is not None
    assert type(held["leaf"]) is Value  # what locals() gave is whole
