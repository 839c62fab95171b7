"""Pictures as text, as files and in notebooks, with the dot program and without it."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import types
from pathlib import Path
from xml.etree import ElementTree

import graphviz
import pytest

import nn
import viz
from autograd import Value
from viz.graph import prepare
from viz.render import GraphPicture

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs the dot program")


@pytest.fixture
def without_dot(monkeypatch, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def without_pygraphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setitem(sys.modules, "resvg_py", None)


def bill() -> Value:
    apples, price, tax = Value(2, "苹果"), Value(100, "price"), Value(1.1, "tax")
    total = apples * price * tax
    total.label = "total"
    total.backward()
    return total


def texts(svg: str) -> set[str]:
    root = ElementTree.fromstring(svg)
    found = {"".join(element.itertext()).replace("\u00a0", " ").strip() for element in root.iter()}
    return {text for text in found if text}


SHOWN = {
    "苹果",
    "price",
    "tax",
    "2",
    "100",
    "1.1",
    "+110",
    "+2.2",
    "+200",
    "+1.1",
    "+1",
    "∂ 100",
    "∂ 2",
    "∂ 1.1",
    "∂ 200",
}


def test_svg_shows_everything_and_needs_no_other_program(without_dot):
    assert texts(viz.to_svg(bill())) >= SHOWN


@pytest.mark.parametrize("name", ["light", "dark"])
def test_theme_sets_the_background(without_dot, name):
    colour = {"light": "#FFFFFF", "dark": "#0D1117"}[name]
    assert f'fill="{colour}"' in viz.to_svg(bill(), theme=name)
    assert f'bgcolor="{colour}"' in viz.to_dot(bill(), theme=name)
    with pytest.raises(ValueError, match="light, dark"):
        viz.to_svg(bill(), theme="sepia")


def test_dot_shapes_say_the_kind():
    x, w = Value(1.0, "x"), Value(2.0, "w")
    source = viz.to_dot(x * w, parameters=[w])
    shapes = [line.split("shape=")[1].split()[0] for line in source.splitlines() if "shape=" in line]
    assert shapes == ["cds", "cylinder", "plain"]


def test_edges_end_at_slots():
    x = Value(3.0)
    lines = [line.split(" [")[0].strip() for line in viz.to_dot(x * x).splitlines() if "->" in line]
    assert lines == ["n0:e -> n1:s0:w", "n0:e -> n1:s1:w"]


def test_edge_colours_say_the_sign():
    x, y = Value(3.0), Value(-2.0)
    z = x * y
    z.backward()
    lines = [line for line in viz.to_dot(z).splitlines() if "->" in line]
    assert ["#0072B2" in line for line in lines] == [True, False]
    assert ["#D55E00" in line for line in lines] == [False, True]


def test_a_lone_leaf_is_a_picture(without_dot):
    assert texts(viz.to_svg(Value(3.0, "x"))) >= {"x", "3", "–"}


@needs_dot
def test_extreme_numbers_are_drawn_by_dot(tmp_path):
    x = Value(0.0, "x")
    y = 1 / x + x.log()
    y.backward()
    assert viz.draw(y, tmp_path / "y.png").read_bytes().startswith(b"\x89PNG")


def test_extreme_numbers_are_drawn_without_dot(without_dot):
    x = Value(0.0, "x")
    y = 1 / x + x.log()
    y.backward()
    assert texts(viz.to_svg(y)) >= {"nan", "inf", "-inf", "∂ inf", "∂ -inf"}


# Files


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("dot", b"digraph G {"),
        ("mmd", b"flowchart LR"),
        ("json", b'{"format":"glassgrad.picture"'),
        ("svg", b"<svg "),
        pytest.param("png", b"\x89PNG", marks=needs_dot),
        pytest.param("pdf", b"%PDF", marks=needs_dot),
        ("SVG", b"<svg "),
    ],
)
@pytest.mark.parametrize("stem", ["picture", "-x", "a b", "苹果", "two.dots", "--help"])
def test_draw_writes_the_format_of_the_suffix_and_nothing_else(tmp_path, monkeypatch, suffix, start, stem):
    monkeypatch.chdir(tmp_path)
    name = f"{stem}.{suffix}"
    assert viz.draw(bill(), name) == Path(name)
    assert Path(name).read_bytes().startswith(start)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "mycode.py", ".svg", "-x", ""])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot, \.mmd, \.json"):
        viz.draw(bill(), name)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder .*nowhere.* does not exist"):
        viz.draw(bill(), tmp_path / "nowhere" / "picture.svg")
    assert os.listdir(tmp_path) == []


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.svg': it is a folder"):
        viz.draw(bill(), tmp_path / "folder.svg")


def test_an_existing_file_survives_a_failure(tmp_path, without_dot, without_pygraphviz):
    for name in ("old.png", "old.svg"):
        (tmp_path / name).write_text("precious")
    with pytest.raises(viz.GraphvizNotFound):
        viz.draw(bill(), tmp_path / "old.png")
    with pytest.raises(ValueError, match="focus"):
        viz.draw(bill(), tmp_path / "old.svg", focus=Value(1.0))
    assert (tmp_path / "old.png").read_text() == (tmp_path / "old.svg").read_text() == "precious"


def test_an_existing_file_survives_a_full_disk(tmp_path, monkeypatch):
    target = tmp_path / "old.svg"
    target.write_text("precious")

    def fail(source: object, destination: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        viz.draw(bill(), target)
    assert target.read_text() == "precious"
    assert os.listdir(tmp_path) == ["old.svg"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_an_existing_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "real.svg", tmp_path / "link.svg"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    viz.draw(bill(), link)
    assert link.is_symlink()
    assert target.read_text().startswith("<svg ")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


# A dot program that does not do what it should

BAD_PROGRAMS = {
    "hangs": ("import time; time.sleep(60)", "did not finish within"),
    "crashes": ("import sys; sys.stderr.write('out of memory'); sys.exit(3)", "failed with status 3: out of memory"),
    "is killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed with status -9"),
    "prints rubbish": ("print('<html>')", "which is not a PNG"),
    "prints nothing": ("pass", "which is not a PNG"),
    "never ends printing": ("while True: print('x' * 10**6)", "wrote more than"),
    "never ends complaining": ("import sys\nwhile True: sys.stderr.write('x' * 10**6)", "bytes of complaints"),
    "does not read": ("import sys; sys.stdin.close(); print('no')", "which is not a PNG"),
}


@pytest.mark.skipif(os.name != "posix", reason="a program that is a script")
@pytest.mark.parametrize("way", BAD_PROGRAMS)
@pytest.mark.parametrize("rasterizer", [True, False])
def test_a_dot_program_that_fails_is_warned_of_and_another_way_is_taken(tmp_path, monkeypatch, way, rasterizer):
    script, said = BAD_PROGRAMS[way]
    program = tmp_path / "dot"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(0o755)
    target = tmp_path / "old.png"
    target.write_text("precious")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("viz.bitmaps._SECONDS", 2.0 if way == "hangs" else 20.0)
    monkeypatch.setattr("viz.bitmaps._MOST_BYTES", 10**7)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    resvg = types.SimpleNamespace(svg_to_bytes=lambda svg_string, width: b"drawn from " + svg_string[:4].encode())
    monkeypatch.setitem(sys.modules, "resvg_py", resvg if rasterizer else None)
    with pytest.warns(RuntimeWarning, match=said):
        if rasterizer:
            viz.draw(bill(), target)
        else:
            with pytest.raises(viz.GraphvizNotFound, match="its dot program failed"):
                viz.draw(bill(), target)
    assert target.read_bytes() == (b"drawn from <svg" if rasterizer else b"precious")
    assert sorted(os.listdir(tmp_path)) == ["dot", "old.png"]


def test_resvg_rasterises_our_own_svg(tmp_path, monkeypatch, without_dot):
    pytest.importorskip("resvg_py")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    viz.draw(bill(), tmp_path / "picture.png")
    head = (tmp_path / "picture.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width = int.from_bytes(head[16:20], "big")
    assert 2 * 400 < width < 2 * 1000
    viz.draw(bill(), tmp_path / "large.png", scale=20)
    assert int.from_bytes((tmp_path / "large.png").read_bytes()[16:20], "big") <= 8_000


# Without the dot program


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_bitmap_without_graphviz_names_the_ways_out(tmp_path, without_dot, without_pygraphviz, suffix):
    with pytest.raises(viz.GraphvizNotFound, match=r"apt install graphviz.*glassgrad\[png\].*\.svg"):
        viz.draw(bill(), tmp_path / f"picture.{suffix}")
    assert issubclass(viz.GraphvizNotFound, RuntimeError)


def test_a_bitmap_without_dot_is_pygraphvizs(tmp_path, monkeypatch, without_dot):
    asked = []

    class AGraph:
        def __init__(self, string: str) -> None:
            asked.append(string)

        def draw(self, format: str, prog: str) -> bytes:
            asked.append((format, prog))
            return b"a bitmap"

    monkeypatch.setitem(sys.modules, "pygraphviz", types.SimpleNamespace(AGraph=AGraph))
    viz.draw(bill(), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes() == b"a bitmap"
    assert asked[0].startswith("digraph G {")
    assert asked[1] == ("png", "dot")


def test_pygraphviz_draws_without_dot(tmp_path, without_dot):
    pytest.importorskip("pygraphviz")
    viz.draw(bill(), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


# Notebooks


def assert_shown(picture: GraphPicture) -> None:
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    assert bundle["image/svg+xml"] == picture._repr_svg_()
    assert texts(picture._repr_svg_()) >= SHOWN
    assert picture._repr_mimebundle_(exclude=["image/svg+xml"]) == {}


def test_a_notebook_shows_a_picture_without_dot(without_dot):
    total = bill()
    assert_shown(viz.draw_dot(total))
    assert viz.draw_dot(total)._repr_svg_() == viz.to_svg(total)


def test_a_picture_that_is_wider_than_a_notebook_takes_its_width():
    x = Value(2.0, "x")
    chain = x
    for _ in range(6):
        chain = chain + 1
    svg, shown = viz.to_svg(chain), viz.draw_dot(chain)._repr_svg_()
    width = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    assert float(width[1]) > 800
    assert shown == svg.replace(width[0], f'width="100%" style="max-width:{width[1]}px;height:auto"', 1)


def test_a_prompt_says_what_a_picture_is_and_how_to_save_it():
    text = repr(viz.draw_dot(bill()))
    assert text.startswith("<picture of a computation graph of total: 5 values, 4 edges; ")
    assert "viz.draw(" in text


def test_an_svg_says_what_it_is():
    root = ElementTree.fromstring(viz.to_svg(bill()))
    assert root.get("role") == "img"
    assert (root[0].tag.rpartition("}")[2], root[0].text) == ("title", "computation graph of total: 5 values, 4 edges")


def test_scale_is_a_factor_on_the_size():
    one, two = (ElementTree.fromstring(viz.to_svg(bill(), scale=scale)) for scale in (1, 2))
    assert float(str(two.get("width"))) == pytest.approx(2 * float(str(one.get("width"))))
    assert two.get("viewBox") == one.get("viewBox")


def test_a_picture_is_a_graphviz_source(without_dot):
    picture = viz.draw_dot(bill())
    assert isinstance(picture, graphviz.Source)
    assert picture.source == viz.to_dot(bill())
    assert picture.copy()._repr_svg_() == picture._repr_svg_()
    with pytest.raises(graphviz.ExecutableNotFound):
        picture.pipe(format="png")


def test_a_picture_is_a_snapshot(without_dot):
    x = Value(2.0, "x")
    y = x * 3
    picture = viz.draw_dot(y)
    before = picture._repr_svg_()
    y.backward()
    assert picture._repr_svg_() == before


# The same bytes every time

SCRIPT = """
import sys
import autograd as ag, viz
from autograd import Value
xs = [Value(0.3 * i - 1, f"x{i}") for i in range(6)]
hidden = [ag.dot(xs, [0.1 * (i + j) for i in range(6)]).tanh() for j in range(5)]
loss = (ag.sum([h * x for h, x in zip(hidden, xs)]) - 1) ** 2
loss.backward()
sys.stdout.buffer.write((viz.to_dot(loss) + viz.to_svg(loss) + viz.to_svg(loss, theme="dark")).encode())
"""


def drawn(hash_seed: str, path: str) -> bytes:
    packages = str(Path(viz.__file__).parents[1])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": packages, "PATH": path}
    return subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True).stdout


def test_two_renderings_are_byte_identical_across_processes(tmp_path):
    path = str(tmp_path)
    first = drawn("1", path)
    assert first.count(b"<svg ") == 2
    assert drawn("2", path) == first


def test_ids_differ_between_pictures():
    pictures = [viz.to_svg(bill()), viz.to_svg(bill(), theme="dark"), viz.to_svg(Value(1.0, "x") + 1)]
    ids = [element.get("id") for svg in pictures for element in ElementTree.fromstring(svg).iter()]
    ids = [one for one in ids if one is not None]
    assert len(ids) > 15
    assert len(ids) == len(set(ids))


def test_draw_dot_takes_what_micrograd_s_takes() -> None:
    x = Value(2.0, "x")
    assert viz.draw_dot(x * 2, format="svg", rankdir="LR").format == "svg"
    assert viz.draw_dot(x * 2, "png").format == "png"
    with pytest.raises(ValueError, match="rankdir='TB'"):
        viz.draw_dot(x * 2, rankdir="TB")


def test_a_gradient_is_shown_where_a_pass_has_been_and_nowhere_else() -> None:
    x = Value(-1.0, "x")
    h = x * 2
    h.relu().backward()
    later = h * 3
    nodes = {node.title: node for node in prepare(later).nodes}
    assert nodes["x"].gradient == 0.0  # reached, and nothing came
    assert [node.gradient for node in prepare(later).nodes] == [0.0, 0.0, None]


@needs_dot
def test_dot_keeps_the_order_of_neurons():
    source = viz.to_dot(nn.MLP(2, [16, 16, 1], seed=1)([1.0, 2.0]))
    titles = dict(re.findall(r"^  (n\d+) \[shape=box3d .*<B>(neurons\.\d+)</B>", source, re.MULTILINE))
    laid = subprocess.run(["dot", "-Tplain"], input=source.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    columns: dict[int, list[tuple[float, str]]] = {}
    for _, node, x, y in re.findall(r"^(node) (n\d+) (\S+) (\S+)", laid, re.MULTILINE):
        columns.setdefault(round(float(x)), []).append((-float(y), titles[node]))
    found = [[title for _, title in sorted(columns[x])] for x in sorted(columns)]
    assert found == [[f"neurons.{i}" for i in range(count)] for count in (16, 16, 1)]
