"""Films: a step as a picture, a backward pass that plays, a training epoch by epoch."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from graphs import neuron
from pages import ARGUMENTS, chromium
from test_viz_escaping import NASTY

import autograd as ag
import nn
import viz
from autograd import Value, steps
from autograd.backward_pass import BackwardPass
from autograd.formatting import clean_text, number
from autograd.steps import Step
from viz.model import LABEL_LENGTH
from viz.network import network_of
from viz.scene import scene_of
from viz.scene_svg import _stage

SVG = "{http://www.w3.org/2000/svg}"


def shared() -> Value:
    a = Value(2.0, "a")
    b = (a * a + a).exp()
    return b * b - a * 3


def mixed() -> Value:
    xs = [Value(0.3 * i - 1, f"x{i}") for i in range(5)]
    return ag.dot(xs, [0.5, xs[0], 2.0, xs[4], -1.0]) + ag.maximum(xs[0], xs[1]) / xs[3].exp() - xs[2].relu()


def filmed(root: Value, tmp_path: Any, **options: Any) -> str:
    return viz.film(root, tmp_path / "film.svg", **options).read_text(encoding="utf-8")


def lives(svg: str) -> list[tuple[int, float, ElementTree.Element]]:
    """Each part of a film with the frames that it is seen in: from the first up to, not including, the second."""
    found = []
    for part in ElementTree.fromstring(svg):
        name = part.get("class", "")
        match = re.fullmatch(r"g[0-9a-f]{10}-[vw](\d+)-(\d*)", name)
        if match:
            found.append((int(match[1]), float(match[2] or math.inf), part))
        elif part.tag not in (SVG + "style", SVG + "title"):
            found.append((0, math.inf, part))
    return found


def texts(part: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in part.iter(SVG + "text")]


def seen(svg: str, frame: int) -> Counter[str]:
    """The texts that a frame of a film shows."""
    return Counter(t for start, stop, part in lives(svg) if start <= frame < stop for t in texts(part))


# -- a film shows the pass -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [neuron, shared, mixed])
def test_every_frame_shows_the_numbers_of_its_step(make, tmp_path):
    root = make()
    svg = filmed(root, tmp_path)
    known: dict[int, float] = {len(ag.topological_order(root)) - 1: 1.0}
    plain = {text: count for text, count in seen(svg, 0).items() if text not in ("–",)}
    for step in steps(root):
        shown = seen(svg, step.index)
        assert shown[step.title] == 1
        expected = Counter()
        for operand in step.operands:
            expected[f"{number(step.upstream, sign=True)} × {number(operand.local_grad)}"] += 1
            expected[f"= {number(operand.contribution, sign=True)}"] += 1
            known[operand.number] = operand.after
        assert {t: n for t, n in shown.items() if re.match(r"= |\S+ × \S+$", t)} == expected
        expected.update(number(gradient, sign=True) for gradient in known.values())
        expected["–"] = len(ag.topological_order(root)) - len(known)
        for text, count in expected.items():
            assert shown[text] == count + (plain.get(text, 0) - (text == "+1")), text
    last = len(steps(root)) + 1
    assert not any(" × " in text for text in seen(svg, last))
    assert not any(node.reached for node in ag.topological_order(root))


@pytest.mark.parametrize("make", [neuron, shared, mixed])
def test_without_animation_it_is_the_last_frame(make, tmp_path):
    root = make()
    svg = filmed(root, tmp_path)
    still = Counter(t for _, _, part in lives(svg) if part.get("opacity") != "0" for t in texts(part))
    assert still == seen(svg, len(steps(root)) + 1)
    assert "backward done" in " ".join(still)
    # whatever moves does so only where the reader has not asked for less
    style = ElementTree.fromstring(svg).find(SVG + "style").text
    assert style.count("@media(prefers-reduced-motion:no-preference){") == 1
    assert "animation" not in style.split("@media")[0]
    assert "stroke-dasharray" not in svg.replace(style, "")


def test_it_is_one_plain_file(tmp_path):
    for root in (neuron(), shared(), Value(3.0, "leaf")):
        for theme in ("light", "dark"):
            svg = filmed(root, tmp_path, theme=theme)
            tree = ElementTree.fromstring(svg)
            tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
            assert tags <= {"svg", "g", "rect", "path", "polygon", "text", "tspan", "title", "style"}
            assert not any(re.match(r"on|href|src|style", name) for e in tree.iter() for name in e.attrib)
            assert re.findall(r"https?:|url\(|@import|//", svg.replace("http://www.w3.org/2000/svg", "")) == []
    assert len(filmed(neuron(), tmp_path)) < 40_000


def test_the_same_pass_gives_the_same_bytes_in_every_process(tmp_path):
    program = (
        "import sys, viz\nfrom autograd import Value\na = Value(2.0, 'a')\n"
        "viz.film((a * a + a).exp() / a, sys.argv[1])\n"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / f"{seed}.svg")],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


def test_two_films_of_one_page_do_not_share_names(tmp_path):
    names = [set(re.findall(r"@keyframes (\S+?)\{", filmed(make(), tmp_path))) for make in (neuron, shared)]
    assert names[0]
    assert not names[0] & names[1]


@pytest.mark.parametrize("label", [*NASTY, "g~v1", "\0v1-"])
def test_a_label_is_text_and_nothing_else(label, tmp_path):
    x = Value(2.0, label)
    y = (x * 3).exp()
    y.label = label
    svg = filmed(y, tmp_path)
    count = len(list(ElementTree.fromstring(filmed((Value(2.0) * 3).exp(), tmp_path)).iter()))
    found = [text for _, _, part in lives(svg) for text in texts(part)]
    cleaned = clean_text(label, LABEL_LENGTH)
    assert any((cleaned if cleaned.strip() else "%0") in text for text in found)
    extra = len(list(ElementTree.fromstring(svg).iter())) - count
    assert extra in (0, 1)  # the label of y beside its sign
    viz.draw(steps(y)[0], tmp_path / "step.svg")
    ElementTree.parse(tmp_path / "step.svg")


def test_a_leaf_has_no_step(tmp_path):
    svg = filmed(Value(3.0, "x"), tmp_path)
    assert "backward done   0 steps" in svg
    assert seen(svg, 1)["+1"] == 1


def test_numbers_that_are_not_finite(tmp_path):
    x = Value(0.0, "x")
    svg = filmed(x.log() * Value(math.nan, "n"), tmp_path)
    assert any("nan" in text for text in seen(svg, 3))


# -- large graphs ------------------------------------------------------------------------------------------------------
def test_above_the_limit_modules_take_turns(tmp_path):
    model = nn.MLP(2, [8, 8, 1], seed=0)
    loss = ag.sum([(model([0.1 * i, 1.0]) - 1.0) ** 2 for i in range(20)])
    svg = filmed(loss, tmp_path, limit=10)
    assert "neurons.3" in filmed(loss, tmp_path)
    shown = " ".join(" ".join(texts(part)) for _, _, part in lives(svg))
    for layer in ("layers.0", "layers.1", "layers.2"):
        assert layer in shown
    loss.backward()
    parameters = list(model.layers[0].parameters())
    norm = math.hypot(*(p.grad for p in parameters))
    assert seen(svg, 10**6)[number(norm)] >= 1
    assert len(svg) < 60_000


@pytest.mark.parametrize("length", [3_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_chain_without_modules_is_grouped(length, tmp_path):
    x = Value(1.0, "x")
    y = x
    for _ in range(length):
        y = y + 1.0
    svg = filmed(y, tmp_path)
    assert f"{length + 1:,} values in" in svg
    assert f"backward done   {length:,} steps" in svg
    assert len(svg) < 120_000


def test_one_node_of_many_operands_is_grouped(tmp_path):
    svg = filmed(ag.sum([Value(float(i)) for i in range(5_000)]), tmp_path)
    assert "5,001 values in" in svg


def test_too_many_modules_are_refused_with_the_number_it_takes(tmp_path):
    leaves = [Value(1.0) for _ in range(100)]
    for i, leaf in enumerate(leaves):
        leaf.module = f"parts.{i}"
    total = ag.sum(leaves)
    with pytest.raises(ValueError, match=r"in 101 cards even when grouped.*limit=101"):
        viz.film(total, tmp_path / "film.svg")
    assert not list(tmp_path.iterdir())
    assert viz.film(total, tmp_path / "film.svg", limit=101)


def test_groups_that_depend_on_each_other_are_drawn(tmp_path):
    x = Value(1.0, "x")
    for i in range(120):
        x = x * 2.0
        x.module = f"cell.{i % 2}"
    svg = filmed(x, tmp_path)
    assert {"cell.0", "cell.1"} <= set(seen(svg, 0))


@pytest.mark.parametrize(
    ("given", "options", "error", "said"),
    [
        ([Value(1.0)], {}, TypeError, "one Value, not from list"),
        (3.0, {}, TypeError, "one Value, not from float"),
        (Value(1.0), {"seconds": 0.0}, ValueError, "from 0.1 to 60"),
        (Value(1.0), {"seconds": math.nan}, ValueError, "from 0.1 to 60"),
        (Value(1.0), {"seconds": "1"}, TypeError, "takes a number"),
        (Value(1.0), {"limit": 0}, ValueError, "limit=0"),
        (Value(1.0), {"limit": True}, TypeError, "number of cards"),
        (Value(1.0), {"theme": "Dark"}, ValueError, "unknown theme"),
        (Value(1.0), {"colour": 1}, TypeError, "colour"),
        (Value(1.0), {"parameters": [1.0]}, TypeError, "takes Values"),
    ],
)
def test_bad_arguments_are_refused(given, options, error, said, tmp_path):
    with pytest.raises(error, match=said):
        viz.film(given, tmp_path / "film.svg", **options)
    assert not list(tmp_path.iterdir())


def test_a_film_is_an_svg(tmp_path):
    with pytest.raises(ValueError, match=r"animated \.svg"):
        viz.film(neuron(), tmp_path / "film.gif")
    with pytest.raises(FileNotFoundError):
        viz.film(neuron(), tmp_path / "nowhere" / "film.svg")


# -- one step ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [neuron, shared, mixed])
def test_a_step_is_the_frame_of_the_film(make, tmp_path):
    root = make()
    svg = filmed(root, tmp_path)
    for step in steps(root):
        drawn = viz.draw(step, tmp_path / "step.svg").read_text(encoding="utf-8")
        assert Counter(texts(ElementTree.fromstring(drawn))) == seen(svg, step.index)
        assert "<style" not in drawn


def test_the_active_node_and_its_operands_have_borders_of_their_own(tmp_path):
    drawn = viz.draw(steps(neuron())[3], tmp_path / "step.svg").read_text(encoding="utf-8")
    violet = re.findall(r'fill="none" stroke="#7A3E9D" stroke-width="(\d)"', drawn)
    assert Counter(violet) == {"3": 1, "2": 2}
    assert drawn.count(">–</text>") == 2  # x1 and w1
    assert "backward 4/5   × %6   upstream +0.6347" in drawn


def test_a_step_of_a_slice_and_of_another_upstream_gradient(tmp_path):
    part = steps(neuron(), 2.0)[2:]
    drawn = viz.draw(part[1], tmp_path / "step.svg", theme="dark").read_text(encoding="utf-8")
    assert "backward 4/5" in drawn
    assert "+1.269 × 1" in drawn


def test_values_have_the_names_of_variables(tmp_path):
    price = Value(2.0)
    cost = price * 3
    assert ">price</tspan>" in viz.film(cost, tmp_path / "film.svg").read_text(encoding="utf-8")
    assert ">price</tspan>" in viz.draw(steps(cost)[0], tmp_path / "step.svg").read_text(encoding="utf-8")
    assert ">price</tspan>" not in viz.film(cost, tmp_path / "film.svg", names=False).read_text(encoding="utf-8")


def test_parameters_of_a_network_have_names_that_differ_and_fit(tmp_path):
    root = nn.MLP(2, [3, 1], seed=1)([1.0, 2.0])
    for path in (viz.film(root, tmp_path / "film.svg"), viz.draw(steps(root)[4], tmp_path / "step.svg")):
        svg = path.read_text(encoding="utf-8")
        for name in ("neurons.1.w0", "layers.0.neurons.0.w0", "layers.1.neurons.0.w2"):
            assert f">{name}</tspan>" in svg
        assert ">w0</tspan>" not in svg
    scene = scene_of(BackwardPass(root))
    stage = _stage(scene)
    for card, body, left, (_, right) in zip(scene.cards, stage.boxes, stage.lefts, stage.placement.spans, strict=True):
        assert right - left > body.width - 0.1, card.title


def test_steps_that_cannot_be_drawn(tmp_path):
    step = steps(neuron())[0]
    with pytest.raises(ValueError, match="focus= is not an option of a step"):
        viz.draw(step, tmp_path / "step.svg", focus=step.node)
    with pytest.raises(ValueError, match=r"a step is drawn as \.svg"):
        viz.draw(step, tmp_path / "step.png")
    bare = Step(step.index, step.total, step.node, step.number, step.upstream, step.operands)
    with pytest.raises(ValueError, match="does not know its pass"):
        viz.draw(bare, tmp_path / "step.svg")
    long = Value(1.0)
    for _ in range(200):
        long = long + 1.0
    with pytest.raises(ValueError, match=r"too many to show a step in.*limit=201"):
        viz.draw(steps(long)[0], tmp_path / "step.svg")
    assert viz.draw(steps(long)[0], tmp_path / "step.svg", limit=201)


# -- what a model is made of -------------------------------------------------------------------------------------------
def test_the_network_of_an_mlp():
    model = nn.MLP(3, [4, 2], seed=0)
    inputs = [Value(1.0), Value(2.0), Value(3.0)]
    parameters = list(model.parameters())
    network = network_of(model(inputs), inputs, parameters)
    assert Counter(network.layers) == {0: 3, 1: 4, 2: 2}
    assert len(network.links) == 3 * 4 + 4 * 2
    used = sorted(weight for *_, weight in network.links) + sorted(b for b in network.biases if b >= 0)
    assert sorted(used) == list(range(len(parameters)))
    assert all(network.layers[a] == network.layers[b] - 1 for a, b, _ in network.links)
    for unit, neuron_ in zip(range(3, 7), model.layers[0].neurons, strict=True):
        own = [parameters[weight] for _, to, weight in network.links if to == unit]
        assert list(map(id, own)) == list(map(id, neuron_.w))


def test_the_network_of_plain_formulas():
    x, y, w, v, b = (Value(float(i + 1)) for i in range(5))
    hidden = (x * w + v * y + b).relu()
    skipped = hidden * v + x  # a residual: a link without a weight
    product = skipped * hidden  # two units combined in another way
    network = network_of([product], [x, y], [w, v, b])
    assert network.layers == [0, 0, 1, 2, 3]
    assert network.links == [(0, 2, 0), (1, 2, 1), (2, 3, 1), (0, 3, -1), (3, 4, -1), (2, 4, -1)]
    assert network.biases == [-1, -1, 2, -1, -1]


# -- a training --------------------------------------------------------------------------------------------------------
def trained(epochs: int = 3, **options: Any) -> tuple[viz.TrainingFilm, nn.MLP, list[list[float]], Any]:
    X, y = nn.moons(30, noise=0.1, seed=0)
    model = nn.MLP(2, [4, 3, 1], seed=1)
    film = viz.TrainingFilm(model, X, y, **options)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    history = nn.History()
    weights = [[p.data for p in model.parameters()]]
    for epoch in range(1, epochs + 1):
        one = nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=1, progress=False, seed=epoch)
        history.loss += one.loss
        history.accuracy += one.accuracy
        film(epoch, history)
        weights.append([p.data for p in model.parameters()])
    return film, model, weights, history


def content(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


def saved(film: viz.TrainingFilm, tmp_path: Any) -> str:
    return film.save(tmp_path / "training.html").read_text(encoding="utf-8")


def test_the_page_holds_every_epoch(tmp_path):
    film, model, weights, history = trained()
    found = content(saved(film, tmp_path))
    assert [frame["epoch"] for frame in found["frames"]] == [0, 1, 2, 3]
    for frame, own in zip(found["frames"], weights, strict=True):
        assert frame["weights"] == [float(f"{x:.4g}") for x in own]
    assert found["frames"][0]["gradients"] is None
    assert found["frames"][3]["gradients"] == [float(f"{p.grad:.4g}") for p in model.parameters()]
    assert [frame.get("loss") for frame in found["frames"][1:]] == [float(f"{x:.4g}") for x in history.loss]
    assert [frame.get("accuracy") for frame in found["frames"][1:]] == [float(f"{x:.4g}") for x in history.accuracy]
    assert len(found["names"]) == len(set(found["names"])) == len(weights[0])


def test_the_plane_shows_what_the_model_says(tmp_path):
    film, model, _, _ = trained()
    found = content(saved(film, tmp_path))
    cells = base64.b64decode(found["frames"][-1]["plane"])
    assert len(cells) == found["plane"]["side"] ** 2
    scores = [model(cell).data for cell in film._cells]
    assert all((score > 0) == (shade > 20) for score, shade in zip(scores, cells, strict=True) if shade != 20)
    assert len(set(cells)) > 5


def test_classes_win_cells(tmp_path):
    X, y = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0, 1, 2]
    model = nn.MLP(2, [5, 3], seed=3)
    film = viz.TrainingFilm(model, X, y)
    cells = base64.b64decode(content(saved(film, tmp_path))["frames"][0]["plane"])
    for cell, winner in zip(film._cells[::50], cells[::50], strict=True):
        scores = [score.data for score in model(cell)]
        assert winner == scores.index(max(scores))


def test_the_page_needs_nothing_else_and_runs_nothing_else(tmp_path):
    page = saved(trained()[0], tmp_path)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for text in (script, style):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"https?:|innerHTML| style=\"| on\w+=", page)
    assert page == saved(trained()[0], tmp_path)
    assert len(page) < 40_000


@pytest.mark.parametrize("name", NASTY)
def test_names_on_the_page_are_text(name, tmp_path):
    w = Value(1.0, name)
    model = type("Model", (), {"parameters": lambda self: [w], "__call__": lambda self, row: w * row[0]})()
    w.module = name or None
    page = saved(viz.TrainingFilm(model, [[1.0]], [1.0]), tmp_path)
    assert content(page)["names"] == [clean_text(name or "%0", 60)]
    assert page.count("<script") == 2


def test_numbers_that_are_not_finite_are_said(tmp_path):
    w = Value(math.inf, "w")
    model = type("Model", (), {"parameters": lambda self: [w], "__call__": lambda self, row: w * row[0]})()
    film = viz.TrainingFilm(model, [[1.0, 2.0], [0.0, 1.0]], [0, 1])
    w.data = math.nan
    film(1, SimpleNamespace(loss=[math.nan], accuracy=[]))
    found = content(saved(film, tmp_path))
    assert [frame["weights"] for frame in found["frames"]] == [[None], [None]]
    assert found["frames"][1]["loss"] is None
    assert found["frames"][1]["y"] is None


def test_many_epochs_are_thinned_out_and_the_last_one_stays(tmp_path):
    w = Value(0.0, "w")
    model = type("Model", (), {"parameters": lambda self: [w], "__call__": lambda self, row: w * row[0]})()
    film = viz.TrainingFilm(model, [[1.0]], [1.0])
    losses: list[float] = []
    for epoch in range(1, 1004):
        w.data = float(epoch)
        losses.append(1.0 / epoch)
        film(epoch, SimpleNamespace(loss=losses, accuracy=None))
    epochs = [frame["epoch"] for frame in content(saved(film, tmp_path))["frames"]]
    assert epochs[0] == 0
    assert epochs[-1] == 1003
    assert 100 <= len(epochs) <= 242
    assert len({b - a for a, b in pairwise(epochs[:-1])}) == 1
    assert film._frames[-1].weights[0] == 1003.0


def test_a_large_network_has_a_bar_per_layer(tmp_path):
    model = nn.MLP(40, [40, 2], seed=0)
    rows = [[random.Random(i).random() for _ in range(40)] for i in range(3)]
    page = saved(viz.TrainingFilm(model, rows, [0, 1, 0]), tmp_path)
    assert "data-parameter=" not in page.split("<script")[0]
    assert page.count("data-layer=") >= 2
    found = content(page)
    first = list(model.layers[0].parameters())
    size = math.sqrt(math.fsum(p.data**2 for p in first) / len(first))
    assert found["frames"][0]["sizes"]["weights"][0] == pytest.approx(size, rel=1e-3)


def test_a_model_that_changes_its_shape_is_an_error():
    film, model, _, history = trained(1)
    model.layers[-1] = nn.Layer(3, 2, seed=0)
    with pytest.raises(ValueError, match=r"had 31 parameters when the film began and has 35 after epoch 2"):
        film(2, history)
    ways = [lambda row: w * row[0] + v, lambda row: w * row[0] * v]
    w, v = Value(1.0), Value(2.0)
    model = type("Model", (), {"parameters": lambda self: [w, v], "__call__": lambda self, row: ways[0](row)})()
    film = viz.TrainingFilm(model, [[1.0]], [1.0])
    film(1, history)
    ways.reverse()
    with pytest.raises(ValueError, match="in another way after epoch 2"):
        film(2, history)


def test_fit_calls_it_and_trains_the_same():
    X, y = nn.moons(20, noise=0.1, seed=0)
    ended = []
    for films in (True, False):
        model = nn.MLP(2, [4, 1], seed=1)
        film = viz.TrainingFilm(model, X, y) if films else None
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=3, seed=0, progress=False, callback=film)
        ended.append([p.data for p in model.parameters()])
        if film is not None:
            assert [frame.epoch for frame in film._frames] == [0, 1, 2, 3]
            assert list(film._frames[-1].weights) == ended[0]
    assert ended[0] == ended[1]


def test_a_film_leaves_the_training_as_it_was():
    model = nn.MLP(2, [3, 1], seed=0)
    for parameter in model.parameters():
        parameter.grad = 0.25
    state = random.getstate()
    film = viz.TrainingFilm(model, [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    film(1, SimpleNamespace(loss=[1.0], accuracy=[0.5]))
    assert [p.grad for p in model.parameters()] == [0.25] * 13
    assert random.getstate() == state


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((3.0, [[1.0]], [1.0]), TypeError, "a model with parameters"),
        ((lambda row: row, [[1.0]], [1.0]), TypeError, "a model with parameters"),
        ((nn.MLP(1, [1], seed=0), [[1.0]], [1.0, 2.0]), ValueError, "1 rows and y has 2"),
        ((nn.MLP(1, [1], seed=0), [], []), ValueError, "X is empty"),
        ((nn.MLP(1, [1], seed=0), [1.0], [1.0]), TypeError, "rows of numbers"),
    ],
)
def test_a_training_film_of_the_wrong_things(arguments, error, said):
    with pytest.raises(error, match=said):
        viz.TrainingFilm(*arguments)


def test_only_two_formats_are_written(tmp_path):
    with pytest.raises(ValueError, match=r"saved as \.html or \.gif"):
        trained(1)[0].save(tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [2, 3])
def test_a_gif_has_a_picture_per_epoch(width, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    model = nn.MLP(width, [3, 1], seed=0)
    film = viz.TrainingFilm(model, [[0.0] * width, [1.0] * width], [0, 1])
    for epoch in (1, 2):
        for parameter in model.parameters():
            parameter.data += 0.3
        film(epoch, SimpleNamespace(loss=[1.0, 0.5][:epoch], accuracy=[0.5] * epoch))
    with image.open(film.save(tmp_path / "film.gif")) as gif:
        assert gif.n_frames == 3
        assert gif.info["loop"] == 0


def test_a_gif_without_pillow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"glassgrad\[plots\]"):
        trained(1)[0].save(tmp_path / "film.gif")


# -- in a browser ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    if chromium() is None:
        pytest.skip("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield opened
        opened.close()


SHOWN = """() => [...document.querySelectorAll("text")].filter((text) => {
  for (let part = text; part; part = part.parentElement) if (getComputedStyle(part).opacity < 0.5) return false;
  return true;
}).map((text) => text.textContent)"""


@pytest.mark.slow
def test_a_browser_plays_the_frames(browser, tmp_path):
    root = neuron()
    path = viz.film(root, tmp_path / "film.svg", seconds=1.0)
    svg = path.read_text(encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    tab.wait_for_function("document.getAnimations().length > 10")
    for frame in range(7):
        tab.evaluate(
            "(ms) => document.getAnimations().forEach((a) => { a.pause(); a.currentTime = ms; })", 1000 * frame + 900
        )
        assert Counter(tab.evaluate(SHOWN)) == seen(svg, frame)
    tab.close()
    calm = browser.new_page(reduced_motion="reduce")
    calm.goto(path.as_uri())
    assert calm.evaluate("document.getAnimations().length") == 0
    assert Counter(calm.evaluate(SHOWN)) == seen(svg, 6)
    calm.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [375, 1200])
def test_a_browser_moves_through_the_epochs(width, browser, tmp_path):
    film, _, _, history = trained()
    path = film.save(tmp_path / "training.html")
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    troubles: list[str] = []
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("request", lambda request: troubles.append(request.url) if request.url != path.as_uri() else None)
    tab.goto(path.as_uri())
    assert tab.inner_text("#now").startswith("epoch 3 of 3")
    tab.focus("#epoch")
    tab.keyboard.press("ArrowLeft")
    assert f"epoch 2 of 3 · loss {number(history.loss[1])}" in tab.inner_text("#now")
    before = tab.evaluate("document.querySelector('line[data-parameter]').textContent")
    tab.check("input[value=gradients]")
    assert tab.evaluate("document.querySelector('line[data-parameter]').textContent") != before
    tab.keyboard.press("Tab")
    tab.click("#play")
    tab.locator("#now", has_text="epoch 3 of 3").wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert troubles == []
    context.close()
