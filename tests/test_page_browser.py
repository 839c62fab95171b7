"""The page in Chromium: every control, three widths, both themes, labels that mean harm, and what axe-core finds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import ARGUMENTS, chromium
from test_page import network, neuron, three_hundred
from test_viz_escaping import NASTY

import autograd as ag
import nn
import viz
from autograd import Value
from autograd.formatting import number
from viz.graph import prepare
from viz.options import PictureOptions, complete

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'glassgrad[browser]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="needs Chromium: apt install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield opened
        opened.close()


class Shown:
    """A page in a tab, and what it said and asked for."""

    def __init__(self, tab: Any, troubles: list[str]) -> None:
        self.tab = tab
        self.troubles = troubles

    def text(self, selector: str) -> str:
        return str(self.tab.locator(selector).first.evaluate("(node) => node.innerText ?? node.textContent"))

    def card(self, at: int) -> Any:
        return self.tab.locator(f'[data-card="{at}"]')

    def numbers(self, at: int) -> tuple[str, str]:
        """What the card of a value shows as data and gradient."""
        data, grad = self.card(at).locator(".number").all_text_contents()
        return data, grad

    def frame(self) -> int:
        return int(self.text("#position").split("/")[0])

    def set_slider(self, selector: str, value: float) -> None:
        self.tab.locator(selector).evaluate(
            "(slider, x) => { slider.value = x; slider.dispatchEvent(new Event('input', { bubbles: true })); }", value
        )


@pytest.fixture
def show(browser, tmp_path) -> Iterator[Any]:
    """Open the page of a graph; at the end nothing must have been asked for or said."""
    troubles: list[str] = []
    contexts = []

    def opened(
        root: Any, fragment: str = "", width: int = 1280, dark: bool = False, touch: bool = False, **options: Any
    ) -> Shown:
        path = Path(tmp_path) / f"{len(contexts)}.html"
        viz.draw(root, path, **options)
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            has_touch=touch,
        )
        contexts.append(context)
        tab = context.new_page()
        address = path.as_uri()
        tab.on("console", lambda message: troubles.append(f"console: {message.text}"))
        tab.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        tab.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        tab.on("request", lambda request: request.url.split("#")[0] == address or troubles.append(request.url))
        tab.goto(address + fragment)
        tab.locator(".card").first.wait_for(state="attached")
        return Shown(tab, troubles)

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def gradients(root: Value) -> list[tuple[str, str]]:
    for node in ag.topological_order(root):
        node.zero_grad()
    root.backward()
    return [(number(node.data), number(node.grad, sign=True)) for node in ag.topological_order(root)]


@pytest.mark.parametrize(
    "make", [neuron, lambda: network(4, 4), three_hundred], ids=["neuron", "network", "300 values"]
)
def test_the_last_frame_is_backward(show, make):
    root = make()
    page = show(root)
    cards = page.tab.evaluate(
        "[...document.querySelectorAll('.card')].map((g) => [Number(g.dataset.card),"
        " ...[...g.querySelectorAll('.number')].map((t) => t.textContent)])"
    )
    wanted = gradients(root)
    assert len(cards) == len(wanted)
    for at, data, grad in cards:
        assert (data, grad) == wanted[at]


def test_every_button_and_key_steps(show):
    page = show(neuron(), "#frame=0")
    assert page.frame() == 0
    assert page.numbers(9) == ("–", "–")
    tab = page.tab
    tab.click("#next")
    assert page.frame() == 1
    assert page.text("#sentence") == "%5 = 2 × (-1.5) = -3"
    tab.click("#back")
    assert page.frame() == 0
    tab.click("#last")
    assert page.text("#position") == "16 / 16"
    tab.click("#toBackward")
    assert page.frame() == 6
    assert page.numbers(9) == ("0.6044", "+1")
    assert page.numbers(0) == ("2", "–")
    tab.click("#first")
    assert page.frame() == 0
    tab.locator("h1").click()
    for key, frame in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("b", 6), ("End", 16), ("Home", 0)):
        tab.keyboard.press(key)
        assert page.frame() == frame, key
    page.set_slider("#frame", 11)
    assert page.frame() == 11
    assert tab.evaluate("location.hash") == "#frame=11"


def test_a_step_is_told_and_tabled(show):
    page = show(neuron(), "#frame=15")
    root = neuron()
    step = list(ag.steps(root))[-1]
    assert page.text("#sentence") == "0.6347 of y's gradient meets the other factor of ×, 2: +1.269 for w1."
    rows = [row.split("\t") for row in page.text("#stepBody tbody").splitlines()]
    assert rows == [
        [
            operand.value.label,
            number(operand.local_grad),
            number(operand.contribution, sign=True),
            f"{number(operand.before, sign=True)} → {number(operand.after, sign=True)}",
        ]
        for operand in step.operands
    ]
    assert page.text("#product") == "+1.269"
    assert page.tab.locator(".edge.active").count() == 1
    assert page.tab.locator("#sentence").get_attribute("aria-live") == "polite"


def test_play_runs_to_the_end_and_pauses(show):
    page = show(neuron(), "#frame=0")
    tab = page.tab
    tab.select_option("#speed", "16")
    tab.locator("h1").click()
    tab.keyboard.press(" ")
    playwright.expect(tab.locator("#position")).to_have_text("16 / 16", timeout=8000)
    playwright.expect(tab.locator("#play")).not_to_have_class("primary playing")
    tab.select_option("#speed", "0.5")
    tab.click("#play")
    assert page.frame() == 0
    assert tab.locator("#play").get_attribute("title") == "Pause (space)"
    tab.click("#play")
    assert tab.locator("#play").get_attribute("title") == "Play (space)"


@pytest.mark.parametrize(
    ("fragment", "frame"),
    [
        ("", 16),
        ("#frame=3", 3),
        ("#frame=999", 0),
        ("#frame=-1", 0),
        ("#frame=x", 0),
        ("#frame=1e3", 0),
        ("#%E0%A4%A", 0),
    ],
)
def test_the_frame_stands_in_the_address(show, fragment, frame):
    page = show(neuron(), fragment)
    assert page.frame() == frame
    page.tab.evaluate("location.hash = '#frame=2'")
    playwright.expect(page.tab.locator("#position")).to_have_text("2 / 16")


def test_a_click_tells_of_a_value(show):
    x = Value(0.125, "x")
    y = x * x + x
    y.label = "y"
    y.backward()
    y.backward()
    page = show(y)
    page.card(0).click()
    told = page.text("#valueBody")
    assert "gradient\n1.25\n" in told
    assert ".grad\n2.5 in Python when the page was made" in told
    assert "3 products add up to +1.25" in told
    assert "Sum over 3 paths from y" in told
    amounts = [float(text) for text in page.tab.locator("#valueBody ul").nth(1).locator("b").all_inner_texts()]
    assert math.isclose(math.fsum(amounts), 1.25)
    for at, edges in ((0, 1), (1, 2)):
        page.tab.locator("#valueBody ul").nth(1).locator("button").nth(at).click()
        assert page.tab.locator(".edge.lit").count() == edges
        assert page.tab.locator("#world.lighting").count() == 1
    page.tab.keyboard.press("Escape")
    assert page.tab.locator(".edge.lit").count() == 0
    page.tab.locator("#valueBody ul").nth(0).locator("button").nth(1).click()
    assert page.text("#where").startswith("backward 3/4") or page.text("#where").startswith("backward 4/4")
    page.tab.locator("#valueBody .chips button").first.click()
    assert page.tab.locator(".card.selected").get_attribute("data-card") != "0"


def test_moving_a_leaf_moves_all_that_follows(show):
    page = show(neuron())
    page.set_slider("#leaf0", -1.25)
    x1, w1 = Value(-1.25, "x1"), Value(-1.5, "w1")
    y = (x1 * w1 + Value(0.5) * Value(1.0) + Value(3.2)).tanh()
    y.backward()
    assert page.numbers(0) == (number(x1.data), number(x1.grad, sign=True))
    assert page.numbers(9) == (number(y.data), "+1")
    assert page.tab.locator('[data-leaf="0"] input[type=number]').input_value() == "-1.25"
    page.tab.locator('[data-leaf="1"] input[type=number]').fill("0.123456789")
    page.tab.locator('[data-leaf="1"] input[type=number]').press("Enter")
    page.card(1).click()
    assert "data\n0.123456789" in page.text("#valueBody")
    page.tab.click("#restore")
    assert [page.numbers(at) for at in range(10)] == gradients(neuron())
    assert page.tab.locator("#restore").is_disabled()


def test_an_edge_becomes_wider_and_changes_its_colour(show):
    page = show(neuron())

    def look() -> tuple[str, float]:
        line = page.tab.locator(".edge").first.locator(".line")
        return line.evaluate(
            "(path) => [getComputedStyle(path).stroke, parseFloat(getComputedStyle(path).strokeWidth)]"
        )

    page.set_slider("#leaf1", 3.0)
    before = look()
    page.set_slider("#leaf1", -0.1)
    after = look()
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_every_slider_moves_by_key(show):
    page = show(neuron())
    leaves = page.tab.locator(".leaf").evaluate_all("(rows) => rows.map((row) => Number(row.dataset.leaf))")
    assert len(leaves) == 5
    for leaf in leaves:
        before = page.numbers(leaf)[0]
        page.tab.locator(f"#leaf{leaf}").focus()
        page.tab.keyboard.press("ArrowRight")
        assert page.numbers(leaf)[0] != before
        assert page.frame() == 16


@pytest.mark.parametrize("data", [math.nan, math.inf, 1e-300, 1e308])
def test_a_slider_is_never_nan(show, data):
    x = Value(data, "x")
    page = show(x * 2.0)
    assert page.numbers(0)[0] == number(data)
    slider = page.tab.locator("#leaf0")
    page.set_slider("#leaf0", float("nan") if math.isnan(data) else 1e-301)
    assert math.isfinite(float(slider.input_value()))
    assert page.numbers(0)[0] not in ("nan", "inf")
    exact = page.tab.locator('[data-leaf="0"] input[type=number]')
    exact.fill("")
    exact.blur()
    assert page.numbers(0)[0] not in ("nan", "inf")


def test_more_than_24_leaves_get_sliders_by_click(show):
    xs = [Value(float(i), f"x{i}") for i in range(30)]
    page = show(ag.sum(xs))
    assert page.tab.locator("#sliders .leaf").count() == 0
    page.tab.locator("#query").fill("x17")
    page.tab.keyboard.press("Enter")
    page.tab.get_by_role("button", name="Move x17").click()
    assert page.tab.locator("#sliders .leaf").count() == 1
    page.set_slider("#leaf17", 18.0)
    assert page.numbers(30)[0] == "436"


def test_where_and_a_user_s_primitive_do_not_move(show):
    x = Value(1.0, "x")
    page = show(ag.where(x > 0, x * 2, x))
    assert "it contains where" in page.text("#refusal")
    assert page.tab.locator("#leaf0").is_disabled()
    twice = ag.primitive("page_twice", lambda x: 2 * x, derivatives=[lambda x, out: 2.0])
    page = show(twice(x) + 1)
    assert "page_twice is a primitive of your own" in page.text("#refusal")
    assert page.numbers(2) == ("3", "+1")
    page.tab.locator("h1").click()
    page.tab.keyboard.press("Home")
    assert page.numbers(2) == ("–", "–")


def test_a_leaf_alone(show):
    page = show(Value(3.0, "alone"))
    assert page.text("h1") == "alone"
    for key in ("End", "Home", "ArrowRight", "b", "ArrowLeft"):
        page.tab.keyboard.press(key)
    assert "one leaf" in page.text("#refusal")


def test_assigned_since_is_said(show):
    x = Value(2.0, "x")
    y = x * 3
    x.data = 100.0
    page = show(y)
    assert page.numbers(0)[0] == "100"
    assert page.numbers(1)[0] == "6"
    assert page.card(1).locator(".stale").count() == 1
    page.card(1).click()
    assert "the numbers are those of then" in page.text("#valueBody")


def test_modules_open_and_close(show):
    page = show(network(16, 16))
    tab = page.tab
    tab.click("#fit")
    tab.locator("#query").fill("neurons.3")
    group = tab.locator(".card.group").first
    name = group.locator(".title").text_content()
    closed = tab.locator(".card.group").count()
    group.locator(".open").dispatch_event("click")
    assert tab.locator(".card.group").count() == closed - 1
    assert tab.locator(".card:not(.group)").count() > 4
    assert page.text("#closeModule") == f"Close {name}"
    tab.click("#closeModule")
    assert tab.locator(".card.group").count() == closed
    group = tab.locator(".card.group").nth(20)
    group.focus()
    tab.keyboard.press("Enter")
    assert tab.locator(".card.group").count() == closed - 1
    tab.locator("#query").fill("x0")
    tab.keyboard.press("Enter")
    assert page.text("#found") == "1 of 1"
    assert "Sum over 256 paths from loss, the 12 largest" in page.text("#valueBody")


def test_steps_pass_closed_modules_whole(show):
    page = show(network(16, 16), "#frame=0")
    page.tab.locator("h1").click()
    presses = 0
    while page.frame() < 101 and presses < 200:
        page.tab.keyboard.press("ArrowRight")
        presses += 1
    assert presses <= 40


def test_finding_by_name(show):
    page = show(neuron())
    page.tab.keyboard.press("/")
    page.tab.keyboard.type("x")
    assert page.text("#found") == "2 found"
    for at in (0, 2, 0):
        page.tab.keyboard.press("Enter")
        assert page.tab.locator(".card.match").get_attribute("data-card") == str(at)
    page.tab.locator("#query").fill("nothing of the kind")
    assert page.text("#found") == "0 found"


def test_pan_and_zoom(show):
    page = show(network(4, 4))
    tab = page.tab

    def camera() -> tuple[float, float, float]:
        numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", tab.locator("#world").evaluate("(g) => g.style.transform"))
        x, y, k = map(float, numbers)
        return x, y, k

    tab.click("#actual")
    assert camera()[2] == 1.0
    tab.click("#zoomIn")
    assert camera()[2] == 1.25
    tab.click("#zoomOut")
    assert math.isclose(camera()[2], 1.0)
    x, y, _ = camera()
    box = tab.locator("#canvas").bounding_box()
    tab.mouse.move(box["x"] + 300, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 350, box["y"] + 130, steps=4)
    tab.mouse.up()
    assert math.isclose(camera()[0], x + 50, abs_tol=1) and math.isclose(camera()[1], y + 30, abs_tol=1)
    tab.mouse.wheel(0, -300)
    playwright.expect(tab.locator("#world")).not_to_have_attribute("style", re.compile(r"scale\(1\)"))
    assert camera()[2] > 1.2
    tab.click("#fit")
    outside = tab.evaluate(
        "[...document.querySelectorAll('.card')].filter((g) => { const a = g.getBoundingClientRect(),"
        " b = document.querySelector('#canvas').getBoundingClientRect();"
        " return a.left < b.left || a.right > b.right || a.top < b.top || a.bottom > b.bottom; }).length"
    )
    assert outside == 0


def test_a_network_opens_whole(show):
    page = show(nn.MLP(2, [16, 16, 1], seed=1)([1.0, 2.0]))
    heights = page.tab.evaluate(
        "['#canvas', '#world'].map((at) => document.querySelector(at).getBoundingClientRect())"
        ".map((box) => [box.top, box.bottom])"
    )
    assert heights[0][0] <= heights[1][0] and heights[1][1] <= heights[0][1]


def test_names_of_parameters_are_whole_in_tables_and_short_on_cards(show):
    page = show(nn.MLP(2, [3, 1], seed=1)([1.0, 2.0]))
    assert page.card(3).locator(".title").text_content() == "neurons.1.w0"
    page.card(3).click()
    assert page.text("#valueBody .name") == "layers.0.neurons.1.w0"
    width = page.tab.locator('[data-leaf="3"] label').evaluate("(label) => label.scrollWidth - label.clientWidth")
    assert width <= 0


def test_cards_by_key(show):
    page = show(neuron())
    page.card(9).focus()
    for key, at in (("ArrowUp", "8"), ("ArrowUp", "7"), ("ArrowDown", "8")):
        page.tab.keyboard.press(key)
        assert page.tab.evaluate("document.activeElement.dataset.card") == at
    page.tab.keyboard.press("Enter")
    assert page.tab.locator(".card.selected").get_attribute("data-card") == "8"
    assert page.tab.locator('.card[tabindex="0"]').count() == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_both_themes_and_the_toggle(show, dark):
    page = show(neuron(), dark=dark)

    def ground() -> str:
        return str(page.tab.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    light, night = "rgb(255, 255, 255)", "rgb(13, 17, 23)"
    assert ground() == (night if dark else light)
    page.tab.click("#theme")
    assert ground() == (light if dark else night)
    page.tab.click("#theme")
    assert ground() == (night if dark else light)


@pytest.mark.parametrize("width", [375, 800, 1280])
def test_nothing_is_wider_than_the_window(show, width):
    for root in (neuron(), network(16, 16)):
        page = show(root, "#frame=14", width=width)
        page.card(page.tab.locator(".card").first.get_attribute("data-card")).dispatch_event("click")
        assert page.tab.evaluate("document.documentElement.scrollWidth") <= width


def test_a_finger_taps_a_card(show):
    page = show(neuron(), width=375, touch=True)
    page.tab.click("#fit")
    page.card(2).tap()
    assert page.text("#valueBody .name") == "x2"


def test_labels_that_mean_harm_are_text(show):
    root: Value = Value(1.0)
    for i, label in enumerate(
        [*NASTY, "</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "${alert(1)}"]
    ):
        leaf = Value(1.0, label)
        leaf.module = label or None
        root = root * leaf if i % 2 else root + leaf
        root.label = label
    page = show(root)
    tab = page.tab
    assert tab.evaluate("document.querySelectorAll('img, iframe, object, script').length") == 2
    for at in range(0, 60, 7):
        page.card(at).dispatch_event("click")
    tab.locator("#query").fill("<script>")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.querySelectorAll('img, iframe, object, script').length") == 2


def test_other_scripts_do_not_run(show):
    page = show(neuron())
    ran = page.tab.evaluate(
        "() => { const made = document.createElement('script'); made.textContent = 'window.ran = true';"
        " document.body.append(made); return window.ran === true; }"
    )
    assert ran is False
    assert ["Content Security Policy" in trouble for trouble in page.troubles] == [True]
    page.troubles.clear()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(show, dark):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe: pip install 'glassgrad[browser]'"
    )
    for root, fragment, width in ((neuron(), "#frame=13", 1280), (neuron(), "", 375), (network(16, 16), "", 1280)):
        page = show(root, fragment, width=width, dark=dark)
        page.tab.locator(".card").first.dispatch_event("click")
        found = axe.Axe().run(page.tab).response["violations"]
        assert [(one["id"], one["impact"], one["nodes"][0]["html"][:200]) for one in found] == []


def test_a_notebook_s_frame_steps(browser, tmp_path):
    shown = viz.explore(neuron())
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><title>cell</title>{shown._repr_html_()}", encoding="utf-8")
    tab = browser.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(path.as_uri())
    inside = tab.frame_locator("iframe")
    inside.locator("#first").click()
    assert inside.locator("#position").inner_text() == "0 / 16"
    tab.close()
    assert errors == []


def test_a_frame_further_down_shows_the_whole_graph(browser, tmp_path):
    shown = viz.explore(neuron(), height=520)  # it has no size yet when its script runs
    path = tmp_path / "notebook.html"
    path.write_text(
        f'<!doctype html><title>cell</title><div style="height:2000px"></div>{shown._repr_html_()}', encoding="utf-8"
    )
    tab = browser.new_page(viewport={"width": 860, "height": 700})
    tab.goto(path.as_uri())
    tab.locator("iframe").scroll_into_view_if_needed()
    inside = tab.frames[-1]
    inside.wait_for_function("document.getElementById('graph').getBoundingClientRect().width > 800")
    window = inside.evaluate("innerWidth")
    for card in inside.locator(".card").all():
        box = card.evaluate("(card) => { const b = card.getBoundingClientRect(); return [b.left, b.right]; }")
        assert 0 <= box[0] < box[1] <= window
    tab.close()


def test_a_page_opens_at_a_value_and_moves_a_part(show):
    model = nn.MLP(2, [4, 4, 1], activation="tanh", seed=1)
    loss = model([0.5, -1.2])
    weight = model.layers[0].neurons[1].w[0]
    page = show(loss, focus=weight)
    assert page.text("#valueBody .name") == "layers.0.neurons.1.w0"
    left, right = page.tab.locator(".card.selected").evaluate(
        "(card) => { const b = card.getBoundingClientRect(); return [b.left, b.right]; }"
    )
    assert 0 <= left < right <= 1280
    part = show(loss, between=(weight, loss))
    part.set_slider("#leaf0", 0.25)
    weight.data = 0.25
    cards = len(prepare(loss, complete(PictureOptions, {"between": (weight, loss)})).nodes)
    assert part.tab.locator(".card").count() == cards
    assert part.numbers(cards - 1)[0] == number(model([0.5, -1.2]).data)


def test_a_graph_too_large_to_step_says_so(show):
    x = Value(1.0, "x")
    for _ in range(6000):
        x = ag.sin(x)
    page = show(x)
    assert page.text("#where") == "6,001 values, by module"
    assert page.tab.locator("#play").is_disabled()
    page.tab.keyboard.press("ArrowRight")
    page.tab.keyboard.press("0")
    page.tab.locator(".card").first.dispatch_event("click")
    assert "values" in page.text("#valueBody")
