"""The page as a file: what stands in it, how large it is, and that no text of a user's is anything but text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from graphs import neuron
from test_viz_escaping import NASTY

import autograd as ag
import nn
import viz
from autograd import Value
from autograd.formatting import clean_text, number
from viz.graph import LABEL_LENGTH
from viz.options import PAGE_LIMIT, PageOptions, complete
from viz.page.data import STEP_LIMIT, page_of
from viz.theme import DARK, LIGHT, contrast


def network(*sizes: int) -> Value:
    loss = (nn.MLP(2, [*sizes, 1], seed=1)([Value(0.5, "x0"), Value(-1.2, "x1")]) - 1.0) ** 2
    loss.label = "loss"
    return loss


def three_hundred() -> Value:
    values = [Value(0.1 * i - 1.0, f"x{i}") for i in range(60)]
    while len(values) < 299:
        values.append(values[-60] * values[-1] if len(values) % 2 else ag.tanh(values[-7]))
    total = ag.sum(values)
    total.label = "total"
    return total


def content(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


class Reader(HTMLParser):
    """The elements of a page and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.inside.append("")

    def handle_data(self, data: str) -> None:
        if self.inside[-1:] not in (["script"], ["style"]):
            self.texts.append(data)


def test_a_page_holds_what_it_needs_and_no_address():
    page = viz.to_html(neuron())
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")
    elements = Reader(page).elements
    assert not [tag for tag, _ in elements if tag in ("link", "img", "iframe", "object", "a", "base")]
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on") or name == "style"]
    assert not [1 for _, attributes in elements if {"src", "href", "srcset", "action"} & attributes.keys()]


def test_the_policy_allows_this_script_and_this_style_alone():
    page = viz.to_html(neuron())
    policy = next(a["content"] for tag, a in Reader(page).elements if tag == "meta" and "http-equiv" in a)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(scripts) == len(styles) == 1

    def hashed(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert policy == (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {hashed(styles[0])}; "
        f"script-src {hashed(scripts[0])}"
    )
    for word in ("eval", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "Function"):
        assert not re.search(rf"\b{re.escape(word)}\b(?! \()", scripts[0]), word


def test_sizes():
    assert len(viz.to_html(neuron()).encode()) < 60_000
    large = three_hundred()
    assert len(ag.topological_order(large)) == 300
    assert len(viz.to_html(large).encode()) < 600_000


def test_the_same_graph_gives_the_same_page():
    assert viz.to_html(neuron()) == viz.to_html(neuron())


def test_one_slider_per_leaf_stands_in_the_markup():
    inputs = [attributes for tag, attributes in Reader(viz.to_html(neuron())).elements if tag == "input"]
    sliders = [one for one in inputs if str(one.get("id")).startswith("leaf")]
    assert [slider["type"] for slider in sliders] == ["range"] * 5
    for slider, value in zip(sliders, (2.0, -1.5, 0.5, 1.0, 3.2), strict=True):
        assert float(slider["value"] or "") == value
        assert float(slider["min"] or "") <= value <= float(slider["max"] or "")


def test_sliders_and_cards_of_a_network_have_names_that_differ():
    root = nn.MLP(2, [3, 1], seed=1)([1.0, 2.0])
    page = viz.to_html(root)
    labels = [a["title"] for tag, a in Reader(page).elements if tag == "label" and str(a.get("for")).startswith("leaf")]
    leaves = [value for value in ag.topological_order(root) if not value.op]
    assert labels == [leaf.name for leaf in leaves]
    shown = [page_of(root, complete(PageOptions, {})).content["name"][at] for at in range(len(leaves))]
    assert len(set(shown)) == len(leaves) and "neurons.1.w0" in shown and "layers.1.neurons.0.w2" in shown
    assert all(f">{name}</label>" in page for name in shown)


def test_a_page_has_the_names_of_variables():
    price, amount = Value(2.0), Value(3.0)
    cost = price * amount
    page = viz.to_html(cost)
    assert "<title>cost = price·amount" in page and ">price</label>" in page
    assert "price·amount" not in viz.to_html(cost, names=False)


@pytest.mark.parametrize("data", [0.0, -0.0, 1e-300, 5e-324, 1e300, 1.7e308, -1e308, math.nan, math.inf, -math.inf])
def test_a_slider_has_ends_whatever_the_leaf(data):
    sliders = [a for _, a in Reader(viz.to_html(Value(data, "x") * 2.0)).elements if a.get("id") == "leaf0"]
    low, at, high = (float(sliders[0][name] or "") for name in ("min", "value", "max"))
    assert low <= at <= high
    assert low < high
    assert all(map(math.isfinite, (low, at, high)))


def test_more_than_24_leaves_are_moved_by_click():
    page = viz.to_html(ag.sum([Value(float(i), f"x{i}") for i in range(25)]))
    assert not [1 for tag, a in Reader(page).elements if a.get("id", "").startswith("leaf")]
    assert "Click one of the 25 leaves" in page


@pytest.mark.parametrize("label", NASTY)
def test_a_label_is_text(label):
    x = Value(2.0, label)
    x.module = label
    y = x * x
    y.label = label
    page = viz.to_html(y, names=False)
    reader = Reader(page)
    plain = Reader(viz.to_html(Value(2.0, "x") * 1))
    assert {tag for tag, _ in reader.elements} == {tag for tag, _ in plain.elements}
    assert content(page)["name"][0].strip() in (clean_text(label, LABEL_LENGTH).strip(), "%0")
    assert page.count("<script") == page.count("</script>") == 2


def test_a_page_without_scripts_lists_the_graph():
    (listing,) = re.findall(r"<noscript>.*?<pre>(.*?)</pre>", viz.to_html(neuron()), re.DOTALL)
    assert html.unescape(listing).splitlines()[-1].split() == ["%9", "y", "tanh(%8)", "0.6044", "–", "∂", "0.6347"]


def test_the_title_is_the_formula_where_it_is_short():
    assert page_of(neuron()).title == "y = tanh(x1·w1 + x2·w2 + b)"
    a, b = Value(2.0, "a"), Value(3.0, "b")
    assert page_of((a - (b - 1)) * -a).title == "(a − (b − 1))·−a"
    assert page_of([a * b, a]).title == "%2, a"
    assert page_of(network(4, 4)).title == "loss"


def test_numbers_stand_as_recorded():
    x = Value(0.1, "x")
    y = x * 3.0 + math.inf
    held = content(viz.to_html(y))
    assert held["data"] == [0.1, 0.1 * 3.0, "inf"]
    assert held["operands"] == [[], [0, [3]], [1, ["inf"]]]
    assert held["grad"] == [None, None, None]


def test_what_was_assigned_since_is_marked():
    x = Value(2.0, "x")
    y = x * 3
    z = y + 1
    assert page_of(z).content["stale"] == []
    x.data = 100.0
    held = page_of(z).content
    assert held["data"] == [100, 6, 7]
    assert held["stale"] == [1]


def test_up_to_300_values_stand_in_full():
    page = page_of(three_hundred()).content
    assert len(page["views"]) == 1
    assert len(page["views"][0]["cards"]) == PAGE_LIMIT == 300


def test_modules_close_above_300_and_each_opens():
    loss = network(16, 16)
    page = page_of(loss).content
    titles = [title for title, _, _ in page["groups"]]
    assert titles.count("layers.0") == titles.count("layers.1") == 1
    assert titles.count("neurons.15") == 2
    first = page["views"][0]
    assert len(first["cards"]) < 150
    assert {page["groups"][-1 - card][0].split(".")[0] for card, *_ in first["cards"] if card < 0} == {"neurons"}
    for group, (title, _, _) in enumerate(page["groups"]):
        assert any(group in view["open"] for view in page["views"]), title
    shown = {card for view in page["views"] for card, *_ in view["cards"] if card >= 0}
    assert shown == set(range(len(page["op"])))


def test_cards_do_not_overlap_and_lines_end_on_cards():
    for root in (neuron(), network(4, 4), network(16, 16), three_hundred()):
        for view in page_of(root).content["views"]:
            cards = {card: box for card, *box in view["cards"]}
            boxes = sorted(cards.values())
            for i, (x, y, w, h, _) in enumerate(boxes):
                for x2, y2, _, h2, _ in boxes[i + 1 :]:
                    if x2 >= x + w:
                        break
                    assert y2 >= y + h or y >= y2 + h2
            assert {end for tail, head, *_ in view["edges"] for end in (tail, head)} <= cards.keys()


def test_a_module_that_is_called_twice_is_drawn():
    class Cell(nn.Module):
        def __init__(self, name: float) -> None:
            self.w = Value(name)

        def forward(self, x: Value) -> Value:
            return ag.tanh(self.w * x)

    class Two(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = Cell(0.5), Cell(0.25)

        def forward(self, x: Value) -> Value:
            for _ in range(70):
                x = self.b(self.a(x))
            return x

    page = page_of(Two()(Value(1.0, "x")), complete(PageOptions, {"limit": 100})).content
    assert [title for title, _, _ in page["groups"]][:2] == ["a", "b"]
    assert {(-1, -2), (-2, -1)} <= {(tail, head) for tail, head, *_ in page["views"][0]["edges"]}


@pytest.mark.parametrize("count", [1_000, STEP_LIMIT + 1, 40_000])
def test_a_chain_of_any_length_has_a_page(count):
    x = Value(1.0, "x")
    for _ in range(count):
        x = ag.sin(x)
    page = viz.to_html(x)
    held = content(page)
    assert len(page.encode()) < 2_000_000
    assert ("summary" in held) == (count > STEP_LIMIT)
    assert len(held["views"][0]["cards"]) <= 200


def test_two_to_the_power_of_40_paths():
    x = Value(1.0, "x")
    for _ in range(40):
        x = x + x
    assert len(viz.to_html(x).encode()) < 100_000


def test_draw_writes_the_page(tmp_path):
    y = neuron()
    assert viz.draw(y, tmp_path / "y.html").read_text(encoding="utf-8") == viz.to_html(y)
    assert viz.draw(y, tmp_path / "y.html", theme="dark").read_text(encoding="utf-8") == viz.to_html(y, theme="dark")


def test_a_page_of_the_ways_between_two_values():
    loss = network(3, 3)
    loss.backward()
    order = ag.topological_order(loss)
    weight = next(value for value in order if value.name == "layers.0.neurons.1.w0")
    page = page_of(loss, complete(PageOptions, {"between": (weight, loss)}))
    assert page.subtitle == f"{len(page.order)} values of {len(order)}, {len(page.order) - 1} operations"
    assert [at for at, *_ in page.leaves] == [0]
    places, held = {id(value): at for at, value in enumerate(page.order)}, page.content
    for value, operands, local in zip(page.order, held["operands"], held["local"], strict=True):
        own = [id(parent) in places for parent in value.parents]
        assert local == [one for one, shown in zip(value.local_grads, own, strict=True) if shown]
        for operand, shown in zip(value.operands, operands, strict=True):
            known = operand.data if isinstance(operand, Value) else operand
            assert shown == places.get(id(operand), [known])
    # All ways from a value shown to the loss are shown, so its gradient is that of the whole graph.
    passed = [0.0] * (len(page.order) - 1) + [1.0]
    for at in reversed(range(len(page.order))):
        locals_ = iter(held["local"][at])
        for operand in held["operands"][at]:
            if not isinstance(operand, list):
                passed[operand] += passed[at] * next(locals_)
    assert passed == pytest.approx([value.grad for value in page.order], rel=1e-12)  # another order of additions


def test_a_page_opens_at_a_value():
    loss = network(3, 3)
    order = ag.topological_order(loss)
    assert page_of(loss).content["focus"] is None
    assert page_of(loss, complete(PageOptions, {"focus": order[5]})).content["focus"] == 5
    x = Value(1.0, "x")
    for _ in range(STEP_LIMIT + 10):
        x = ag.sin(x)
    middle = ag.topological_order(x)[2_000]
    held = page_of(x, complete(PageOptions, {"focus": middle})).content
    (card,) = (card for card, *_ in held["views"][0]["cards"] if card == held["focus"])
    title = held["groups"][-1 - card][0]
    first, last = (int(text.replace(",", "")) for text in re.findall(r"[\d,]+", title))
    assert first <= 2_001 <= last


def test_a_notebook_shows_the_page_in_a_frame():
    shown = viz.explore(neuron(), height=500)._repr_html_()
    ((tag, attributes),) = Reader(shown).elements
    assert tag == "iframe"
    assert attributes["srcdoc"] == viz.to_html(neuron())
    assert attributes["sandbox"] == "allow-scripts"
    assert attributes["height"] == "500"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3.0,), TypeError, "not from float"),
        (([],), ValueError, "empty list"),
        (([1.0],), TypeError, "this list holds a float"),
    ],
)
def test_bad_roots(arguments, error, message):
    with pytest.raises(error, match=message):
        viz.to_html(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"theme": "pink"}, "auto, light, dark"),
        ({"limit": 0}, "limit=0"),
        ({"focus": Value(1.0)}, "focus= names .*not in this graph"),
        ({"between": (Value(1.0), Value(2.0))}, "between= names .*not in this graph"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        viz.to_html(neuron(), **options)


def test_bad_height():
    with pytest.raises(ValueError, match="height=0"):
        viz.explore(neuron(), height=0)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_colours_of_a_page_can_be_read(theme):
    for ground in (theme.background, theme.node, theme.zero, theme.active_fill):
        assert contrast(theme.foreground, ground) >= 4.5
    for text in (theme.muted, theme.dim_text, theme.active):
        assert contrast(text, theme.background) >= 4.5
    assert contrast(theme.background, theme.active) >= 4.5


def test_the_numbers_of_groups_are_those_of_their_values():
    x = Value(1.0, "x")
    for _ in range(STEP_LIMIT + 10):
        x = ag.sin(x)
    held = page_of(x).content
    count, parameters, span, norm = held["summary"][0]
    order = ag.topological_order(x)[:count]
    assert (parameters, norm) == (0, "–")
    data = [value.data for value in order]
    assert span == f"{number(min(data))} … {number(max(data))}"
